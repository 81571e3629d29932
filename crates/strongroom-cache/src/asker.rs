//! Who asks, as both caches tell callers apart.

use strongroom_types::{CallContext, Timestamp};

/// The caller with all that is known of the session, whatever of it a policy may look at: one
/// caller's permission never serves another.
pub(crate) fn identity(cx: &CallContext) -> String {
    format!("{:?} {:?}", cx.caller(), cx.facts())
}

/// Whether the caller's session is over: then it is not served, and what is behind the cache
/// refuses it.
pub(crate) fn is_over(cx: &CallContext, now: Timestamp) -> bool {
    cx.facts().and_then(|facts| facts.expires).is_some_and(|ends| ends <= now)
}

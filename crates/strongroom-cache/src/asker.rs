//! How both caches distinguish callers.

use strongroom_types::{CallContext, Timestamp};

/// The caller with all facts of the session that a policy can test, so that one caller's permission
/// never serves another.
pub(crate) fn identity(cx: &CallContext) -> String {
    format!("{:?} {:?}", cx.caller(), cx.facts())
}

/// Whether the caller's session has expired. It is then not served from the cache, and the store
/// refuses it.
pub(crate) fn is_over(cx: &CallContext, now: Timestamp) -> bool {
    cx.facts().and_then(|facts| facts.expires).is_some_and(|ends| ends <= now)
}

//! Whom AWS is asked for.

use strongroom_types::{CallContext, Caller};

/// Why a call is not made: it is for somebody else than whoever holds the credentials of this `what`.
pub(crate) fn refusal(cx: &CallContext, what: &str) -> Option<String> {
    let own = matches!(cx.caller(), Caller::Owner(_));
    (!own).then(|| {
        format!(
            "AWS decides about the credentials of this {what}, not about another caller: it acts for the owner only"
        )
    })
}

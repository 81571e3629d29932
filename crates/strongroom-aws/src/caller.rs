//! Which caller AWS is called for.

use strongroom_types::{CallContext, Caller};

/// Why a call is not made: its caller is not the owner, so not the holder of the credentials of
/// this `what`.
pub(crate) fn refusal(cx: &CallContext, what: &str) -> Option<String> {
    let own = matches!(cx.caller(), Caller::Owner(_));
    (!own).then(|| {
        format!(
            "AWS decides about the credentials of this {what}, not about another caller: it acts for the owner only"
        )
    })
}

/// [`refusal`] as an error of a secret store.
#[cfg(any(feature = "secrets-manager", feature = "parameter-store"))]
pub(crate) fn own_store(cx: &CallContext, operation: &'static str) -> Result<(), strongroom_store::Error> {
    use strongroom_store::{Error, ErrorKind};
    match refusal(cx, "store") {
        None => Ok(()),
        Some(text) => {
            Err(Error::new(ErrorKind::AccessDenied, text).during(operation).with("caller", cx.caller()))
        }
    }
}

//! Logs each request and counts it in the metrics.

use std::time::Duration;

use strongroom_http::{count_request, log_field};

use crate::answer::ApiError;
use crate::wire_call::{CallObserver, WireCall};

/// Logs and counts requests.
pub(crate) struct AccessLog;

impl CallObserver for AccessLog {
    fn ended(&self, call: &WireCall<'_>, error: Option<&ApiError>, taken: Duration) {
        let code = error.map_or("-", |error| error.code.as_str());
        let request = &**call.id;
        if let Some(why) = call.foreign {
            count_request(None, code, taken);
            tracing::info!(code, request, why, "refused");
            return;
        }
        let exists = !matches!(code, "UnknownOperationException" | "InvalidAction");
        let named = call.principal.is_some() && exists;
        count_request(named.then(|| call.operation()), code, taken);
        // Nothing from the body of an unauthenticated request is logged.
        let about = || call.principal.as_ref().and_then(|_| call.resource()).unwrap_or_default();
        tracing::info!(
            operation = &*log_field(call.operation()),
            principal = &*log_field(call.principal.as_deref().unwrap_or("-")),
            // Parsed only if the line is logged.
            about = &*log_field(about()),
            code,
            micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX),
            request,
            "request"
        );
    }
}

//! What became of a call's earlier tries: the SDK tells of the last one only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
#[cfg(feature = "parameter-store")]
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
#[cfg(feature = "parameter-store")]
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Watches the tries of one call. A try that was sent and not refused (no answer, status 5xx, an answer that cannot be read) may have been
/// carried out, whatever the next one is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tries(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// The try that is under way was sent.
    sent: AtomicBool,
    uncertain: AtomicBool,
}

impl Tries {
    /// Whether a try may have been carried out.
    pub(crate) fn uncertain(&self) -> bool {
        self.0.uncertain.load(Ordering::Relaxed)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Tries {
    fn name(&self) -> &'static str {
        "Tries"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.sent.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sent = self.0.sent.swap(false, Ordering::Relaxed);
        let failed = context.output_or_error().is_none_or(|result| result.is_err());
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if sent && failed && !refused {
            self.0.uncertain.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Lets the SDK try again only what AWS has refused (throttling, above all): for calls that would make a second version.
#[cfg(feature = "parameter-store")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnlyIfRefused;

#[cfg(feature = "parameter-store")]
impl ClassifyRetry for OnlyIfRefused {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if refused { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "OnlyIfRefused"
    }
}

/// Sends a call that changes something, and gives its answer or its failure with what is known of its tries.
#[cfg(any(feature = "secrets-manager", feature = "parameter-store"))]
macro_rules! change {
    ($name:expr, $call:expr) => {{
        let tries = $crate::tries::Tries::default();
        let answer = $call.customize().interceptor(tries.clone()).send().await;
        answer.map_err(|failed| error($name, Some(&tries), failed))
    }};
}
#[cfg(any(feature = "secrets-manager", feature = "parameter-store"))]
pub(crate) use change;

/// Sends a call that reads.
#[cfg(any(feature = "secrets-manager", feature = "parameter-store"))]
macro_rules! read {
    ($name:expr, $call:expr) => {
        $call.send().await.map_err(|failed| error($name, None, failed))
    };
}
#[cfg(any(feature = "secrets-manager", feature = "parameter-store"))]
pub(crate) use read;

//! Tracks the outcome of a call's earlier attempts: the SDK reports only the last one.

use aws_smithy_runtime_api::box_error::BoxError;
#[cfg(feature = "parameter-store")]
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
#[cfg(feature = "parameter-store")]
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// Header set on the last response of a call when an earlier attempt may have taken effect. No
/// server sends it.
const MARK: &str = "x-strongroom-uncertain";

/// Whether an earlier attempt of the call that ended in this response may have taken effect.
pub(crate) fn uncertain(answer: Option<&HttpResponse>) -> bool {
    answer.is_some_and(|answer| answer.headers().get(MARK).is_some())
}

/// Watches the attempts of every call of a client. An attempt that was sent and not refused (no
/// response, status 5xx, an unreadable response) may have taken effect, whatever the response to
/// the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries;

/// State of the call in progress.
#[derive(Clone, Copy, Debug, Default)]
struct Call {
    /// Whether the attempt in progress was sent.
    sent: bool,
    uncertain: bool,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

fn known(config: &ConfigBag) -> Call {
    config.load::<Call>().copied().unwrap_or_default()
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
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = Call { sent: true, ..known(config) };
        config.interceptor_state().store_put(call);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_some_and(|result| result.is_ok()) {
            return Ok(());
        }
        let call = known(config);
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        let uncertain = call.uncertain || (call.sent && !refused);
        config.interceptor_state().store_put(Call { sent: false, uncertain });
        Ok(())
    }

    fn modify_before_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if known(config).uncertain {
            // Without an answer it is uncertain anyway.
            if let Some(answer) = context.response_mut() {
                answer.headers_mut().insert(MARK, "yes");
            }
        }
        Ok(())
    }
}

/// Lets the SDK try again only what AWS has refused (throttling, above all): for calls that would
/// make a second version.
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

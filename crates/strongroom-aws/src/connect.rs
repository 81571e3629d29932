//! How to reach AWS: region, endpoint, credentials, timeouts.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use strongroom_envelope::SecretText;
use strongroom_store::{Error, ErrorKind};
use strongroom_types::{AccountId, Arn, Realm};

use crate::error::secrets::of_sts;

/// How to reach AWS. Anything not set here comes from AWS's default configuration (environment,
/// profile, container, instance).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use strongroom_aws::{Connection, SecretsManagerStore};
///
/// let config = Connection::new().region("eu-central-1").fips().load().await;
/// println!("as {}", strongroom_aws::who_am_i(&config).await?.arn);
/// let store = SecretsManagerStore::new(&config);
/// # Ok(())
/// # }
/// ```
///
/// By default, a call with its retries takes at most 30 seconds, each attempt at most 10, and
/// connecting at most 3. The SDK's own default does not limit the whole call.
#[derive(Clone, Debug)]
pub struct Connection {
    region: Option<String>,
    profile: Option<String>,
    endpoint: Option<String>,
    credentials: Option<(String, Arc<SecretText>)>,
    session_token: Option<Arc<SecretText>>,
    fips: bool,
    dual_stack: bool,
    timeout: Duration,
    attempt_timeout: Duration,
    attempts: u32,
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    /// AWS's default configuration, with timeouts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            region: None,
            profile: None,
            endpoint: None,
            credentials: None,
            session_token: None,
            fips: false,
            dual_stack: false,
            timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            attempts: 3,
        }
    }

    /// Uses this region instead of the configured one.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Uses this profile of AWS's configuration files.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Reaches all services at this address: your own server, an emulator or a proxy.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Uses these credentials instead of the configured ones.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: impl Into<SecretText>) -> Self {
        self.credentials = Some((access_key_id.into(), Arc::new(secret.into())));
        self
    }

    /// The session token of temporary [`Connection::credentials`]. Ignored without them.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<SecretText>) -> Self {
        self.session_token = Some(Arc::new(token.into()));
        self
    }

    /// Uses the endpoints whose cryptography is validated under FIPS 140.
    #[must_use]
    pub fn fips(mut self) -> Self {
        self.fips = true;
        self
    }

    /// Uses the endpoints that are also reachable over IPv6.
    #[must_use]
    pub fn dual_stack(mut self) -> Self {
        self.dual_stack = true;
        self
    }

    /// The time limit of a call with all its attempts.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The time limit of each attempt.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// The maximum number of attempts, including the first. Zero counts as one.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Loads the SDK's configuration from files and the environment. Does not call AWS.
    pub async fn load(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(self.timeout)
            .operation_attempt_timeout(self.attempt_timeout)
            .connect_timeout(Duration::from_secs(3).min(self.attempt_timeout))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(self.attempts));
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((id, secret)) = &self.credentials {
            let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
            loader = loader.credentials_provider(Credentials::from_keys(id, secret.expose(), token));
        }
        // Unset options keep their configured values.
        if self.fips {
            loader = loader.use_fips(true);
        }
        if self.dual_stack {
            loader = loader.use_dual_stack(true);
        }
        loader.load().await
    }
}

/// The identity behind the credentials of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user, role session or account.
    pub arn: String,
    /// The account.
    pub account: AccountId,
}

impl Identity {
    /// The account in the region of the configuration.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] when the configuration has no region.
    pub fn realm(&self, config: &SdkConfig) -> Result<Realm, Error> {
        realm(self.account, config)
    }
}

/// An account in the region of a configuration.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] when the configuration has no region, or a malformed one.
pub fn realm(account: AccountId, config: &SdkConfig) -> Result<Realm, Error> {
    let refused = |text: String| Error::new(ErrorKind::InvalidParameter, text);
    let region = config.region().ok_or_else(no_region)?;
    let region =
        strongroom_types::Region::parse(region.as_ref()).map_err(|error| refused(error.to_string()))?;
    Ok(Realm::new(account, region))
}

fn no_region() -> Error {
    let text = "no region is configured: call region(..) or set AWS_REGION";
    Error::new(ErrorKind::InvalidParameter, text)
}

/// An interceptor that does nothing.
#[derive(Debug)]
struct NoInterceptor;

#[dyn_dispatch_hint]
impl Intercept for NoInterceptor {
    fn name(&self) -> &'static str {
        "NoInterceptor"
    }
}

/// Asks AWS for the identity behind the credentials.
///
/// Calls
/// [`sts:GetCallerIdentity`](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html),
/// which needs no permission.
///
/// # Errors
/// [`ErrorKind::AccessDenied`] or [`ErrorKind::ExpiredToken`] for missing, invalid or expired
/// credentials; [`ErrorKind::InvalidParameter`] without a region; [`ErrorKind::Internal`] when AWS
/// cannot be reached.
pub async fn who_am_i(config: &SdkConfig) -> Result<Identity, Error> {
    asked_with(config, NoInterceptor).await
}

/// As [`who_am_i`], with an interceptor that sees the response.
pub(crate) async fn asked_with(
    config: &SdkConfig,
    interceptor: impl Intercept + 'static,
) -> Result<Identity, Error> {
    const NAME: &str = "GetCallerIdentity";
    if config.region().is_none() {
        return Err(no_region().during(NAME));
    }
    let call = aws_sdk_sts::Client::new(config).get_caller_identity().customize().interceptor(interceptor);
    let told = call.send().await.map_err(|failed| of_sts(NAME, failed))?;
    let unreadable = || Error::new(ErrorKind::Internal, "AWS's answer was not readable").during(NAME);
    let account = told.account.as_deref().and_then(|account| AccountId::parse(account).ok());
    let arn = told.arn.filter(|arn| Arn::parse(arn).is_ok());
    Ok(Identity { arn: arn.ok_or_else(unreadable)?, account: account.ok_or_else(unreadable)? })
}

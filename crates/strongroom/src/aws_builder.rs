//! The same handle on AWS itself.

use std::sync::Arc;
use std::time::Duration;

use strongroom_aws::{Connection, Doctor, SecretsManagerStore, realm, who_am_i};
use strongroom_envelope::SecretText;
use strongroom_types::AccountId;

use crate::{Error, Strongroom};

/// How to reach AWS. Made by [`Strongroom::aws`].
///
/// ```no_run
/// # async fn example() -> Result<(), strongroom::Error> {
/// use strongroom::Strongroom;
///
/// let room = Strongroom::aws().region("eu-central-1").send().await?;
/// println!("{}", room.get("prod/db").send().await?.value.len());
/// # Ok(())
/// # }
/// ```
///
/// Anything not set comes from AWS's default configuration: environment, profile, container,
/// instance. Needs a Tokio runtime, as AWS's SDK does.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct AwsBuilder {
    connection: Connection,
    account: Option<AccountId>,
    #[cfg(feature = "aws-parameter-store")]
    parameters: Option<String>,
}

impl Strongroom {
    /// Begins to open the secrets in AWS Secrets Manager: [`AwsBuilder`].
    pub fn aws() -> AwsBuilder {
        AwsBuilder {
            connection: Connection::new(),
            account: None,
            #[cfg(feature = "aws-parameter-store")]
            parameters: None,
        }
    }
}

impl AwsBuilder {
    fn with(mut self, change: impl FnOnce(Connection) -> Connection) -> Self {
        self.connection = change(self.connection);
        self
    }

    /// The region.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.with(|connection| connection.region(region))
    }

    /// A profile of the configuration files.
    pub fn profile(self, profile: impl Into<String>) -> Self {
        self.with(|connection| connection.profile(profile))
    }

    /// Uses this address for all services: a `strongroom-server`, an emulator, a proxy.
    pub fn endpoint(self, url: impl Into<String>) -> Self {
        self.with(|connection| connection.endpoint(url))
    }

    /// The credentials.
    pub fn credentials(self, access_key_id: impl Into<String>, secret: impl Into<SecretText>) -> Self {
        self.with(|connection| connection.credentials(access_key_id, secret))
    }

    /// The session token of temporary [`AwsBuilder::credentials`].
    pub fn session_token(self, token: impl Into<SecretText>) -> Self {
        self.with(|connection| connection.session_token(token))
    }

    /// Uses the endpoints whose cryptography is validated under FIPS 140.
    pub fn fips(self) -> Self {
        self.with(Connection::fips)
    }

    /// Uses the endpoints that support IPv6.
    pub fn dual_stack(self) -> Self {
        self.with(Connection::dual_stack)
    }

    /// How long a call may take with all its attempts; by default 30 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|connection| connection.timeout(timeout))
    }

    /// How long each attempt may take; by default 10 seconds.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.with(|connection| connection.attempt_timeout(timeout))
    }

    /// How often a call is attempted, the first time included; by default three times.
    pub fn attempts(self, attempts: u32) -> Self {
        self.with(|connection| connection.attempts(attempts))
    }

    /// The account of the credentials. If it is known, opening does not ask AWS for it.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Stores the secrets as parameters of Parameter Store below a path, `/` for all:
    /// [`ParameterStore`](strongroom_aws::ParameterStore) says what it can do.
    #[cfg(feature = "aws-parameter-store")]
    pub fn parameters(mut self, path: impl Into<String>) -> Self {
        self.parameters = Some(path.into());
        self
    }

    /// Connects to AWS, and asks it for the account of the credentials unless
    /// [`AwsBuilder::account`] is set.
    ///
    /// # Errors
    /// If there is no region or there are no credentials, if AWS rejects the credentials, or if it
    /// cannot be reached. [`AwsBuilder::doctor`] says more.
    pub async fn send(self) -> Result<Strongroom, Error> {
        let config = self.connection.load().await;
        let account = match self.account {
            Some(account) => account,
            None => who_am_i(&config).await?.account,
        };
        let realm = realm(account, &config)?;
        #[cfg(feature = "aws-parameter-store")]
        if let Some(path) = self.parameters {
            let store = strongroom_aws::ParameterStore::new(&config, realm.clone());
            let store = if path.trim_matches('/').is_empty() { store } else { store.under(&path)? };
            return Ok(Strongroom::over(Arc::new(store), realm));
        }
        Ok(Strongroom::over(Arc::new(SecretsManagerStore::new(&config)), realm))
    }

    /// Diagnoses what is wrong with the credentials, the clock, permissions or the key.
    ///
    /// ```no_run
    /// # async fn example() {
    /// use strongroom::Strongroom;
    ///
    /// let doctor = Strongroom::aws().region("eu-central-1").doctor().await;
    /// println!("{}", doctor.secret("prod/db").key("alias/orders").examine().await);
    /// # }
    /// ```
    pub async fn doctor(&self) -> Doctor {
        Doctor::new(&self.connection.load().await)
    }
}

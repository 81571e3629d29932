//! The same handle on AWS itself.

use std::sync::Arc;
use std::time::Duration;

use strongroom_aws::{Connection, Doctor, SecretsManagerStore, realm, who_am_i};
use strongroom_envelope::SecretText;
use strongroom_types::AccountId;

use crate::{Error, Strongroom};

/// Says how AWS is reached. Made by [`Strongroom::aws`].
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
/// What is not said is as AWS's default configuration has it: environment, profile, container, instance. Needs a Tokio runtime, as AWS's SDK
/// does.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct AwsBuilder {
    connection: Connection,
    account: Option<AccountId>,
    #[cfg(feature = "aws-parameter-store")]
    parameters: Option<String>,
}

impl Strongroom {
    /// Begins to reach the secrets that AWS Secrets Manager keeps: [`AwsBuilder`].
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

    /// This region.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.with(|connection| connection.region(region))
    }

    /// This profile of the configuration files.
    pub fn profile(self, profile: impl Into<String>) -> Self {
        self.with(|connection| connection.profile(profile))
    }

    /// All services at this address: a `strongroom-server`, an emulator, a proxy.
    pub fn endpoint(self, url: impl Into<String>) -> Self {
        self.with(|connection| connection.endpoint(url))
    }

    /// These credentials.
    pub fn credentials(self, access_key_id: impl Into<String>, secret: impl Into<SecretText>) -> Self {
        self.with(|connection| connection.credentials(access_key_id, secret))
    }

    /// The session token that belongs to [`AwsBuilder::credentials`], where they are temporary.
    pub fn session_token(self, token: impl Into<SecretText>) -> Self {
        self.with(|connection| connection.session_token(token))
    }

    /// The endpoints whose cryptography is validated under FIPS 140.
    pub fn fips(self) -> Self {
        self.with(Connection::fips)
    }

    /// The endpoints that are reached by IPv6 too.
    pub fn dual_stack(self) -> Self {
        self.with(Connection::dual_stack)
    }

    /// How long a call may take with all its tries: 30 seconds unless told.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|connection| connection.timeout(timeout))
    }

    /// How long each try may take: 10 seconds unless told.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.with(|connection| connection.attempt_timeout(timeout))
    }

    /// How often a call is tried, the first time included: three times unless told.
    pub fn attempts(self, attempts: u32) -> Self {
        self.with(|connection| connection.attempts(attempts))
    }

    /// The account of the credentials, where it is known: then AWS is not asked for it at the start.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Keeps the secrets as parameters of Parameter Store below a path, `/` for all: [`ParameterStore`](strongroom_aws::ParameterStore) says
    /// what it can.
    #[cfg(feature = "aws-parameter-store")]
    pub fn parameters(mut self, path: impl Into<String>) -> Self {
        self.parameters = Some(path.into());
        self
    }

    /// Reaches AWS: asks it whom the credentials are of, unless [`AwsBuilder::account`] says so.
    ///
    /// # Errors
    /// No region, no credentials, credentials that AWS does not accept, AWS out of reach. [`AwsBuilder::doctor`] tells more.
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

    /// Somebody who says in words what is wrong: with credentials, clock, permissions, the key.
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

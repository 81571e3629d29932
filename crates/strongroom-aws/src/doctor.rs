//! Diagnoses access to AWS.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use aws_types::SdkConfig;
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    Decrypt, DescribeKey, Encrypt, ErrorKind as KeyError, GenerateDataKey, KeyManager, KeyRef, KeyState,
    KeyUsage, Kms,
};
use strongroom_store::{
    CreateSecret, DeleteSecret, Error, ErrorKind, GetRandomPassword, GetSecretValue, ListSecrets,
    PutSecretValue, SecretAdmin, SecretStore, SecretValue,
};
use strongroom_types::{AccountId, CallContext, Caller, Clock, SystemClock};

use crate::connect::{asked_with, realm};
use crate::{AwsKms, SecretsManagerStore};

/// Seconds of clock skew beyond which AWS refuses signatures.
const SKEW_REFUSED: u64 = 300;
/// Seconds of clock skew beyond what network delay and rounding explain.
const SKEW_NOTICED: u64 = 30;

/// Checks everything that could keep a program from its secrets: credentials, clock, permissions, the
/// key. Changes nothing unless [`Doctor::try_writing`] is set.
///
/// ```no_run
/// # async fn example() {
/// use strongroom_aws::{Connection, Doctor};
///
/// let config = Connection::new().region("eu-central-1").load().await;
/// let diagnosis = Doctor::new(&config).secret("prod/db").key("alias/orders").examine().await;
/// println!("{diagnosis}");
/// assert!(diagnosis.healthy());
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is checked until `examine` is called"]
pub struct Doctor {
    config: SdkConfig,
    secret: Option<String>,
    key: Option<String>,
    probe: Option<String>,
}

/// What a [`Doctor`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The checks, in order.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// What was checked, in a word or two.
    pub what: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// What was found, and what to do.
    pub words: String,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It works.
    Good,
    /// It works or may work, but deserves attention.
    Doubtful,
    /// It does not work.
    Bad,
    /// It was not checked, because of an earlier result.
    NotTried,
}

impl Diagnosis {
    /// Whether no check is [`Verdict::Bad`].
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != Verdict::Bad)
    }

    fn add(&mut self, what: &'static str, verdict: Verdict, words: impl Into<String>) {
        self.checks.push(Check { what, verdict, words: words.into() });
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, check) in self.checks.iter().enumerate() {
            let sign = match check.verdict {
                Verdict::Good => "ok  ",
                Verdict::Doubtful => "look",
                Verdict::Bad => "BAD ",
                Verdict::NotTried => "--  ",
            };
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{sign} {}: {}", check.what, check.words)?;
        }
        Ok(())
    }
}

impl Doctor {
    /// Checks access with this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self { config: config.clone(), secret: None, key: None, probe: None }
    }

    /// Also checks this secret, by reading it.
    pub fn secret(mut self, id: impl Into<String>) -> Self {
        self.secret = Some(id.into());
        self
    }

    /// Also checks this customer key, by generating a data key and decrypting it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Creates a secret of this name (under [`Doctor::key`], if set), reads it, changes it and deletes
    /// it without a recovery window. This is the only way to check writing where policies depend on how
    /// a call is made (`kms:ViaService`). The name must be free.
    pub fn try_writing(mut self, name: impl Into<String>) -> Self {
        self.probe = Some(name.into());
        self
    }

    /// Runs all the checks it can. The diagnosis says what prevented the others.
    pub async fn examine(self) -> Diagnosis {
        let mut found = Diagnosis { checks: Vec::new() };
        let Some(account) = self.credentials(&mut found).await else {
            for (what, wanted) in [
                ("listing", true),
                ("secret", self.secret.is_some()),
                ("key", self.key.is_some()),
                ("writing", self.probe.is_some()),
            ] {
                if wanted {
                    found.add(what, Verdict::NotTried, "without credentials there is nothing to ask for");
                }
            }
            return found;
        };
        let cx = CallContext::new(Caller::Owner(account));
        let store = SecretsManagerStore::new(&self.config);
        self.listing(&store, &cx, &mut found).await;
        if let Some(id) = &self.secret {
            reading(&store, &cx, id, &mut found).await;
        }
        if let Some(key) = &self.key {
            self.key_works(&cx, key, account, &mut found).await;
        }
        if let Some(name) = &self.probe {
            writing(&store, &cx, name, self.key.as_deref(), &mut found).await;
        }
        found
    }

    /// Checks whose credentials they are, and whether the clock agrees with AWS's.
    async fn credentials(&self, found: &mut Diagnosis) -> Option<AccountId> {
        let date = DateHeader { source: self.config.time_source(), told: Arc::default() };
        let account = match asked_with(&self.config, date.clone()).await {
            Ok(identity) => {
                found.add("credentials", Verdict::Good, format!("they are of {}", identity.arn));
                Some(identity.account)
            }
            Err(error) => {
                let words = match error.kind() {
                    ErrorKind::ExpiredToken => format!("they have expired: get new ones ({error})"),
                    ErrorKind::AccessDenied => format!("they are not accepted: {error}"),
                    _ => format!("AWS was not asked whose they are: {error}"),
                };
                found.add("credentials", Verdict::Bad, words);
                None
            }
        };
        match date.bounds() {
            None => found.add("clock", Verdict::NotTried, "AWS did not say what time it has"),
            Some((there, here)) => {
                let skew = there.abs_diff(here);
                let side = if there > here { "behind" } else { "ahead of" };
                let words = format!("this machine is {skew} seconds {side} AWS");
                match skew {
                    SKEW_REFUSED.. => {
                        let words = format!(
                            "{words}, which refuses more than {SKEW_REFUSED}: set the clock, or use NTP"
                        );
                        found.add("clock", Verdict::Bad, words);
                    }
                    SKEW_NOTICED.. => {
                        found.add("clock", Verdict::Doubtful, format!("{words}: set the clock, or use NTP"));
                    }
                    _ => found.add("clock", Verdict::Good, words),
                }
            }
        }
        account
    }

    async fn listing(&self, store: &SecretsManagerStore, cx: &CallContext, found: &mut Diagnosis) {
        match store.list_secrets(cx, ListSecrets::new().max_results(1)).await {
            Ok(_) => found.add("listing", Verdict::Good, "secrets may be listed"),
            Err(error) if error.kind() == ErrorKind::AccessDenied => found.add(
                "listing",
                Verdict::Doubtful,
                format!("secretsmanager:ListSecrets is not allowed, which only listing needs: {error}"),
            ),
            Err(error) => {
                found.add("listing", Verdict::Bad, format!("Secrets Manager was not reached: {error}"))
            }
        }
    }

    /// Uses a customer key directly in the ways Secrets Manager does.
    async fn key_works(&self, cx: &CallContext, name: &str, account: AccountId, found: &mut Diagnosis) {
        let key = match KeyRef::parse(name) {
            Ok(key) => key,
            Err(error) => return found.add("key", Verdict::Bad, error.to_string()),
        };
        let kms = AwsKms::new(&self.config);
        match kms.describe_key(cx, DescribeKey::new(&key)).await {
            Ok(told) if told.manager == KeyManager::Aws => {
                let words = "AWS manages it: it works through its own service only, and without policies of yours. For a key that you decide about, name a customer managed one";
                return found.add("key", Verdict::Doubtful, words);
            }
            Ok(told) if told.usage != KeyUsage::EncryptDecrypt => {
                return found.add("key", Verdict::Bad, "it is not a key for encryption");
            }
            Ok(told) if told.state != KeyState::Enabled => {
                let words = format!("{} cannot be used: its state is {}", told.arn, told.state.as_str());
                return found.add("key", Verdict::Bad, words);
            }
            Ok(told) => {
                let own = self.config.region().map(AsRef::as_ref);
                if own.is_some_and(|own| own != told.arn.region()) {
                    let words = format!("{} is in another region than its secrets would be", told.arn);
                    return found.add("key", Verdict::Bad, words);
                }
                found.add("key", Verdict::Good, format!("{} is enabled", told.arn));
            }
            Err(error) if error.kind() == KeyError::AccessDenied => {
                found.add("key", Verdict::Doubtful, format!("kms:DescribeKey is not allowed: {error}"));
            }
            Err(error) => return found.add("key", Verdict::Bad, error.to_string()),
        }
        // As Secrets Manager says it, for policies that look at it.
        let realm = match realm(account, &self.config) {
            Ok(realm) => realm,
            Err(error) => return found.add("key for writing", Verdict::NotTried, error.to_string()),
        };
        let secret = self.secret.as_deref().filter(|id| id.starts_with("arn:")).map_or_else(
            || realm.arn("secretsmanager", "secret:strongroom-doctor-AbCdEf").to_string(),
            str::to_owned,
        );
        let pairs = [("SecretARN", secret.as_str()), ("SecretVersionId", "RequestToValidateKeyAccess")];
        let Ok(context) = EncryptionContext::from_pairs(pairs) else { return };
        let made = kms.generate_data_key(cx, GenerateDataKey::new(&key).context(&context)).await;
        let encrypted = kms.encrypt(cx, Encrypt::new(&key, &[0; 16]).context(&context)).await;
        let sample = made.as_ref().map(|pair| &pair.ciphertext).ok();
        let sample = sample.or_else(|| encrypted.as_ref().map(|made| &made.ciphertext).ok());
        let opened = match sample {
            Some(sample) => Some(kms.decrypt(cx, Decrypt::new(sample).context(&context)).await),
            None => None,
        };
        let by_service = "asked directly; where a policy says kms:ViaService it may be allowed through Secrets Manager all the same: see try_writing(..)";
        match (&made, &encrypted) {
            (Ok(_), _) => found.add("key for writing", Verdict::Good, "kms:GenerateDataKey is allowed"),
            (Err(error), Ok(_)) if error.kind() == KeyError::AccessDenied => {
                let words = format!(
                    "kms:Encrypt is allowed, but kms:GenerateDataKey is not. Secrets Manager seals each value under a data key of its own, so no value can be written under this key: allow kms:GenerateDataKey ({by_service})"
                );
                found.add("key for writing", Verdict::Bad, words);
            }
            (Err(error), _) if error.kind() == KeyError::AccessDenied => {
                let words = format!("kms:GenerateDataKey is not allowed ({by_service}): {error}");
                found.add("key for writing", Verdict::Bad, words);
            }
            (Err(error), _) => found.add("key for writing", Verdict::Bad, error.to_string()),
        }
        match opened {
            Some(Ok(_)) => found.add("key for reading", Verdict::Good, "kms:Decrypt is allowed"),
            Some(Err(error)) if error.kind() == KeyError::AccessDenied => {
                let words = format!(
                    "kms:Decrypt is not allowed, which every read of a secret under this key needs ({by_service}): {error}"
                );
                found.add("key for reading", Verdict::Bad, words);
            }
            Some(Err(error)) => found.add("key for reading", Verdict::Bad, error.to_string()),
            None => {
                found.add("key for reading", Verdict::NotTried, "there was nothing to decrypt");
            }
        }
    }
}

/// Which service refused, and what is needed.
fn refused(error: &Error, permission: &str) -> String {
    if error.kind() != ErrorKind::AccessDenied {
        return error.to_string();
    }
    if error.message().starts_with("Access to KMS is not allowed") {
        format!(
            "{permission} is allowed, but the secret's key is not: its policy must let you use it ({error})"
        )
    } else {
        format!("{permission} is not allowed: {error}")
    }
}

async fn reading(store: &SecretsManagerStore, cx: &CallContext, id: &str, found: &mut Diagnosis) {
    match store.get_secret_value(cx, GetSecretValue::new(id)).await {
        Ok(read) => {
            found.add(
                "secret",
                Verdict::Good,
                format!("{} can be read: {} bytes", read.name, read.value.len()),
            );
        }
        Err(error) => {
            found.add("secret", Verdict::Bad, refused(&error, "secretsmanager:GetSecretValue"));
        }
    }
}

async fn writing(
    store: &SecretsManagerStore,
    cx: &CallContext,
    name: &str,
    key: Option<&str>,
    found: &mut Diagnosis,
) {
    let password = match GetRandomPassword::new().generate() {
        Ok(password) => SecretValue::from_text(password),
        Err(error) => return found.add("writing", Verdict::NotTried, error.to_string()),
    };
    let mut create = CreateSecret::new(name)
        .value(password.clone())
        .description("made by a strongroom's doctor, which deletes it again");
    if let Some(key) = key {
        create = create.kms_key_id(key);
    }
    let mut bad = Vec::new();
    match store.create_secret(cx, create).await {
        Ok(_) => (),
        // It may exist: it is deleted below.
        Err(error) if error.kind() == ErrorKind::OutcomeUnknown => bad.push(error.to_string()),
        Err(error) => {
            return found.add("writing", Verdict::Bad, refused(&error, "secretsmanager:CreateSecret"));
        }
    }
    if let Err(error) = store.get_secret_value(cx, GetSecretValue::new(name)).await {
        bad.push(refused(&error, "secretsmanager:GetSecretValue"));
    }
    if let Err(error) = store.put_secret_value(cx, PutSecretValue::new(name, password)).await {
        bad.push(refused(&error, "secretsmanager:PutSecretValue"));
    }
    if let Err(error) = store.delete_secret(cx, DeleteSecret::new(name).force()).await {
        let left = refused(&error, "secretsmanager:DeleteSecret");
        bad.push(format!("{left}; the secret {name} is still there"));
    }
    if bad.is_empty() {
        found.add("writing", Verdict::Good, "a secret was made, read, changed and deleted");
    } else {
        found.add("writing", Verdict::Bad, bad.join("; "));
    }
}

/// Records the date in AWS's response and the local time at that moment.
#[derive(Clone, Debug)]
struct DateHeader {
    /// The clock that requests are signed with; without one, the system clock.
    source: Option<SharedTimeSource>,
    told: Arc<Mutex<Option<(String, u64)>>>,
}

impl DateHeader {
    /// Seconds since 1970, there and here.
    fn bounds(&self) -> Option<(u64, u64)> {
        let (text, here) = self.told.lock().ok()?.clone()?;
        let date = DateTime::from_str(&text, Format::HttpDate).ok()?;
        Some((u64::try_from(date.secs()).ok()?, here))
    }

    fn now(&self) -> u64 {
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let own = || u64::try_from(SystemClock.now().as_millis() / 1000).unwrap_or(0);
        self.source.as_ref().map_or_else(own, |source| since(source.now()))
    }
}

#[dyn_dispatch_hint]
impl Intercept for DateHeader {
    fn name(&self) -> &'static str {
        "DateHeader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(|date| (date.to_owned(), self.now()));
        if let Ok(mut told) = self.told.lock() {
            // Only the first: the SDK may correct its clock by it.
            *told = told.take().or(date);
        }
        Ok(())
    }
}

//! Storing a value whether or not there is a secret.

use strongroom_envelope::SecretText;
use strongroom_store::{CreateSecret, PutSecretValue, SecretValue, VersionId};
use strongroom_types::Arn;

use super::write::{no_value, values};
use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// How often it starts over when others create and delete the secret meanwhile.
const ATTEMPTS: u32 = 4;

/// Stores a value under a name, and creates the secret if there is none. Begun by
/// [`Strongroom::put_or_create`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct PutOrCreate<R = Strongroom> {
    room: R,
    /// What the secret is created from; a new value of an existing one takes value and token.
    request: CreateSecret,
}

/// What [`PutOrCreate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// The version that holds the value.
    pub version_id: VersionId,
    /// Whether this call created the secret.
    pub created: bool,
}

begins!(
    /// Stores a value under a name, whether or not there is such a secret yet:
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// assert!(room.put_or_create("prod/db").text("first").send().await?.created);
    /// assert!(!room.put_or_create("prod/db").text("second").send().await?.created);
    /// assert_eq!(room.get("prod/db").send().await?.expose_text()?, "second");
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Of several programs that do this at once, one creates the secret and the others add
    /// versions. With a [`token`](crate::request::PutOrCreate::token) of your own, a repeat after a
    /// lost answer stores nothing twice.
    put_or_create(name: impl Into<String>) -> PutOrCreate, |room| {
        PutOrCreate { room, request: CreateSecret::new(name.into()) }
    }
);

impl<R: Room> PutOrCreate<R> {
    /// The value.
    pub fn value(mut self, value: SecretValue) -> Self {
        self.request = self.request.value(value);
        self
    }

    /// What the secret is for; used only if it is created.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.request = self.request.description(description);
        self
    }

    /// Adds a tag; used only if the secret is created.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.tag(key, value);
        self
    }

    /// The customer key to encrypt under; used only if the secret is created.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request = self.request.kms_key_id(key);
        self
    }

    async fn run(self) -> Result<Stored, Error> {
        let room = self.room.room();
        let mut create = self.request;
        let Some(value) = create.value.clone() else { return Err(no_value("PutSecretValue")) };
        // One token for all attempts: whichever of them takes effect, the version is the same.
        let token = match create.token.clone() {
            Some(token) => token,
            None => VersionId::random()?,
        };
        create = create.token(&token);
        let mut attempt = 1;
        loop {
            let put = PutSecretValue::new(create.name.as_str(), value.clone()).token(&token);
            match room.store.put_secret_value(room.context(), put).await.map_err(Error::from) {
                Ok(put) => {
                    let (arn, name, version_id) = (put.arn, put.name, put.version_id);
                    return Ok(Stored { arn, name, version_id, created: false });
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
            match room.store.create_secret(room.context(), create.clone()).await.map_err(Error::from) {
                Ok(made) => {
                    let version_id = made.version_id.unwrap_or(token);
                    return Ok(Stored { arn: made.arn, name: made.name, version_id, created: true });
                }
                // Somebody was faster.
                Err(error) if error.is_exists() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

values!(PutOrCreate);
sends!(PutOrCreate => Stored,
    /// Stores the value.
    ///
    /// # Errors
    /// As [`SecretStore::put_secret_value`](crate::SecretStore::put_secret_value) and
    /// [`SecretStore::create_secret`](crate::SecretStore::create_secret), whose permissions it
    /// needs. A secret that is marked for deletion is not brought back: the error says so
    /// ([`Error::is_marked_for_deletion`]).
);

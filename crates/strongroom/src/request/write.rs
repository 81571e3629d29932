//! Storing values.

use strongroom_envelope::SecretText;
use strongroom_store::{
    CreateSecret, PutSecretValue, SecretCreated, SecretId, SecretUpdated, SecretValue, Stage, UpdateSecret,
    ValuePut, VersionId,
};

use super::{Room, begins, sends};
use crate::{Error, ErrorKind, Strongroom};

/// The ways to give a value, the same for all calls that take one.
macro_rules! values {
    ($builder:ident) => {
        impl<R: Room> $builder<R> {
            /// The value is this text. A `String`'s memory becomes the value's and is wiped, a
            /// `&str` is copied, and a [`SecretText`], such as a random password, is moved.
            pub fn text(self, text: impl Into<SecretText>) -> Self {
                self.value(SecretValue::from_text(text.into()))
            }

            /// The value is these bytes. The vector's memory becomes the value's and is wiped.
            pub fn binary(self, bytes: impl Into<Vec<u8>>) -> Self {
                self.value(SecretValue::binary(bytes.into()))
            }

            /// The value is the JSON text of this, written straight into self-wiping memory.
            ///
            /// # Errors
            /// If it cannot be written as JSON.
            pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
                Ok(self.value(SecretValue::json(value)?))
            }

            /// Makes a repeat safe: the same token and value again change nothing. It becomes
            /// the version's id: 32 to 64 characters, for example a UUID. Without it, a new one is
            /// generated.
            pub fn token(mut self, token: impl Into<VersionId>) -> Self {
                self.request = self.request.token(token);
                self
            }
        }
    };
}
pub(crate) use values;

/// Creates a secret. Begun by [`Strongroom::create`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Create<R = Strongroom> {
    room: R,
    request: CreateSecret,
}

begins!(
    /// Creates a secret: `room.create("prod/db").text("s3cret").send().await?`.
    create(name: impl Into<String>) -> Create, |room| Create::new(room, name.into())
);

impl<R: Room> Create<R> {
    pub(crate) fn new(room: R, name: String) -> Self {
        Self { room, request: CreateSecret::new(name) }
    }

    /// What the secret is for; at most 2,048 characters.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.request = self.request.description(description);
        self
    }

    /// Adds a tag; at most 50.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.tag(key, value);
        self
    }

    /// The customer key to encrypt under, by id, ARN or alias; by default the AWS managed key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request = self.request.kms_key_id(key);
        self
    }

    /// The first value. A secret can be created without one.
    pub fn value(mut self, value: SecretValue) -> Self {
        self.request = self.request.value(value);
        self
    }

    async fn run(self) -> Result<SecretCreated, Error> {
        let room = self.room.room();
        Ok(room.store.create_secret(room.context(), self.request).await?)
    }
}

values!(Create);
sends!(Create => SecretCreated,
    /// Creates the secret.
    ///
    /// # Errors
    /// As [`crate::SecretStore::create_secret`].
);

/// Stores a new value. Begun by [`Strongroom::put`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Put<R = Strongroom> {
    room: R,
    request: PutSecretValue,
    given: bool,
}

begins!(
    /// Stores a new value of a secret that exists:
    /// `room.put("prod/db").text("newer").send().await?`.
    put(id: impl Into<SecretId>) -> Put, |room| Put::new(room, id.into())
);

impl<R: Room> Put<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        // An empty value, which no store accepts, until there is one.
        Self { room, request: PutSecretValue::new(id, SecretValue::binary(Vec::new())), given: false }
    }

    /// The new value.
    pub fn value(mut self, value: SecretValue) -> Self {
        self.request.value = value;
        self.given = true;
        self
    }

    /// Labels the new version with this. If any label is given, the version becomes current only if
    /// [`Stage::CURRENT`] is given too.
    pub fn stage(mut self, stage: impl Into<Stage>) -> Self {
        self.request = self.request.stage(stage);
        self
    }

    async fn run(self) -> Result<ValuePut, Error> {
        if !self.given {
            return Err(no_value("PutSecretValue").with("secret", &self.request.id));
        }
        let room = self.room.room();
        Ok(room.store.put_secret_value(room.context(), self.request).await?)
    }
}

values!(Put);
sends!(Put => ValuePut,
    /// Stores the value as a new version.
    ///
    /// # Errors
    /// As [`crate::SecretStore::put_secret_value`].
);

/// AWS's answer to a write without a value.
pub(crate) fn no_value(operation: &'static str) -> Error {
    let kind = ErrorKind::Secret(strongroom_store::ErrorKind::InvalidRequest);
    Error::new(kind, "You must provide either SecretString or SecretBinary.").during(operation)
}

/// Changes a secret. Begun by [`Strongroom::update`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Update<R = Strongroom> {
    room: R,
    request: UpdateSecret,
}

begins!(
    /// Changes the description, key or value:
    /// `room.update("prod/db").description("old orders").send().await?`.
    update(id: impl Into<SecretId>) -> Update, |room| Update::new(room, id.into())
);

impl<R: Room> Update<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: UpdateSecret::new(id) }
    }

    /// The new description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.request = self.request.description(description);
        self
    }

    /// The new key; `""` is the managed key. The current, pending and previous versions are
    /// re-encrypted under it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request = self.request.kms_key_id(key);
        self
    }

    /// The new value.
    pub fn value(mut self, value: SecretValue) -> Self {
        self.request = self.request.value(value);
        self
    }

    async fn run(self) -> Result<SecretUpdated, Error> {
        let room = self.room.room();
        Ok(room.store.update_secret(room.context(), self.request).await?)
    }
}

values!(Update);
sends!(Update => SecretUpdated,
    /// Changes the secret.
    ///
    /// # Errors
    /// As [`crate::SecretStore::update_secret`].
);

//! Storing values.

use serde::Serialize;
use strongroom_envelope::SecretText;
use strongroom_store::{
    CreateSecret, PutSecretValue, SecretCreated, SecretId, SecretUpdated, SecretValue, Stage, UpdateSecret,
    ValuePut, VersionId,
};

use super::{Room, sends};
use crate::{Error, ErrorKind, Strongroom};

/// The ways to give a value, the same for all three.
macro_rules! values {
    ($builder:ident) => {
        impl<R: Room> $builder<R> {
            /// The value is this text. A string's memory becomes the value's and is wiped; a `&str` is copied; a
            /// [`SecretText`], such as a random password, stays where it is.
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
            /// When it cannot be JSON.
            pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
                Ok(self.value(SecretValue::json(value)?))
            }

            /// Makes a repeat safe: the same token and value again change nothing. It becomes the version's id; 32 to 64
            /// characters, for example a UUID. A fresh one is made when absent.
            pub fn token(mut self, token: impl Into<VersionId>) -> Self {
                self.request = self.request.token(token);
                self
            }
        }
    };
}

/// Makes a secret. Begun by [`Strongroom::create`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Create<R = Strongroom> {
    room: R,
    request: CreateSecret,
}

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

    /// The customer key to encrypt under, by id, ARN or alias. Without it: the managed key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request = self.request.kms_key_id(key);
        self
    }

    /// The first value. A secret may begin without one.
    pub fn value(mut self, value: SecretValue) -> Self {
        self.request = self.request.value(value);
        self
    }

    async fn run(self) -> Result<SecretCreated, Error> {
        let room = self.room.room();
        Ok(room.secrets().create_secret(room.context(), self.request).await?)
    }
}

values!(Create);
sends!(Create => SecretCreated,
    /// Makes the secret.
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

    /// Labels the new version with this. With any label named, the version becomes current only if
    /// [`Stage::CURRENT`] is named too.
    pub fn stage(mut self, stage: impl Into<Stage>) -> Self {
        self.request = self.request.stage(stage);
        self
    }

    async fn run(self) -> Result<ValuePut, Error> {
        if !self.given {
            // As AWS says it.
            let kind = ErrorKind::Secret(strongroom_store::ErrorKind::InvalidRequest);
            return Err(Error::new(kind, "You must provide either SecretString or SecretBinary.")
                .during("PutSecretValue"));
        }
        let room = self.room.room();
        Ok(room.secrets().put_secret_value(room.context(), self.request).await?)
    }
}

values!(Put);
sends!(Put => ValuePut,
    /// Stores the value as a new version.
    ///
    /// # Errors
    /// As [`crate::SecretStore::put_secret_value`].
);

/// Changes a secret. Begun by [`Strongroom::update`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Update<R = Strongroom> {
    room: R,
    request: UpdateSecret,
}

impl<R: Room> Update<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: UpdateSecret::new(id) }
    }

    /// The new description.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.request = self.request.description(description);
        self
    }

    /// The new key; `""` is the managed key. The current, pending and previous versions are encrypted again under it.
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
        Ok(room.secrets().update_secret(room.context(), self.request).await?)
    }
}

values!(Update);
sends!(Update => SecretUpdated,
    /// Makes the change.
    ///
    /// # Errors
    /// As [`crate::SecretStore::update_secret`].
);

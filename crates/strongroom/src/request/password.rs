//! Random passwords.

use strongroom_envelope::SecretText;
use strongroom_store::GetRandomPassword;

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Generates a random password: by default 32 characters with lower-case and upper-case letters,
/// digits and punctuation. Begun by [`Strongroom::random_password`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct RandomPassword<R = Strongroom> {
    room: R,
    request: GetRandomPassword,
}

begins!(
    /// Generates a random password: `room.random_password().length(20).send().await?`.
    random_password() -> RandomPassword, |room| RandomPassword::new(room)
);

impl<R: Room> RandomPassword<R> {
    pub(crate) fn new(room: R) -> Self {
        Self { room, request: GetRandomPassword::new() }
    }

    /// The number of characters: 1 to 4,096.
    pub fn length(mut self, length: i64) -> Self {
        self.request = self.request.length(length);
        self
    }

    /// Leaves out these characters.
    pub fn exclude_characters(mut self, characters: impl Into<String>) -> Self {
        self.request = self.request.exclude_characters(characters);
        self
    }

    /// Leaves out digits.
    pub fn exclude_numbers(mut self) -> Self {
        self.request = self.request.exclude_numbers();
        self
    }

    /// Leaves out punctuation.
    pub fn exclude_punctuation(mut self) -> Self {
        self.request = self.request.exclude_punctuation();
        self
    }

    /// Leaves out upper-case letters.
    pub fn exclude_uppercase(mut self) -> Self {
        self.request = self.request.exclude_uppercase();
        self
    }

    /// Leaves out lower-case letters.
    pub fn exclude_lowercase(mut self) -> Self {
        self.request = self.request.exclude_lowercase();
        self
    }

    /// Allows spaces.
    pub fn include_space(mut self) -> Self {
        self.request = self.request.include_space();
        self
    }

    /// Does not require at least one character of each type.
    pub fn any_types(mut self) -> Self {
        self.request = self.request.any_types();
        self
    }

    async fn run(self) -> Result<SecretText, Error> {
        let room = self.room.room();
        Ok(room.store.get_random_password(room.context(), self.request).await?)
    }
}

sends!(RandomPassword => SecretText,
    /// Generates the password.
    ///
    /// # Errors
    /// As [`crate::SecretStore::get_random_password`].
);

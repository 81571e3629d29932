//! Random passwords.

use strongroom_envelope::SecretText;
use strongroom_store::GetRandomPassword;

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Makes a random password: thirty-two characters with small letters, capitals, digits and punctuation unless told. Begun
/// by [`Strongroom::random_password`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct RandomPassword<R = Strongroom> {
    room: R,
    request: GetRandomPassword,
}

impl<R: Room> RandomPassword<R> {
    pub(crate) fn new(room: R) -> Self {
        Self { room, request: GetRandomPassword::new() }
    }

    /// This many characters: 1 to 4,096.
    pub fn length(mut self, length: i64) -> Self {
        self.request = self.request.length(length);
        self
    }

    /// None of these characters.
    pub fn exclude_characters(mut self, characters: impl Into<String>) -> Self {
        self.request = self.request.exclude_characters(characters);
        self
    }

    /// No digits.
    pub fn exclude_numbers(mut self) -> Self {
        self.request = self.request.exclude_numbers();
        self
    }

    /// No punctuation.
    pub fn exclude_punctuation(mut self) -> Self {
        self.request = self.request.exclude_punctuation();
        self
    }

    /// No capitals.
    pub fn exclude_uppercase(mut self) -> Self {
        self.request = self.request.exclude_uppercase();
        self
    }

    /// No small letters.
    pub fn exclude_lowercase(mut self) -> Self {
        self.request = self.request.exclude_lowercase();
        self
    }

    /// Spaces too.
    pub fn include_space(mut self) -> Self {
        self.request = self.request.include_space();
        self
    }

    /// Not at least one of each type, but any characters.
    pub fn any_types(mut self) -> Self {
        self.request = self.request.any_types();
        self
    }

    async fn run(self) -> Result<SecretText, Error> {
        let room = self.room.room();
        Ok(room.secrets().get_random_password(room.context(), self.request).await?)
    }
}

sends!(RandomPassword => SecretText,
    /// Makes the password.
    ///
    /// # Errors
    /// As [`crate::SecretStore::get_random_password`].
);

//! Grant tokens: a sealed reference to a grant. A token gives nothing by itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_envelope::SecretBytes;
use strongroom_kms::{Error, ErrorKind, KeyId};
use strongroom_records::Key;

use crate::parts::{Parts, storage};

/// Makes and opens grant tokens.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a>(pub(crate) &'a Parts);

impl Tokens<'_> {
    /// Where a token would be stored if it were: what is sealed for this place opens nowhere else.
    fn place(self) -> Key {
        self.0.inner.layout.token_place("grant")
    }

    pub(crate) fn make(self, key: &KeyId, grant: &str) -> Result<String, Error> {
        let content = SecretBytes::copy_from(format!("{key} {grant}").as_bytes());
        Ok(STANDARD.encode(self.0.inner.records.seal(&self.place(), &content).map_err(storage)?))
    }

    /// The key and the grant that a token stands for.
    pub(crate) fn open(self, token: &str) -> Result<(KeyId, String), Error> {
        let invalid = || Error::new(ErrorKind::InvalidGrantToken, "");
        if token.is_empty() || token.len() > 8192 {
            return Err(invalid());
        }
        let sealed = STANDARD.decode(token).map_err(|_| invalid())?;
        let content = self.0.inner.records.unseal(&self.place(), &sealed).map_err(|_| invalid())?;
        let text = std::str::from_utf8(content.expose()).map_err(|_| invalid())?;
        let (key, grant) = text.split_once(' ').ok_or_else(invalid)?;
        Ok((KeyId::parse(key)?, grant.to_owned()))
    }

    /// Refuses more tokens than AWS takes, and any that was never given out.
    pub(crate) fn check(self, tokens: &[String]) -> Result<(), Error> {
        if tokens.len() > 10 {
            let text = "1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10";
            return Err(Error::new(ErrorKind::Validation, text));
        }
        tokens.iter().try_for_each(|token| self.open(token).map(|_| ()))
    }
}

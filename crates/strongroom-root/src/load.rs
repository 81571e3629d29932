//! Reading a root key before a store is opened.

use crate::root_key::Source;
use crate::slot::Resolved;
use crate::{Error, ErrorKind, RootKey};

impl RootKey {
    /// Reads the key file now and keeps the key, so that nothing that happens to the file later
    /// matters. With [`RootKey::file_or_create`], a missing file is made now, whether or not the
    /// store is new. Other roots stay as they are.
    ///
    /// # Errors
    /// As [`RootKey::file`]; [`ErrorKind::Storage`] when the file cannot be made.
    pub fn load(self) -> Result<Self, Error> {
        match self.0 {
            Source::File { create, .. } => match Resolved::new(self, create)? {
                Resolved::Key(key) => Ok(Self(Source::Key(key))),
                // A file gives a key.
                _ => Err(Error::new(ErrorKind::RootInvalid, "the key file does not give a key")),
            },
            _ => Ok(self),
        }
    }
}

//! What opens a store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_envelope::{SecretBytes, SecretKey};

use crate::passphrase::PassphraseCost;
use crate::recovery::RecoveryCode;
use crate::slot::Resolved;
use crate::{Error, ErrorKind, RootWrapper, key_file};

/// What opens a store: a key in a file, in the environment or in the program's hands, a passphrase, or a recovery code.
///
/// The root key encrypts nothing but the store key. Keep it apart from the store: whoever has both has everything.
pub struct RootKey(pub(crate) Source);

pub(crate) enum Source {
    Key(SecretKey),
    File { path: PathBuf, create: bool },
    Passphrase { passphrase: SecretBytes, cost: PassphraseCost },
    Recovery(RecoveryCode),
    Wrapper(Arc<dyn RootWrapper>),
}

impl RootKey {
    /// The fewest bytes of a passphrase.
    pub const MIN_PASSPHRASE: usize = 8;

    /// The key in an existing file that only its owner may read.
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] when there is no such file, [`ErrorKind::RootExposed`] when others may read it,
    /// [`ErrorKind::RootInvalid`] when it is not a key file.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = absolute(path.into())?;
        match key_file::read(&path)? {
            Some(_) => Ok(Self(Source::File { path, create: false })),
            None => Err(missing(&path)),
        }
    }

    /// The key in a file, which is made (mode 0600) when the store is new and the file does not exist.
    ///
    /// Nothing is made yet: an existing store whose key file is gone is an error when it is opened, never a new key.
    ///
    /// # Errors
    /// As [`RootKey::file`], but for the missing file.
    pub fn file_or_create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = absolute(path.into())?;
        key_file::read(&path)?;
        Ok(Self(Source::File { path, create: true }))
    }

    /// The key in an environment variable: 32 bytes in base64 (`head -c 32 /dev/urandom | base64`), or the line of a key file.
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] when it is not set, [`ErrorKind::RootInvalid`] when it is not 32 bytes in base64.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let value = std::env::var(variable).map_err(|_| {
            Error::new(
                ErrorKind::RootMissing,
                "the environment variable of the root key is not set or not text",
            )
            .with("variable", variable)
        })?;
        let value = SecretBytes::from_vec(value.into_bytes());
        let line = value.expose().trim_ascii();
        let key = decode_key(line.strip_prefix(key_file::PREFIX).unwrap_or(line)).ok_or_else(|| {
            Error::new(ErrorKind::RootInvalid, "the environment variable does not hold 32 bytes in base64")
                .with("variable", variable)
        })?;
        Ok(Self(Source::Key(key)))
    }

    /// Reads the key file now and keeps what it holds: stores are then opened by that key, whatever
    /// becomes of the file. Where [`RootKey::file_or_create`] may make a file, it is made and synced
    /// now. Other roots stay as they are.
    ///
    /// # Errors
    /// As [`RootKey::file`]; a file that cannot be made.
    pub fn read(self) -> Result<Self, Error> {
        let create = match &self.0 {
            Source::File { create, .. } => *create,
            _ => return Ok(self),
        };
        match Resolved::new(self, create)? {
            Resolved::Key(key) => Ok(Self(Source::Key(key))),
            _ => Err(Error::new(ErrorKind::RootInvalid, "a key file holds a key")),
        }
    }

    /// Another root of the same content, for a program that opens several stores.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(match &self.0 {
            Source::Key(key) => Source::Key(key.duplicate()),
            Source::File { path, create } => Source::File { path: path.clone(), create: *create },
            Source::Passphrase { passphrase, cost } => {
                Source::Passphrase { passphrase: SecretBytes::copy_from(passphrase.expose()), cost: *cost }
            }
            Source::Recovery(code) => Source::Recovery(code.duplicate()),
            Source::Wrapper(wrapper) => Source::Wrapper(Arc::clone(wrapper)),
        })
    }

    /// A key of the program's own: 32 random bytes.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        Self(Source::Key(SecretKey::from_array(&mut bytes)))
    }

    /// A key that somebody else's key wraps: see [`RootWrapper`].
    #[must_use]
    pub fn wrapped_by(wrapper: Arc<dyn RootWrapper>) -> Self {
        Self(Source::Wrapper(wrapper))
    }

    /// A key already in secret memory.
    #[must_use]
    pub fn from_key(key: SecretKey) -> Self {
        Self(Source::Key(key))
    }

    /// A passphrase of at least [`RootKey::MIN_PASSPHRASE`] bytes, stretched by argon2id at the default cost.
    ///
    /// That takes about a tenth of a second at each open, on a thread of its own. In an unoptimised build it is some twenty
    /// times that; `[profile.dev.package.argon2] opt-level = 3` in your `Cargo.toml` mends it.
    ///
    /// # Errors
    /// [`ErrorKind::RootInvalid`] when it is shorter.
    pub fn from_passphrase(passphrase: impl Into<String>) -> Result<Self, Error> {
        Self::from_passphrase_at_cost(passphrase, PassphraseCost::default())
    }

    /// As [`RootKey::from_passphrase`] at another cost. The cost matters when the passphrase is set; a store that exists is
    /// opened at the cost it was made with.
    ///
    /// # Errors
    /// As [`RootKey::from_passphrase`].
    pub fn from_passphrase_at_cost(
        passphrase: impl Into<String>,
        cost: PassphraseCost,
    ) -> Result<Self, Error> {
        let passphrase = SecretBytes::from_vec(passphrase.into().into_bytes());
        if passphrase.len() < Self::MIN_PASSPHRASE {
            return Err(Error::new(ErrorKind::RootInvalid, "a passphrase has at least 8 bytes"));
        }
        Ok(Self(Source::Passphrase { passphrase, cost }))
    }

    /// The recovery code that was shown when it was made.
    ///
    /// # Errors
    /// As [`RecoveryCode::parse`].
    pub fn from_recovery_code(text: &str) -> Result<Self, Error> {
        RecoveryCode::parse(text).map(Self::from)
    }
}

impl From<RecoveryCode> for RootKey {
    fn from(code: RecoveryCode) -> Self {
        Self(Source::Recovery(code))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Key(_) => f.write_str("RootKey(key)"),
            Source::File { path, .. } => write!(f, "RootKey(file {})", path.display()),
            Source::Passphrase { .. } => f.write_str("RootKey(passphrase)"),
            Source::Recovery(_) => f.write_str("RootKey(recovery code)"),
            Source::Wrapper(_) => f.write_str("RootKey(wrapped by a key service)"),
        }
    }
}

/// The file may be read later, when the program has changed its directory.
fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    std::path::absolute(&path).map_err(|error| {
        Error::new(ErrorKind::RootInvalid, "the key file's path cannot be used")
            .with("path", path.display())
            .because(error)
    })
}

pub(crate) fn missing(path: &Path) -> Error {
    Error::new(
        ErrorKind::RootMissing,
        "the key file does not exist; an existing strongroom opens with its own key only",
    )
    .with("path", path.display())
}

/// 32 bytes from base64, without a copy left behind.
pub(crate) fn decode_key(text: &[u8]) -> Option<SecretKey> {
    // The decoder wants room for the estimate, which counts the padding.
    let mut bytes = SecretBytes::zeroed(base64::decoded_len_estimate(text.len()).min(64));
    let len = STANDARD.decode_slice(text, bytes.expose_mut()).ok()?;
    bytes.truncate(len);
    SecretKey::from_bytes(bytes).ok()
}

pub(crate) fn encode_key(key: &SecretKey) -> SecretBytes {
    let mut text = SecretBytes::zeroed(44);
    // 32 bytes make exactly 44 characters.
    let written = STANDARD.encode_slice(key.expose(), text.expose_mut()).unwrap_or(0);
    text.truncate(written);
    text
}

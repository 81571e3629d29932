//! What opens a store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use strongroom_envelope::{SecretBytes, SecretKey, SecretText};

use crate::key_file::Readers;
use crate::passphrase::PassphraseCost;
use crate::recovery::RecoveryCode;
use crate::{Error, ErrorKind, RootWrapper, key_file, key_text};

/// What opens a store: a key in a file, in the environment or in the program's hands, a passphrase, or a recovery code.
///
/// The root key encrypts nothing but the store key. Keep it apart from the store: whoever has both has everything.
pub struct RootKey(pub(crate) Source);

pub(crate) enum Source {
    Key(SecretKey),
    File { path: PathBuf, readers: Readers, create: bool },
    Passphrase { passphrase: SecretBytes, cost: PassphraseCost },
    Recovery(RecoveryCode),
    Wrapper(Arc<dyn RootWrapper>),
}

impl RootKey {
    /// The fewest bytes of a passphrase.
    pub const MIN_PASSPHRASE: usize = 8;

    /// Generates a key in memory: for tests, or to keep elsewhere with [`RootKey::to_text`].
    ///
    /// ```
    /// use strongroom_root::RootKey;
    ///
    /// let key = RootKey::generate()?;
    /// let text = key.to_text()?; // into a Kubernetes secret, say
    /// let same: RootKey = text.expose().parse()?;
    /// # assert_eq!(same.to_text()?, text);
    /// # Ok::<(), strongroom_root::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Crypto`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self(Source::Key(SecretKey::generate()?)))
    }

    /// The key in an existing file that only its owner may read. On a read-only mount, where nobody
    /// can change the mode, a group may read it too: Kubernetes mounts a secret this way with
    /// `defaultMode: 0400` and an `fsGroup`.
    ///
    /// The file holds 32 random bytes in base64 or hex, with or without a line end, or raw; or it
    /// holds the line that Strongroom writes.
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] when there is no such file, [`ErrorKind::RootExposed`] when others may read it,
    /// [`ErrorKind::RootInvalid`] when it does not hold a key.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::existing(path.into(), Readers::Owner)
    }

    /// Like [`RootKey::file`], for a file that every user of this machine or container may read,
    /// such as a Docker secret (mode 0444). By calling it, you accept that all of them may have the
    /// key. A file that others may write is still refused, unless its mount is read-only.
    ///
    /// # Errors
    /// As [`RootKey::file`].
    pub fn shared_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::existing(path.into(), Readers::Everybody)
    }

    fn existing(path: PathBuf, readers: Readers) -> Result<Self, Error> {
        let path = absolute(path)?;
        match key_file::read(&path, readers)? {
            Some(_) => Ok(Self(Source::File { path, readers, create: false })),
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
        key_file::read(&path, Readers::Owner)?;
        Ok(Self(Source::File { path, readers: Readers::Owner, create: true }))
    }

    /// The key in an environment variable: 32 bytes in base64 (`head -c 32 /dev/urandom | base64`)
    /// or hex, or the line of a key file.
    ///
    /// # Errors
    /// [`ErrorKind::RootMissing`] when it is not set, [`ErrorKind::RootInvalid`] when it does not
    /// hold a key.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let value = std::env::var(variable).map_err(|_| {
            Error::new(
                ErrorKind::RootMissing,
                "the environment variable of the root key is not set or not text",
            )
            .with("variable", variable)
        })?;
        let value = SecretBytes::from_vec(value.into_bytes());
        Self::from_text(value.expose(), "the environment variable")
            .map_err(|error| error.with("variable", variable))
    }

    fn from_text(text: &[u8], what: &str) -> Result<Self, Error> {
        let key = key_text::from_text(text).ok_or_else(|| {
            let text = format!("{what} does not hold a root key: expected {}", key_text::FORMS);
            Error::new(ErrorKind::RootInvalid, text)
        })?;
        Ok(Self(Source::Key(key)))
    }

    /// The key in base64. Keep it where only those who may read every secret can read it.
    /// [`RootKey::file`], [`RootKey::from_env`] and `parse` accept it.
    ///
    /// # Errors
    /// [`ErrorKind::RootInvalid`] if this root is not a key in memory: a passphrase, a recovery
    /// code, a key service, or a file that was not [loaded](RootKey::load).
    pub fn to_text(&self) -> Result<SecretText, Error> {
        let Source::Key(key) = &self.0 else {
            return Err(Error::new(ErrorKind::RootInvalid, "only a key in memory can be written as text"));
        };
        Ok(SecretText::from_utf8(key_text::to_base64(key))?)
    }

    /// A second handle to the same root, to open several stores with it. There is no `Clone`, so
    /// that every copy is deliberate.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(match &self.0 {
            Source::Key(key) => Source::Key(key.duplicate()),
            Source::File { path, readers, create } => {
                Source::File { path: path.clone(), readers: *readers, create: *create }
            }
            Source::Passphrase { passphrase, cost } => {
                Source::Passphrase { passphrase: passphrase.duplicate(), cost: *cost }
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

/// The key in a text: 32 bytes in base64 or hex, or the line of a key file. Wiping the text is up
/// to the caller.
impl FromStr for RootKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_text(text.as_bytes(), "the text")
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

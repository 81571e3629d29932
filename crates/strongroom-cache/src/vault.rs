//! Encrypts values while they are cached.

use strongroom_envelope::{AnySealer, Label, SecretKey, SecretText};
use strongroom_store::{Error, ErrorKind, SecretValue, SecretVersion};

const KEPT: Label = Label::new("cached-values");

/// A key of this process, under which cached values are encrypted. A partial copy of the process's
/// memory without the key, such as a swapped-out page or part of a core dump, does not reveal them.
pub(crate) struct Vault {
    key: SecretKey,
    sealer: AnySealer,
}

impl Vault {
    pub(crate) fn new() -> Result<Self, Error> {
        let none = |error| {
            Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
        };
        Ok(Self { key: SecretKey::generate().map_err(none)?, sealer: AnySealer::default() })
    }

    /// The associated data that a value is bound to.
    fn binding(version: &SecretVersion) -> Vec<u8> {
        let kind = if version.value.is_text() { "text" } else { "binary" };
        format!("{} {} {}", version.arn, version.version_id, kind).into_bytes()
    }

    /// Encrypts a version's value.
    pub(crate) fn seal(&self, version: &SecretVersion) -> Option<SecretVersion> {
        let mut sealed = vec![u8::from(version.value.is_text())];
        let binding = Self::binding(version);
        self.sealer.seal_box(&self.key, KEPT, &binding, version.expose_bytes(), &mut sealed).ok()?;
        Some(SecretVersion { value: SecretValue::binary(sealed), ..version.clone() })
    }

    /// Decrypts a version's value.
    pub(crate) fn open(&self, kept: &SecretVersion) -> Option<SecretVersion> {
        let (text, sealed) = kept.expose_bytes().split_first()?;
        let text = *text == 1;
        let form = if text { SecretValue::text("") } else { SecretValue::binary(Vec::new()) };
        let mut opened = SecretVersion { value: form, ..kept.clone() };
        let plaintext = self.sealer.open_box(&self.key, KEPT, &Self::binding(&opened), sealed).ok()?;
        opened.value = if text {
            SecretValue::from_text(SecretText::from_utf8(plaintext).ok()?)
        } else {
            SecretValue::binary(plaintext)
        };
        Some(opened)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_types::{Realm, Timestamp};

    use super::*;

    #[test]
    fn what_is_kept_shows_nothing_and_opens_as_what_it_was() {
        let vault = Vault::new().unwrap();
        let version = |value: SecretValue, id: &str| SecretVersion {
            arn: Realm::default().arn("secretsmanager", "secret:a-AbCdEf"),
            name: "a".to_owned(),
            version_id: id.into(),
            value,
            stages: [].into(),
            created: Timestamp::from_millis(0),
        };
        for value in [SecretValue::text("hunter2"), SecretValue::binary(b"hunter2".to_vec())] {
            let kept = vault.seal(&version(value.clone(), "1")).unwrap();
            assert!(!kept.expose_bytes().windows(7).any(|bytes| bytes == b"hunter2"));
            assert!(vault.open(&kept).unwrap().value == value);
            // Of another version it is none.
            assert!(vault.open(&version(kept.value.clone(), "2")).is_none());
            assert!(Vault::new().unwrap().open(&kept).is_none());
        }
    }
}

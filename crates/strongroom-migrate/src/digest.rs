//! Digests, which are compared instead of values.

use strongroom_envelope::{Label, MacKey, SecretKey};
use strongroom_store::{Error, ErrorKind, SecretValue, VersionId};
use strongroom_types::hex;

const VALUES: Label = Label::new("copied-values");

/// Digests under a random key that exists only for one run, so that they reveal nothing outside it.
pub(crate) struct Digests(MacKey);

/// Equal for equal values of the same kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digests {
    pub(crate) fn new() -> Result<Self, Error> {
        let none = |error| {
            Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
        };
        Ok(Self(MacKey::derived(&SecretKey::generate().map_err(none)?, VALUES)))
    }

    pub(crate) fn of(&self, value: &SecretValue) -> Digest {
        Digest(self.0.tag(&[&[u8::from(value.is_text())], value.expose_bytes()]))
    }
}

/// The id for a version copied from a store that numbers versions to one that takes ids: the same
/// on every run.
pub(crate) fn stable_id(source: &str, version: &VersionId) -> VersionId {
    let public = MacKey::derived(&SecretKey::from_array(&mut [0; 32]), Label::new("copied-ids"));
    VersionId::new(hex(&public.tag(&[source.as_bytes(), version.as_str().as_bytes()])))
}

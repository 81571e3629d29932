//! What an operation does with keys.

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{GrantOperation, KeyRef};
use strongroom_store::{Error, Stage};
use strongroom_types::CallContext;

use crate::call::key_names::KeyNames;
use crate::error::not_opened;
use crate::head::{Head, Sealed};

/// Stands for the id of a version that is yet to be made.
const NEW_VERSION: &str = "00000000-0000-0000-0000-000000000000";

/// The version that AWS names in the context when it tries out a key.
const TRIAL: &str = "RequestToValidateKeyAccess";

/// What an operation needs of a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyNeed {
    /// The permission.
    pub permission: GrantOperation,
    /// The key, as the engine names it to the key service.
    pub key: KeyRef,
    /// The encryption context.
    pub context: EncryptionContext,
}

/// One thing an operation does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStep {
    /// Encrypts a value under a new data key of the secret's key.
    Seal,
    /// Decrypts a value.
    Open,
    /// Tries out a key that the request names.
    Probe,
    /// Checks that a value may be moved to another key.
    Encrypt,
}

impl KeyStep {
    /// What the step needs for a secret as it stands: the current value is opened, a new one
    /// sealed. Nothing where there is no such value.
    pub(crate) fn needs(
        self,
        names: KeyNames<'_>,
        cx: &CallContext,
        head: &Head,
    ) -> Result<Vec<KeyNeed>, Error> {
        match self {
            Self::Seal => {
                let (need, _) = sealing_under_own_key(names, cx, head, NEW_VERSION)?;
                Ok(vec![need])
            }
            Self::Open => {
                let current = head.holder(&Stage::CURRENT);
                let sealed = current.and_then(|version| Some((version, version.sealed.as_ref()?)));
                let need = sealed.map(|(version, sealed)| opening(names, head, version.id.as_str(), sealed));
                Ok(need.transpose()?.into_iter().collect())
            }
            Self::Probe => {
                let (made, _) = probing(names, cx, head, head.kms_key_id.as_deref())?;
                let opened = KeyNeed { permission: GrantOperation::Decrypt, ..made.clone() };
                Ok(vec![made, opened])
            }
            Self::Encrypt => {
                let (need, _) = sealing_under_own_key(names, cx, head, NEW_VERSION)?;
                Ok(vec![KeyNeed { permission: GrantOperation::Encrypt, ..need }])
            }
        }
    }
}

/// What it needs to seal a version under the secret's own key, and whether that is the managed key.
pub(crate) fn sealing_under_own_key(
    names: KeyNames<'_>,
    cx: &CallContext,
    head: &Head,
    version: &str,
) -> Result<(KeyNeed, bool), Error> {
    let (key, managed) = names.for_caller(cx, head.kms_key_id.as_deref())?;
    let context = names.context(head, version)?;
    Ok((KeyNeed { permission: GrantOperation::GenerateDataKey, key, context }, managed))
}

/// What it needs to open a version: the key that sealed it.
pub(crate) fn opening(
    names: KeyNames<'_>,
    head: &Head,
    version: &str,
    sealed: &Sealed,
) -> Result<KeyNeed, Error> {
    let key = KeyRef::parse(&sealed.key).map_err(|_| not_opened())?;
    let context = names.context(head, version)?;
    Ok(KeyNeed { permission: GrantOperation::Decrypt, key, context })
}

/// What it needs to try out a key for a secret, and whether it is the managed key.
pub(crate) fn probing(
    names: KeyNames<'_>,
    cx: &CallContext,
    head: &Head,
    kms_key_id: Option<&str>,
) -> Result<(KeyNeed, bool), Error> {
    let (key, managed) = names.for_caller(cx, kms_key_id)?;
    let context = names.context(head, TRIAL)?;
    Ok((KeyNeed { permission: GrantOperation::GenerateDataKey, key, context }, managed))
}

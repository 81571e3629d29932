//! How a secret names its key.

use strongroom_envelope::EncryptionContext;
use strongroom_kms::KeyRef;
use strongroom_store::{Error, ErrorKind};
use strongroom_types::{CallContext, Realm, Service};

use crate::error::{encryption, sealing};
use crate::head::Head;

/// The keys of secrets as one engine names them to its key service.
#[derive(Clone, Copy)]
pub(crate) struct KeyNames<'a> {
    pub(crate) realm: &'a Realm,
    /// Whether the managed key can be used.
    pub(crate) managed: bool,
}

impl KeyNames<'_> {
    /// The key under which new values of a secret are encrypted, and whether it is the managed one.
    pub(crate) fn of(self, kms_key_id: Option<&str>) -> Result<(KeyRef, bool), Error> {
        let managed = format!("alias/aws/{}", Service::SecretsManager.name());
        let wanted = kms_key_id.unwrap_or(&managed);
        let is_managed = wanted == managed;
        if is_managed && !self.managed {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "this key service cannot tell that a call comes through Secrets Manager, so the managed key aws/secretsmanager cannot be used; name a customer key",
            ));
        }
        Ok((KeyRef::parse(wanted).map_err(encryption)?, is_managed))
    }

    /// As [`KeyNames::of`], named so that it is this account's key whoever calls.
    pub(crate) fn for_caller(
        self,
        cx: &CallContext,
        kms_key_id: Option<&str>,
    ) -> Result<(KeyRef, bool), Error> {
        let (key, managed) = self.of(kms_key_id)?;
        let foreign = cx.is_foreign_to(self.realm.account());
        Ok((if foreign { self.qualified(key) } else { key }, managed))
    }

    /// A key named by its ARN in this account.
    pub(crate) fn qualified(self, key: KeyRef) -> KeyRef {
        match key {
            KeyRef::Id(id) => KeyRef::Arn(id.arn(self.realm), id),
            KeyRef::Alias(name) => KeyRef::AliasArn(name.arn(self.realm), name),
            key => key,
        }
    }

    /// The encryption context of a version of a secret.
    pub(crate) fn context(self, head: &Head, version: &str) -> Result<EncryptionContext, Error> {
        let arn = head.arn(self.realm).as_str();
        EncryptionContext::from_pairs([("SecretARN", arn), ("SecretVersionId", version)]).map_err(sealing)
    }
}

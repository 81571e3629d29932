//! Sealing and opening values.

use strongroom_envelope::{DataKey, EncryptionContext, Envelope};
use strongroom_kms::{Decrypt, DescribeKey, Encrypt, GenerateDataKey, KeyManager, KeyRef};
use strongroom_records::Expect;
use strongroom_root::{TrustedBatch, TrustedRecord};
use strongroom_store::{Error, ErrorKind, SecretValue, VersionId};
use strongroom_types::{CallContext, Service, from_hex, hex};

use crate::engine::Engine;
use crate::error::{damaged, decryption, encryption, not_opened, sealing, storage};
use crate::head::{Head, Sealed};

const FORMAT: u8 = 1;
const TEXT: u8 = 0;
const BINARY: u8 = 1;

/// A value sealed for one version of one secret.
pub(crate) struct SealedValue {
    /// `format (1) || kind (1: 0 text, 1 binary) || envelope`.
    content: Vec<u8>,
    key_arn: String,
    material: Option<String>,
    managed: bool,
}

pub(crate) fn context(engine: &Engine, head: &Head, version: &str) -> Result<EncryptionContext, Error> {
    let arn = head.arn(engine.realm()).as_str();
    EncryptionContext::from_pairs([("SecretARN", arn), ("SecretVersionId", version)]).map_err(sealing)
}

impl Engine {
    /// The key that new values of a secret are encrypted under, and whether it is the managed one.
    pub(crate) fn key_of(&self, kms_key_id: Option<&str>) -> Result<(KeyRef, bool), Error> {
        let managed = format!("alias/aws/{}", Service::SecretsManager.name());
        let wanted = kms_key_id.unwrap_or(&managed);
        let is_managed = wanted == managed;
        if is_managed && self.inner.kms.capabilities().via_service != Some(Service::SecretsManager) {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "this key service cannot tell that a call comes through Secrets Manager, so the managed key aws/secretsmanager cannot be used; name a customer key",
            ));
        }
        Ok((KeyRef::parse(wanted).map_err(encryption)?, is_managed))
    }

    /// As [`Engine::key_of`], named so that it is this account's key whoever calls.
    pub(crate) fn key_for(
        &self,
        cx: &CallContext,
        kms_key_id: Option<&str>,
    ) -> Result<(KeyRef, bool), Error> {
        let (key, managed) = self.key_of(kms_key_id)?;
        Ok((if self.is_foreign(cx) { self.qualified(key) } else { key }, managed))
    }

    /// The managed key is for callers of the account itself, whatever its policy and the secret's
    /// say, and AWS tells other callers so.
    pub(crate) fn reaches(&self, cx: &CallContext, managed: bool) -> Result<(), Error> {
        if managed && self.is_foreign(cx) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
            ));
        }
        Ok(())
    }

    /// Seals a value under a fresh data key. Holds no snapshot and no lock on storage while the key service works.
    pub(crate) async fn seal(
        &self,
        cx: &CallContext,
        head: &Head,
        version: &VersionId,
        value: &SecretValue,
    ) -> Result<SealedValue, Error> {
        let (key, managed) = self.key_for(cx, head.kms_key_id.as_deref())?;
        self.reaches(cx, managed)?;
        self.seal_under(cx, head, version, value, &key, managed).await
    }

    /// As [`Engine::seal`], under a key that need not be the one of new values.
    pub(crate) async fn seal_under(
        &self,
        cx: &CallContext,
        head: &Head,
        version: &VersionId,
        value: &SecretValue,
        key: &KeyRef,
        managed: bool,
    ) -> Result<SealedValue, Error> {
        let context = context(self, head, version.as_str())?;
        let pair = self
            .inner
            .kms
            .generate_data_key(cx, GenerateDataKey::new(key).context(&context))
            .await
            .map_err(encryption)?;
        let data_key = DataKey::from_bytes(pair.plaintext).map_err(sealing)?;
        let key_arn = String::from(pair.key_arn);
        let mut content = vec![FORMAT, if value.is_text() { TEXT } else { BINARY }];
        let sealer = self.inner.records.sealer();
        content.extend(
            sealer
                .seal(&data_key, &key_arn, &pair.ciphertext, &context, value.expose_bytes())
                .map_err(sealing)?,
        );
        Ok(SealedValue {
            content,
            key_arn,
            material: pair.key_material_id.as_deref().map(str::to_owned),
            managed,
        })
    }

    /// Adds the value record and its entry in the use index to `batch`; gives what the head says of it.
    pub(crate) fn put_value(
        &self,
        batch: &mut TrustedBatch,
        head: &Head,
        version: &VersionId,
        value: &SealedValue,
        expect: Expect,
    ) -> Sealed {
        let layout = &self.inner.layout;
        let digest = batch.put(&layout.value(head, version), &value.content, expect);
        let sealed = Sealed {
            digest: hex(&digest),
            key: value.key_arn.clone(),
            material: value.material.clone(),
            managed: value.managed,
        };
        batch.put(&layout.use_of(head, version, &sealed), b"", Expect::Any);
        if let Some(material) = &sealed.material {
            // Whoever retires the generation must not miss this use of it: either sees the other.
            let closed = layout.closed(&sealed.key, material);
            batch.withdraw(&closed);
            batch.check(&closed, Expect::Absent);
        }
        sealed
    }

    /// Whether the generation that a value was sealed under has been closed since.
    pub(crate) async fn is_closed(&self, value: &SealedValue) -> Result<bool, Error> {
        let Some(material) = &value.material else { return Ok(false) };
        let closed = self.inner.layout.closed(&value.key_arn, material);
        Ok(self.inner.records.get(&closed).await.map_err(storage)?.is_some())
    }

    /// Opens a value record that the head vouches for.
    pub(crate) async fn open(
        &self,
        cx: &CallContext,
        head: &Head,
        version: &VersionId,
        sealed: &Sealed,
        record: &TrustedRecord,
    ) -> Result<SecretValue, Error> {
        let (kind, envelope) = match record.content.split_first_chunk::<2>() {
            Some((&[FORMAT, kind @ (TEXT | BINARY)], envelope)) => (kind, envelope),
            _ => return Err(damaged(&record.key, "the value has an unknown form")),
        };
        let envelope = Envelope::parse(envelope).map_err(|_| not_opened())?;
        if envelope.key_id() != sealed.key {
            return Err(not_opened());
        }
        let context = context(self, head, version.as_str())?;
        let named = KeyRef::parse(&sealed.key).map_err(|_| not_opened())?;
        let opened = self
            .inner
            .kms
            .decrypt(cx, Decrypt::new(envelope.wrapped_key()).context(&context).key(&named))
            .await
            .map_err(decryption)?;
        let data_key = DataKey::from_bytes(opened.plaintext).map_err(|_| not_opened())?;
        let plaintext =
            self.inner.records.sealer().open(&envelope, &data_key, &context).map_err(|_| not_opened())?;
        if kind == BINARY {
            return Ok(SecretValue::binary(plaintext));
        }
        let text = strongroom_envelope::SecretText::from_utf8(plaintext).map_err(|_| not_opened())?;
        Ok(SecretValue::from_text(text))
    }

    /// Reads and opens a version that the head, read at some moment before, says has a value. `None` when the value is no
    /// longer the one the head vouches for: somebody re-encrypted or purged it meanwhile.
    pub(crate) async fn fetch(
        &self,
        cx: &CallContext,
        head: &Head,
        version: &VersionId,
        sealed: &Sealed,
    ) -> Result<Option<SecretValue>, Error> {
        self.reaches(cx, sealed.managed)?;
        let place = self.inner.layout.value(head, version);
        let Some(digest) = from_hex(&sealed.digest) else { return Ok(None) };
        let stored = self.inner.records.get_vouched(&place, &digest).await.map_err(storage)?;
        let Some(record) = stored else { return Ok(None) };
        self.open(cx, head, version, sealed, &record).await.map(Some)
    }

    /// Whether the caller may use a key for this secret: makes a data key, opens it, throws both away.
    pub(crate) async fn probe_key(
        &self,
        cx: &CallContext,
        head: &Head,
        kms_key_id: Option<&str>,
    ) -> Result<(), Error> {
        let (key, managed) = self.key_for(cx, kms_key_id)?;
        self.reaches(cx, managed)?;
        let context = context(self, head, "RequestToValidateKeyAccess")?;
        let kms = &self.inner.kms;
        let pair = kms
            .generate_data_key(cx, GenerateDataKey::new(&key).context(&context))
            .await
            .map_err(encryption)?;
        let named = KeyRef::parse(pair.key_arn.as_str()).map_err(encryption)?;
        if self.is_aws_managed(cx, &named).await? && !self.key_of(kms_key_id)?.1 {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "a key that AWS manages is named by its alias alias/aws/secretsmanager only",
            ));
        }
        kms.decrypt(cx, Decrypt::new(&pair.ciphertext).context(&context).key(&named))
            .await
            .map_err(encryption)?;
        Ok(())
    }

    /// Whether the key is one that AWS manages for a service. Where the key service knows this engine for Secrets Manager, callers
    /// need no permission of their own for it: managed keys tell the account what they are, and a key that does not is a customer's.
    async fn is_aws_managed(&self, cx: &CallContext, key: &KeyRef) -> Result<bool, Error> {
        let kms = &self.inner.kms;
        let described = if self.speaks_for_secrets_manager() {
            match kms.describe_key(&CallContext::owner(self.realm()), DescribeKey::new(key)).await {
                Err(error) if error.kind() == strongroom_kms::ErrorKind::AccessDenied => return Ok(false),
                described => described,
            }
        } else {
            kms.describe_key(cx, DescribeKey::new(key)).await
        };
        Ok(described.map_err(encryption)?.manager == KeyManager::Aws)
    }

    fn speaks_for_secrets_manager(&self) -> bool {
        self.inner.kms.capabilities().via_service == Some(Service::SecretsManager)
    }

    /// Whether the caller may encrypt under the secret's key, which moving a value to it takes.
    pub(crate) async fn may_encrypt(
        &self,
        cx: &CallContext,
        head: &Head,
        version: &str,
    ) -> Result<bool, Error> {
        if !self.speaks_for_secrets_manager() {
            return Ok(true);
        }
        let (key, _) = self.key_for(cx, head.kms_key_id.as_deref())?;
        let context = context(self, head, version)?;
        match self.inner.kms.encrypt(cx, Encrypt::new(&key, &[0]).context(&context)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == strongroom_kms::ErrorKind::AccessDenied => Ok(false),
            Err(error) => Err(encryption(error)),
        }
    }
}

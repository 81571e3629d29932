//! Sealing and opening values.

use strongroom_envelope::{DataKey, Envelope};
use strongroom_kms::{Decrypt, GenerateDataKey, GrantOperation, KeyRef};
use strongroom_records::Expect;
use strongroom_root::{TrustedBatch, TrustedRecord, UnknownMembers};
use strongroom_store::{Error, ErrorKind, SecretValue, Target, VersionId};
use strongroom_types::{CallContext, from_hex, hex};

use crate::call::{Call, KeyNeed, KeyStep, opening, sealing_under_own_key};
use crate::error::{damaged, decryption, encryption, not_opened, sealing, storage};
use crate::head::{Head, Sealed, StoredHead};
use crate::parts::Parts;
use crate::storage::Storage;

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

/// The key service as secrets use it.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a>(pub(crate) &'a Parts);

impl Keys<'_> {
    /// The managed key is for callers of the account itself, whatever its policy and the secret's
    /// say, and AWS tells other callers so.
    pub(crate) fn reaches(self, cx: &CallContext, managed: bool) -> Result<(), Error> {
        if managed && cx.is_foreign_to(self.0.realm().account()) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
            ));
        }
        Ok(())
    }

    /// Seals a value under a fresh data key of the secret's own key.
    pub(crate) async fn seal(
        self,
        call: &Call<'_>,
        head: &Head,
        version: &VersionId,
        value: &SecretValue,
    ) -> Result<SealedValue, Error> {
        let names = self.0.key_names();
        let (need, managed) = sealing_under_own_key(names, call.cx(), head, version.as_str())?;
        self.reaches(call.cx(), managed)?;
        self.seal_under(call, need, managed, value).await
    }

    /// Seals a version again under the key that it is sealed under already.
    pub(crate) async fn seal_again(
        self,
        call: &Call<'_>,
        head: &Head,
        version: &VersionId,
        value: &SecretValue,
        old: &Sealed,
    ) -> Result<SealedValue, Error> {
        let key = KeyRef::parse(&old.key).map_err(encryption)?;
        let context = self.0.key_names().context(head, version.as_str())?;
        let need = KeyNeed { permission: GrantOperation::GenerateDataKey, key, context };
        self.seal_under(call, need, old.managed, value).await
    }

    /// Seals a value under a key. Holds no snapshot and no lock on storage while the key service
    /// works.
    async fn seal_under(
        self,
        call: &Call<'_>,
        need: KeyNeed,
        managed: bool,
        value: &SecretValue,
    ) -> Result<SealedValue, Error> {
        call.check_step(KeyStep::Seal)?;
        let (cx, key, context) = (call.cx(), &need.key, need.context);
        let pair = self
            .0
            .kms
            .generate_data_key(cx, GenerateDataKey::new(key).context(&context))
            .await
            .map_err(encryption)?;
        let data_key = DataKey::from_bytes(pair.plaintext).map_err(sealing)?;
        let key_arn = String::from(pair.key_arn);
        let mut content = vec![FORMAT, if value.is_text() { TEXT } else { BINARY }];
        let sealer = self.0.records.sealer();
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

    /// Adds the value record and its entry in the use index to `batch`. Returns what the head says
    /// of the value.
    pub(crate) fn put_value(
        self,
        batch: &mut TrustedBatch,
        head: &Head,
        version: &VersionId,
        value: &SealedValue,
        expect: Expect,
    ) -> Sealed {
        let layout = &self.0.layout;
        let digest = batch.put(&layout.value(head, version), &value.content, expect);
        let sealed = Sealed {
            digest: hex(&digest),
            key: value.key_arn.clone(),
            material: value.material.clone(),
            managed: value.managed,
            unknown: UnknownMembers::default(),
        };
        batch.put(&layout.use_of(head, version, &sealed), b"", Expect::Any);
        if let Some(material) = &sealed.material {
            // Retiring the generation must not miss this use of it: either sees the other.
            let closed = layout.closed(&sealed.key, material);
            batch.withdraw(&closed);
            batch.check(&closed, Expect::Absent);
        }
        sealed
    }

    /// Whether the generation that a value was sealed under has been closed since.
    pub(crate) async fn is_closed(self, value: &SealedValue) -> Result<bool, Error> {
        let Some(material) = &value.material else { return Ok(false) };
        let closed = self.0.layout.closed(&value.key_arn, material);
        Ok(self.0.records.get(&closed).await.map_err(storage)?.is_some())
    }

    /// Opens a value record that the head vouches for.
    async fn open(
        self,
        call: &Call<'_>,
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
        call.check_step(KeyStep::Open)?;
        let KeyNeed { key: named, context, .. } =
            opening(self.0.key_names(), head, version.as_str(), sealed)?;
        let cx = call.cx();
        let opened = self
            .0
            .kms
            .decrypt(cx, Decrypt::new(envelope.wrapped_key()).context(&context).key(&named))
            .await
            .map_err(decryption)?;
        let data_key = DataKey::from_bytes(opened.plaintext).map_err(|_| not_opened())?;
        let plaintext =
            self.0.records.sealer().open(&envelope, &data_key, &context).map_err(|_| not_opened())?;
        if kind == BINARY {
            return Ok(SecretValue::binary(plaintext));
        }
        let text = strongroom_envelope::SecretText::from_utf8(plaintext).map_err(|_| not_opened())?;
        Ok(SecretValue::from_text(text))
    }

    /// Reads and opens a version that has a value according to the head, which was read before.
    /// Returns `None` if the value is no longer the one the head vouches for, because it was
    /// re-encrypted or purged meanwhile.
    pub(crate) async fn fetch(
        self,
        call: &Call<'_>,
        head: &Head,
        version: &VersionId,
        sealed: &Sealed,
    ) -> Result<Option<SecretValue>, Error> {
        self.reaches(call.cx(), sealed.managed)?;
        let place = self.0.layout.value(head, version);
        let Some(digest) = from_hex(&sealed.digest) else { return Ok(None) };
        let stored = self.0.records.get_vouched(&place, &digest).await.map_err(storage)?;
        let Some(record) = stored else { return Ok(None) };
        self.open(call, head, version, sealed, &record).await.map(Some)
    }

    /// A value is not the one the head vouches for. That is fine if the head has moved on;
    /// otherwise somebody changed the file.
    pub(crate) async fn changed_since(self, stored: &StoredHead, version: &VersionId) -> Result<(), Error> {
        let target = Target::Name(stored.head.name.clone());
        let now = Storage(self.0).find(&target).await?;
        if now.is_some_and(|now| now.revision == stored.revision) {
            let place = self.0.layout.value(&stored.head, version);
            return Err(damaged(
                &place,
                "the value is missing, or is not the one that the secret's head vouches for",
            ));
        }
        Ok(())
    }
}

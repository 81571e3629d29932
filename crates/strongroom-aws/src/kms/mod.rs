//! AWS KMS as a key service.

mod metadata;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec as SdkSpec, MacAlgorithmSpec};
use aws_types::SdkConfig;
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{
    Capabilities, Ciphertext, DataKeyPair, DataKeySpec, Decrypt, Decrypted, DescribeKey, Encrypt, Error,
    ErrorKind, GenerateDataKey, GenerateMac, GenerateRandom, KeyMetadata, KeyRef, Kms, Mac, ReEncrypt,
    ReEncrypted, VerifyMac, WrappedDataKey,
};
use strongroom_types::{Arn, CallContext};

use crate::caller::refusal;
use crate::error::kms::error;

/// AWS KMS. Clones share the SDK's client.
///
/// The key in every response is checked against the requested one, if that was named by id or ARN
/// (an alias does not identify a key), and against the keys of [`AwsKms::only`].
#[derive(Clone, Debug)]
pub struct AwsKms {
    client: aws_sdk_kms::Client,
    only: Option<Arc<[KeyRef]>>,
}

impl AwsKms {
    /// Uses the credentials, region, endpoint, retries and timeouts of a configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self::from_client(aws_sdk_kms::Client::new(config))
    }

    /// Uses an existing client.
    #[must_use]
    pub fn from_client(client: aws_sdk_kms::Client) -> Self {
        Self { client, only: None }
    }

    /// Accepts responses from these keys only, each named by ARN or id. This also covers requests
    /// by alias and ciphertexts that name their own key. An alias in the list allows nothing,
    /// because anyone who can change the alias chooses the key.
    #[must_use]
    pub fn only(mut self, keys: impl IntoIterator<Item = KeyRef>) -> Self {
        self.only = Some(keys.into_iter().collect());
        self
    }

    /// Refuses callers other than the owner, who holds the credentials.
    fn own(&self, cx: &CallContext, operation: &'static str) -> Result<(), Error> {
        match refusal(cx, "key service") {
            None => Ok(()),
            Some(text) => {
                Err(Error::new(ErrorKind::AccessDenied, text).during(operation).with("caller", cx.caller()))
            }
        }
    }

    /// Refuses AWS managed keys, which cannot be used directly.
    fn usable(&self, key: &KeyRef, operation: &'static str) -> Result<(), Error> {
        let (KeyRef::Alias(name) | KeyRef::AliasArn(_, name)) = key else { return Ok(()) };
        if !name.is_reserved() {
            return Ok(());
        }
        let text = "AWS lets a key that it manages be used through its own service only: name a customer managed key";
        Err(Error::new(ErrorKind::AccessDenied, text).during(operation).with("key", key))
    }

    /// The key that answered, if it is the requested one and allowed.
    fn answered(
        &self,
        asked: Option<&KeyRef>,
        key: Option<String>,
        operation: &'static str,
    ) -> Result<Arn, Error> {
        let wrong = |text: &'static str| Error::new(ErrorKind::IncorrectKey, text).during(operation);
        let arn = key.and_then(|key| Arn::parse(&key).ok());
        let arn = arn.ok_or_else(|| wrong("AWS's answer does not name its key by an ARN"))?;
        let is = |known: &KeyRef| match known {
            KeyRef::Arn(own, _) => *own == arn,
            KeyRef::Id(id) => arn.resource().strip_prefix("key/") == Some(id.as_str()),
            _ => false,
        };
        if asked.is_some_and(|asked| matches!(asked, KeyRef::Arn(..) | KeyRef::Id(_)) && !is(asked)) {
            return Err(wrong("AWS answered with another key than the one asked for").with("key", &arn));
        }
        if self.only.as_ref().is_some_and(|only| !only.iter().any(is)) {
            return Err(wrong("the key is none of those allowed").with("key", &arn));
        }
        Ok(arn)
    }
}

fn pairs(context: &EncryptionContext) -> Option<HashMap<String, String>> {
    let pairs = || context.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    (!context.is_empty()).then(pairs)
}

fn tokens(tokens: Vec<String>) -> Option<Vec<String>> {
    (!tokens.is_empty()).then_some(tokens)
}

fn dry(dry_run: bool) -> Option<bool> {
    dry_run.then_some(true)
}

/// A data key's length as the SDK takes it: a spec or a number of bytes.
fn length(spec: DataKeySpec) -> (Option<SdkSpec>, Option<i32>) {
    match spec {
        DataKeySpec::Aes256 => (Some(SdkSpec::Aes256), None),
        DataKeySpec::Aes128 => (Some(SdkSpec::Aes128), None),
        other => (None, Some(i32::try_from(other.len()).unwrap_or(i32::MAX))),
    }
}

fn material(id: Option<String>) -> Option<Arc<str>> {
    id.map(Arc::from)
}

/// Wiped when dropped.
fn secret(blob: Option<Blob>, operation: &'static str) -> Result<SecretBytes, Error> {
    Ok(SecretBytes::from_vec(bytes(blob, operation)?))
}

fn bytes(blob: Option<Blob>, operation: &'static str) -> Result<Vec<u8>, Error> {
    let missing = || Error::new(ErrorKind::Internal, "AWS's answer is without its content").during(operation);
    blob.map(Blob::into_inner).ok_or_else(missing)
}

#[async_trait]
impl Kms for AwsKms {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        const NAME: &str = "GenerateDataKey";
        let GenerateDataKey { key, context, .. } = request;
        self.own(cx, NAME)?;
        self.usable(key, NAME)?;
        let (spec, number) = length(request.spec);
        let call = self
            .client
            .generate_data_key()
            .key_id(key.to_string())
            .set_encryption_context(pairs(context))
            .set_key_spec(spec)
            .set_number_of_bytes(number)
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        let plaintext = secret(answer.plaintext, NAME)?;
        let key_arn = self.answered(Some(key), answer.key_id, NAME)?;
        if plaintext.len() != request.spec.len() {
            return Err(Error::new(ErrorKind::Internal, "AWS gave a data key of another length").during(NAME));
        }
        Ok(DataKeyPair {
            plaintext,
            ciphertext: bytes(answer.ciphertext_blob, NAME)?,
            key_arn,
            key_material_id: material(answer.key_material_id),
        })
    }

    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        const NAME: &str = "GenerateDataKeyWithoutPlaintext";
        let GenerateDataKey { key, context, .. } = request;
        self.own(cx, NAME)?;
        self.usable(key, NAME)?;
        let (spec, number) = length(request.spec);
        let call = self
            .client
            .generate_data_key_without_plaintext()
            .key_id(key.to_string())
            .set_encryption_context(pairs(context))
            .set_key_spec(spec)
            .set_number_of_bytes(number)
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        Ok(WrappedDataKey {
            key_arn: self.answered(Some(key), answer.key_id, NAME)?,
            ciphertext: bytes(answer.ciphertext_blob, NAME)?,
            key_material_id: material(answer.key_material_id),
        })
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        const NAME: &str = "Encrypt";
        let Encrypt { plaintext, key, context, .. } = request;
        self.own(cx, NAME)?;
        self.usable(key, NAME)?;
        let call = self
            .client
            .encrypt()
            .key_id(key.to_string())
            .plaintext(Blob::new(plaintext))
            .set_encryption_context(pairs(context))
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        Ok(Ciphertext {
            key_arn: self.answered(Some(key), answer.key_id, NAME)?,
            ciphertext: bytes(answer.ciphertext_blob, NAME)?,
            // AWS's response to Encrypt does not include it.
            key_material_id: None,
        })
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        const NAME: &str = "Decrypt";
        let Decrypt { ciphertext, key, context, .. } = request;
        self.own(cx, NAME)?;
        let call = self
            .client
            .decrypt()
            .ciphertext_blob(Blob::new(ciphertext))
            .set_key_id(key.map(KeyRef::to_string))
            .set_encryption_context(pairs(context))
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        // Wrapped first, so that it is wiped even if the key is wrong.
        let plaintext = secret(answer.plaintext, NAME)?;
        let key_arn = self.answered(key, answer.key_id, NAME)?;
        Ok(Decrypted { plaintext, key_arn, key_material_id: material(answer.key_material_id) })
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        const NAME: &str = "ReEncrypt";
        let ReEncrypt { ciphertext, source_key, source_context, key, context, .. } = request;
        self.own(cx, NAME)?;
        self.usable(key, NAME)?;
        let call = self
            .client
            .re_encrypt()
            .ciphertext_blob(Blob::new(ciphertext))
            .set_source_key_id(source_key.map(KeyRef::to_string))
            .set_source_encryption_context(pairs(source_context))
            .destination_key_id(key.to_string())
            .set_destination_encryption_context(pairs(context))
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        Ok(ReEncrypted {
            source_key_arn: self.answered(source_key, answer.source_key_id, NAME)?,
            key_arn: self.answered(Some(key), answer.key_id, NAME)?,
            ciphertext: bytes(answer.ciphertext_blob, NAME)?,
            source_key_material_id: material(answer.source_key_material_id),
            key_material_id: material(answer.destination_key_material_id),
        })
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        const NAME: &str = "DescribeKey";
        let DescribeKey { key, .. } = request;
        self.own(cx, NAME)?;
        let call =
            self.client.describe_key().key_id(key.to_string()).set_grant_tokens(tokens(request.grant_tokens));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        let missing = || Error::new(ErrorKind::Internal, "AWS's answer is without its content").during(NAME);
        metadata::read(answer.key_metadata.ok_or_else(missing)?).map_err(|error| error.during(NAME))
    }

    async fn generate_mac(&self, cx: &CallContext, request: GenerateMac<'_>) -> Result<Mac, Error> {
        const NAME: &str = "GenerateMac";
        let GenerateMac { message, key, algorithm, .. } = request;
        self.own(cx, NAME)?;
        let call = self
            .client
            .generate_mac()
            .key_id(key.to_string())
            .message(Blob::new(message))
            .mac_algorithm(MacAlgorithmSpec::from(algorithm.as_str()))
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        let key_arn = self.answered(Some(key), answer.key_id, NAME)?;
        Ok(Mac { mac: bytes(answer.mac, NAME)?, algorithm, key_arn })
    }

    async fn verify_mac(&self, cx: &CallContext, request: VerifyMac<'_>) -> Result<Mac, Error> {
        const NAME: &str = "VerifyMac";
        let VerifyMac { message, mac, key, algorithm, .. } = request;
        self.own(cx, NAME)?;
        let call = self
            .client
            .verify_mac()
            .key_id(key.to_string())
            .message(Blob::new(message))
            .mac(Blob::new(mac))
            .mac_algorithm(MacAlgorithmSpec::from(algorithm.as_str()))
            .set_grant_tokens(tokens(request.grant_tokens))
            .set_dry_run(dry(request.dry_run));
        let answer = call.send().await.map_err(|failed| error(NAME, failed))?;
        let key_arn = self.answered(Some(key), answer.key_id, NAME)?;
        if !answer.mac_valid {
            return Err(Error::new(ErrorKind::InvalidMac, "").during(NAME));
        }
        Ok(Mac { mac: mac.to_vec(), algorithm, key_arn })
    }

    async fn generate_random(&self, cx: &CallContext, request: GenerateRandom) -> Result<SecretBytes, Error> {
        const NAME: &str = "GenerateRandom";
        let count = request.bytes;
        self.own(cx, NAME)?;
        let call = self.client.generate_random().number_of_bytes(i32::from(count));
        let random = secret(call.send().await.map_err(|failed| error(NAME, failed))?.plaintext, NAME)?;
        if random.len() != usize::from(count) {
            return Err(Error::new(ErrorKind::Internal, "AWS gave another number of bytes").during(NAME));
        }
        Ok(random)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new().dry_run()
    }
}

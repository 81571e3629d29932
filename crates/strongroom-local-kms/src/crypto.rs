//! The cryptographic operations.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_envelope::{AnySealer, EncryptionContext, SecretBytes};
use strongroom_kms::{
    Capabilities, Ciphertext, DataKeyPair, DataKeySpec, Decrypt, Decrypted, DescribeKey, Encrypt, Error,
    ErrorKind, GenerateDataKey, GenerateMac, GenerateRandom, KeyMetadata, KeyRef, KeySpec, KeyUsage, Kms,
    Mac, MacAlgorithm, ReEncrypt, ReEncrypted, VerifyMac, WrappedDataKey, random_bytes,
};
use strongroom_types::{Arn, CallContext};

use crate::blob::{self, Blob};
use crate::cache::Material;
use crate::layout::{Generation, StoredKey};
use crate::local::LocalKms;
use crate::mac;
use crate::request_facts::RequestFacts;
use crate::states::Operation;

/// The longest plaintext of Encrypt, in bytes.
const MAX_PLAINTEXT: usize = 4096;

pub(crate) fn dry_run(asked: bool) -> Result<(), Error> {
    if asked {
        let text = "The request would have succeeded, but the DryRun option is set.";
        return Err(Error::new(ErrorKind::DryRun, text));
    }
    Ok(())
}

fn check_plaintext(plaintext: &[u8]) -> Result<(), Error> {
    let violated = |bound: &str| {
        Err(Error::new(
            ErrorKind::Validation,
            format!(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length {bound}"
            ),
        ))
    };
    match plaintext.len() {
        0 => violated("greater than or equal to 1"),
        1..=MAX_PLAINTEXT => Ok(()),
        _ => violated("less than or equal to 4096"),
    }
}

fn check_spec(spec: DataKeySpec) -> Result<(), Error> {
    let violated = |count: u16, bound: &str| {
        Err(Error::new(
            ErrorKind::Validation,
            format!(
                "1 validation error detected: Value '{count}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {bound}"
            ),
        ))
    };
    match spec {
        DataKeySpec::Bytes(0) => violated(0, "greater than or equal to 1"),
        DataKeySpec::Bytes(count @ 1025..) => violated(count, "less than or equal to 1024"),
        _ => Ok(()),
    }
}

/// A key's usage must be what the operation needs.
fn check_usage(key: &StoredKey, usage: KeyUsage, operation: Operation) -> Result<(), Error> {
    let own = key.spec.usage();
    if own == usage {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidKeyUsage,
        format!("{} key usage is {own} which is not valid for {}.", key.arn, operation.name()),
    ))
}

/// A key that was resolved and permitted, with its newest material at hand.
struct Ready {
    key: Arc<StoredKey>,
    newest: Generation,
    material: Arc<Material>,
    sealer: AnySealer,
}

impl Ready {
    fn seal(&self, context: &EncryptionContext, plaintext: &[u8]) -> Result<Ciphertext, Error> {
        let blob = blob::New::of(&self.key.id, self.newest.number, context, plaintext.len());
        Ok(self.answer(blob.seal(self.sealer, self.material.symmetric()?, plaintext)?))
    }

    /// Seals fresh random bytes.
    fn seal_fresh(
        &self,
        context: &EncryptionContext,
        len: usize,
    ) -> Result<(SecretBytes, Ciphertext), Error> {
        let blob = blob::New::of(&self.key.id, self.newest.number, context, len);
        let (plaintext, ciphertext) = blob.seal_fresh(self.sealer, self.material.symmetric()?, len)?;
        Ok((plaintext, self.answer(ciphertext)))
    }

    fn answer(&self, ciphertext: Vec<u8>) -> Ciphertext {
        let key_material_id = Some(self.newest.material_id.clone());
        Ciphertext { ciphertext, key_arn: self.key.arn.clone(), key_material_id }
    }
}

impl LocalKms {
    async fn ready(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
        asked: &RequestFacts<'_>,
        dry: bool,
    ) -> Result<Ready, Error> {
        self.check_asked(cx, asked)?;
        let key = self.named(cx, key, operation).await?;
        self.ready_with(cx, key, operation, asked, dry).await
    }

    async fn ready_with(
        &self,
        cx: &CallContext,
        key: Arc<StoredKey>,
        operation: Operation,
        asked: &RequestFacts<'_>,
        dry: bool,
    ) -> Result<Ready, Error> {
        let key = self.fresh_for(asked, key).await?;
        self.permit(cx, &key, operation, asked).await?;
        check_usage(&key, KeyUsage::EncryptDecrypt, operation)?;
        dry_run(dry)?;
        let due = key.record.rotation.is_some() && key.rotation_due(self.now());
        let key = if due { Box::pin(self.rotated(cx, &key, operation, asked)).await? } else { key };
        let newest = key.newest()?.clone();
        let material = match self.material_known(&key, newest.number) {
            Some(material) => material,
            None => Box::pin(self.unwrap_material(&key, newest.number)).await?,
        };
        Ok(Ready { key, newest, material, sealer: self.inner.records.sealer() })
    }

    /// A key whose schedule was due, with its new material. Whoever else changed it meanwhile may have said more.
    async fn rotated(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<Arc<StoredKey>, Error> {
        let key = Arc::new(self.rotate_if_due(key.clone()).await?);
        self.permit(cx, &key, operation, asked).await?;
        Ok(key)
    }

    /// Whoever has a token counts on a grant that others may have made just now: what is kept here need not know of it.
    async fn fresh_for(
        &self,
        asked: &RequestFacts<'_>,
        key: Arc<StoredKey>,
    ) -> Result<Arc<StoredKey>, Error> {
        if asked.tokens.is_empty() {
            return Ok(key);
        }
        Ok(Box::pin(self.read_again(key.id.to_bytes())).await?.unwrap_or(key))
    }

    async fn unseal(
        &self,
        cx: &CallContext,
        ciphertext: &[u8],
        context: &EncryptionContext,
        operation: Operation,
        asked: &RequestFacts<'_>,
        dry: bool,
    ) -> Result<Decrypted, Error> {
        let unknown = || {
            Error::new(
                ErrorKind::AccessDenied,
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            )
        };
        // Whoever did not name the key is not told which it is.
        let hide = |error: Error| match error.kind() {
            ErrorKind::AccessDenied if asked.reference.is_none() => unknown(),
            _ => error,
        };
        self.check_asked(cx, asked)?;
        let named = match asked.reference {
            Some(named) => {
                let named = self.named(cx, named, operation).await?;
                let named = self.fresh_for(asked, named).await?;
                self.allow(cx, &named, operation, asked).await?;
                Some(named)
            }
            None => None,
        };
        blob::check_length(ciphertext)?;
        let blob = Blob::parse(ciphertext)?;
        let key = match named {
            Some(named) if named.id.to_bytes() == blob.key => {
                self.check_state(&named, operation)?;
                named
            }
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::IncorrectKey,
                    "The key ID in the request does not identify a CMK that can perform this operation.",
                ));
            }
            None => {
                let key = match self.inner.keys.key(blob.key) {
                    Some(key) => key,
                    None => Box::pin(self.known(blob.key)).await?.ok_or_else(unknown)?,
                };
                let key = self.fresh_for(asked, key).await?;
                self.permit(cx, &key, operation, asked).await.map_err(hide)?;
                key
            }
        };
        // Another process may have rotated the key a moment ago: what is kept here need not know its newest generation.
        let key = if key.generation(blob.generation).is_some() {
            key
        } else {
            let key = Box::pin(self.read_again(blob.key)).await?.unwrap_or(key);
            self.permit(cx, &key, operation, asked).await.map_err(hide)?;
            key
        };
        let invalid = || Error::new(ErrorKind::InvalidCiphertext, "");
        if key.spec != KeySpec::SymmetricDefault {
            return Err(invalid());
        }
        let generation = key.generation(blob.generation).filter(|generation| !generation.retired);
        let generation = generation.ok_or_else(invalid)?;
        let material = match self.material_known(&key, generation.number) {
            Some(material) => material,
            None => Box::pin(self.unwrap_material(&key, generation.number)).await?,
        };
        let plaintext = blob.open(self.inner.records.sealer(), material.symmetric()?, context)?;
        dry_run(dry)?;
        let key_material_id = Some(generation.material_id.clone());
        Ok(Decrypted { plaintext, key_arn: key.arn.clone(), key_material_id })
    }
}

impl LocalKms {
    async fn data_key(
        &self,
        cx: &CallContext,
        request: &GenerateDataKey<'_>,
        operation: Operation,
    ) -> Result<(SecretBytes, Ciphertext), Error> {
        check_spec(request.spec)?;
        let GenerateDataKey { key, context, grant_tokens, .. } = request;
        let asked = RequestFacts::nothing().of(key).context(context).tokens(grant_tokens);
        let ready = self.ready(cx, key, operation, &asked, request.dry_run).await?;
        ready.seal_fresh(context, request.spec.len())
    }

    /// The HMAC key and its material, once everything about the request but the code is known to be right.
    async fn mac_key(
        &self,
        cx: &CallContext,
        named: &KeyRef,
        algorithm: MacAlgorithm,
        operation: Operation,
        tokens: &[String],
    ) -> Result<(Arn, Arc<Material>), Error> {
        let asked =
            RequestFacts::nothing().of(named).tokens(tokens).with("kms:MacAlgorithm", algorithm.as_str());
        self.check_asked(cx, &asked)?;
        let key = self.named(cx, named, operation).await?;
        let key = self.fresh_for(&asked, key).await?;
        self.permit(cx, &key, operation, &asked).await?;
        check_usage(&key, KeyUsage::GenerateVerifyMac, operation)?;
        if key.spec.mac_algorithm() != Some(algorithm) {
            return Err(Error::new(
                ErrorKind::InvalidKeyUsage,
                format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec),
            ));
        }
        let newest = key.newest()?.number;
        let material = match self.material_known(&key, newest) {
            Some(material) => material,
            None => Box::pin(self.unwrap_material(&key, newest)).await?,
        };
        Ok((key.arn.clone(), material))
    }
}

impl LocalKms {
    /// Like [`Kms::re_encrypt`], but encrypts under a key of another key service in this process,
    /// that of another account.
    ///
    /// # Errors
    /// As [`Kms::re_encrypt`]. Each service checks permission for its own key.
    pub async fn re_encrypt_into(
        &self,
        cx: &CallContext,
        destination: &Self,
        request: ReEncrypt<'_>,
    ) -> Result<ReEncrypted, Error> {
        let ReEncrypt { ciphertext, source_context, key, context, .. } = request;
        let named = |error: Error| error.during("ReEncrypt");
        const SAME: &str = "kms:ReEncryptOnSameKey";
        let one = self.realm() == destination.realm();
        // A token is one side's: the other cannot read it.
        let (mut source_tokens, mut tokens) = (request.grant_tokens.clone(), request.grant_tokens.clone());
        if !one {
            let knows = |side: &Self, token: &String| side.check_tokens(std::slice::from_ref(token));
            source_tokens.retain(|token| knows(self, token).is_ok());
            tokens.retain(|token| knows(destination, token).is_ok());
            let both = [&source_tokens[..], &tokens].concat();
            if let Some(unknown) = request.grant_tokens.iter().find(|token| !both.contains(token)) {
                knows(self, unknown).map_err(named)?;
            }
        }
        let asked = RequestFacts::nothing().context(context).tokens(&tokens);
        destination.check_asked(cx, &asked).map_err(named)?;
        // Looked for once: what the policies are asked about is what is used. What is wrong with it
        // is reported in its turn.
        let found = destination.named(cx, key, Operation::ReEncryptTo).await;
        let same = match (&found, Blob::parse(ciphertext)) {
            (Ok(key), Ok(blob)) => one && key.id.to_bytes() == blob.key,
            _ => false,
        };
        let same = same.to_string();
        let mut asked =
            RequestFacts::nothing().context(source_context).tokens(&source_tokens).with(SAME, &same);
        asked.reference = request.source_key;
        let operation = Operation::ReEncryptFrom;
        let source =
            self.unseal(cx, ciphertext, source_context, operation, &asked, false).await.map_err(named)?;
        let asked = RequestFacts::nothing().of(key).context(context).tokens(&tokens).with(SAME, &same);
        let found = found.map_err(named)?;
        let operation = Operation::ReEncryptTo;
        let ready =
            destination.ready_with(cx, found, operation, &asked, request.dry_run).await.map_err(named)?;
        let sealed = ready.seal(context, source.plaintext.expose()).map_err(named)?;
        Ok(ReEncrypted {
            ciphertext: sealed.ciphertext,
            source_key_arn: source.key_arn,
            key_arn: sealed.key_arn,
            source_key_material_id: source.key_material_id,
            key_material_id: sealed.key_material_id,
        })
    }
}

#[async_trait]
impl Kms for LocalKms {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        let (plaintext, sealed) = self
            .data_key(cx, &request, Operation::GenerateDataKey)
            .await
            .map_err(|error| error.during("GenerateDataKey"))?;
        Ok(DataKeyPair {
            plaintext,
            ciphertext: sealed.ciphertext,
            key_arn: sealed.key_arn,
            key_material_id: sealed.key_material_id,
        })
    }

    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        let (_, sealed) = self
            .data_key(cx, &request, Operation::GenerateDataKeyWithoutPlaintext)
            .await
            .map_err(|error| error.during("GenerateDataKeyWithoutPlaintext"))?;
        Ok(WrappedDataKey {
            ciphertext: sealed.ciphertext,
            key_arn: sealed.key_arn,
            key_material_id: sealed.key_material_id,
        })
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        let named = |error: Error| error.during("Encrypt");
        let Encrypt { plaintext, key, context, .. } = request;
        check_plaintext(plaintext).map_err(named)?;
        let asked = RequestFacts::nothing().of(key).context(context).tokens(&request.grant_tokens);
        let operation = Operation::Encrypt;
        let ready = self.ready(cx, key, operation, &asked, request.dry_run).await.map_err(named)?;
        ready.seal(context, plaintext).map_err(named)
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        let Decrypt { ciphertext, context, .. } = request;
        let mut asked = RequestFacts::nothing().context(context).tokens(&request.grant_tokens);
        asked.reference = request.key;
        self.unseal(cx, ciphertext, context, Operation::Decrypt, &asked, request.dry_run)
            .await
            .map_err(|error| error.during("Decrypt"))
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        self.re_encrypt_into(cx, self, request).await
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        let named = |error: Error| error.during("DescribeKey");
        let asked = RequestFacts::nothing().of(request.key).tokens(&request.grant_tokens);
        self.check_asked(cx, &asked).map_err(named)?;
        let key = self.named(cx, request.key, Operation::DescribeKey).await.map_err(named)?;
        let key = self.fresh_for(&asked, key).await.map_err(named)?;
        self.permit(cx, &key, Operation::DescribeKey, &asked).await.map_err(named)?;
        Ok(key.metadata(self.realm(), self.now()))
    }

    async fn generate_mac(&self, cx: &CallContext, request: GenerateMac<'_>) -> Result<Mac, Error> {
        let named = |error: Error| error.during("GenerateMac");
        let GenerateMac { message, key, algorithm, .. } = request;
        mac::check_message(message).map_err(named)?;
        let tokens = &request.grant_tokens;
        let (key_arn, material) =
            self.mac_key(cx, key, algorithm, Operation::GenerateMac, tokens).await.map_err(named)?;
        dry_run(request.dry_run).map_err(named)?;
        let key = material.hmac().map_err(named)?;
        let mac = mac::generate(algorithm, key.expose(), message).map_err(named)?;
        Ok(Mac { mac, algorithm, key_arn })
    }

    async fn verify_mac(&self, cx: &CallContext, request: VerifyMac<'_>) -> Result<Mac, Error> {
        let named = |error: Error| error.during("VerifyMac");
        let VerifyMac { message, mac, key, algorithm, .. } = request;
        mac::check_message(message).map_err(named)?;
        mac::check_mac(mac).map_err(named)?;
        let tokens = &request.grant_tokens;
        let (key_arn, material) =
            self.mac_key(cx, key, algorithm, Operation::VerifyMac, tokens).await.map_err(named)?;
        let key = material.hmac().map_err(named)?;
        mac::verify(algorithm, key.expose(), message, mac).map_err(named)?;
        dry_run(request.dry_run).map_err(named)?;
        Ok(Mac { mac: mac.to_vec(), algorithm, key_arn })
    }

    async fn generate_random(&self, cx: &CallContext, request: GenerateRandom) -> Result<SecretBytes, Error> {
        let named = |error: Error| error.during("GenerateRandom");
        self.authorize(cx, Operation::GenerateRandom).await.map_err(named)?;
        check_spec(DataKeySpec::Bytes(request.bytes)).map_err(named)?;
        random_bytes(usize::from(request.bytes)).map_err(named)
    }

    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new().dry_run();
        match self.via {
            Some(service) => capabilities.via_service(service),
            None => capabilities,
        }
    }
}

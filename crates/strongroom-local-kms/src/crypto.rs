//! The cryptographic operations.

use std::sync::Arc;

use strongroom_envelope::{AnySealer, EncryptionContext, SecretBytes};
use strongroom_kms::{
    Ciphertext, DataKeySpec, Decrypted, Error, ErrorKind, GenerateDataKey, KeyRef, KeySpec, KeyUsage,
    MacAlgorithm, Operation, ReEncrypt, ReEncrypted,
};
use strongroom_root::Lease;
use strongroom_types::Arn;

use crate::cache::material::Material;
use crate::call::KeyCall;
use crate::gate::Gate;
use crate::grants::token::Tokens;
use crate::keys::stored::Stored;
use crate::layout::{Generation, StoredKey};
use crate::material::blob::{self, Blob};
use crate::material::rotation::NewMaterial;
use crate::naming::finder::Finder;
use crate::needs::{Permission, Role};
use crate::parts::{Parts, dry_run};

/// The longest plaintext of Encrypt, in bytes.
const MAX_PLAINTEXT: usize = 4096;
/// Whether both keys of a ReEncrypt are one.
const SAME_KEY: &str = "kms:ReEncryptOnSameKey";

pub(crate) fn check_plaintext(plaintext: &[u8]) -> Result<(), Error> {
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

pub(crate) fn check_spec(spec: DataKeySpec) -> Result<(), Error> {
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
        format!("{} key usage is {own} which is not valid for {operation}.", key.arn),
    ))
}

/// The answer to a caller who named no key, whether the ciphertext's key is unknown or denied to
/// them.
fn unknown_key() -> Error {
    Error::new(
        ErrorKind::AccessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
    )
}

fn invalid_ciphertext() -> Error {
    Error::new(ErrorKind::InvalidCiphertext, "")
}

/// A key that was found and permitted, with its newest material at hand.
pub(crate) struct Ready {
    key: Arc<StoredKey>,
    newest: Generation,
    material: Arc<Material>,
    sealer: AnySealer,
}

impl Ready {
    pub(crate) fn seal(&self, context: &EncryptionContext, plaintext: &[u8]) -> Result<Ciphertext, Error> {
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

/// Encrypts, decrypts, and makes codes.
#[derive(Clone, Copy)]
pub(crate) struct Crypto<'a>(pub(crate) &'a Parts);

impl Crypto<'_> {
    /// The key to encrypt under.
    pub(crate) async fn ready(self, call: &KeyCall<'_>, key: &KeyRef, dry: bool) -> Result<Ready, Error> {
        Gate(self.0).check_request(call)?;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).named(call, key, needed).await?;
        self.ready_with(call, key, needed, dry).await
    }

    async fn ready_with(
        self,
        call: &KeyCall<'_>,
        key: Arc<StoredKey>,
        needed: &'static Permission,
        dry: bool,
    ) -> Result<Ready, Error> {
        let key = self.fresh_for(call, key).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        check_usage(&key, KeyUsage::EncryptDecrypt, call.operation())?;
        dry_run(dry)?;
        let due = key.record.rotation.is_some() && key.rotation_due(self.0.now());
        let key = if due { Box::pin(self.rotated(call, &key, needed)).await? } else { key };
        let newest = key.newest()?.clone();
        let material = self.material(&key, newest.number).await?;
        Ok(Ready { key, newest, material, sealer: self.0.inner.records.sealer() })
    }

    async fn material(self, key: &StoredKey, generation: u32) -> Result<Arc<Material>, Error> {
        match Stored(self.0).material_known(key, generation) {
            Some(material) => Ok(material),
            None => Box::pin(Stored(self.0).unwrap_material(key, generation)).await,
        }
    }

    /// A key whose schedule was due, with its new material. Whoever else changed it meanwhile may
    /// have taken the permission away.
    async fn rotated(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
    ) -> Result<Arc<StoredKey>, Error> {
        let key = Arc::new(
            NewMaterial(self.0)
                .rotate_if_due(&Lease::unshared(), self.0.attempts(call.cx()), key.clone())
                .await?,
        );
        Gate(self.0).permit(call, &key, needed).await?;
        Ok(key)
    }

    /// Whoever has a token counts on a grant that others may have made just now, which the cache
    /// need not know of.
    pub(crate) async fn fresh_for(
        self,
        call: &KeyCall<'_>,
        key: Arc<StoredKey>,
    ) -> Result<Arc<StoredKey>, Error> {
        if call.tokens.is_empty() {
            return Ok(key);
        }
        Ok(Box::pin(Stored(self.0).read_again(key.id.to_bytes())).await?.unwrap_or(key))
    }

    /// Decrypts with the key that the call names, or else with the one that the ciphertext names.
    pub(crate) async fn unseal(
        self,
        call: &KeyCall<'_>,
        ciphertext: &[u8],
        context: &EncryptionContext,
        dry: bool,
    ) -> Result<Decrypted, Error> {
        let needed = call.needs(Role::Key)?;
        Gate(self.0).check_request(call)?;
        let named = match call.reference {
            Some(named) => {
                let named = Finder(self.0).named(call, named, needed).await?;
                let named = self.fresh_for(call, named).await?;
                Gate(self.0).allow(call, &named, needed).await?;
                Some(named)
            }
            None => None,
        };
        blob::check_length(ciphertext)?;
        let blob = Blob::parse(ciphertext)?;
        let key = match named {
            Some(named) if named.id.to_bytes() == blob.key => {
                Gate(self.0).check_state(call, &named)?;
                named
            }
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::IncorrectKey,
                    "The key ID in the request does not identify a CMK that can perform this operation.",
                ));
            }
            None => {
                let key = match self.0.inner.keys.key(blob.key) {
                    Some(key) => key,
                    None => Box::pin(Stored(self.0).known(blob.key)).await?.ok_or_else(unknown_key)?,
                };
                let key = self.fresh_for(call, key).await?;
                self.permit_opening(call, &key, needed).await?;
                key
            }
        };
        // Another process may have rotated the key a moment ago: the cache need not know its newest
        // generation.
        let key = if key.generation(blob.generation).is_some() {
            key
        } else {
            let key = Box::pin(Stored(self.0).read_again(blob.key)).await?.unwrap_or(key);
            self.permit_opening(call, &key, needed).await?;
            key
        };
        if key.spec != KeySpec::SymmetricDefault {
            return Err(invalid_ciphertext());
        }
        let generation = key.generation(blob.generation).filter(|generation| !generation.retired);
        let generation = generation.ok_or_else(invalid_ciphertext)?;
        let material = self.material(&key, generation.number).await?;
        let plaintext = blob.open(self.0.inner.records.sealer(), material.symmetric()?, context)?;
        dry_run(dry)?;
        let key_material_id = Some(generation.material_id.clone());
        Ok(Decrypted { plaintext, key_arn: key.arn.clone(), key_material_id })
    }

    /// Permission to decrypt. A caller who did not name the key does not learn which it is.
    async fn permit_opening(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
    ) -> Result<(), Error> {
        Gate(self.0).permit(call, key, needed).await.map_err(|error| match error.kind() {
            ErrorKind::AccessDenied if call.reference.is_none() => unknown_key(),
            _ => error,
        })
    }

    pub(crate) async fn data_key(
        self,
        call: &KeyCall<'_>,
        request: &GenerateDataKey<'_>,
    ) -> Result<(SecretBytes, Ciphertext), Error> {
        check_spec(request.spec)?;
        let ready = self.ready(call, request.key, request.dry_run).await?;
        ready.seal_fresh(request.context, request.spec.len())
    }

    /// The HMAC key and its material, once everything about the request but the code is right.
    pub(crate) async fn mac_key(
        self,
        call: &KeyCall<'_>,
        named: &KeyRef,
        algorithm: MacAlgorithm,
    ) -> Result<(Arn, Arc<Material>), Error> {
        Gate(self.0).check_request(call)?;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).named(call, named, needed).await?;
        let key = self.fresh_for(call, key).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        check_usage(&key, KeyUsage::GenerateVerifyMac, call.operation())?;
        if key.spec.mac_algorithm() != Some(algorithm) {
            return Err(Error::new(
                ErrorKind::InvalidKeyUsage,
                format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec),
            ));
        }
        let newest = key.newest()?.number;
        let material = self.material(&key, newest).await?;
        Ok((key.arn.clone(), material))
    }

    /// ReEncrypt from this service's key to one of `destination`, which may be another account's.
    /// Each service decides over its own key.
    pub(crate) async fn re_encrypt(
        self,
        call: &KeyCall<'_>,
        destination: Crypto<'_>,
        request: &ReEncrypt<'_>,
    ) -> Result<ReEncrypted, Error> {
        let one = self.0.realm() == destination.0.realm();
        let (source_tokens, tokens) = self.tokens_by_side(destination, &request.grant_tokens)?;
        let side = || KeyCall::new(call.cx(), Operation::ReEncrypt, self.0.now());
        Gate(destination.0).check_request(&side().context(request.context).tokens(&tokens))?;
        // Looked up once: the policies decide over the very key that is used. What is wrong with it
        // is reported in its turn.
        let needed = call.needs(Role::Destination)?;
        let found = Finder(destination.0).named(call, request.key, needed).await;
        let same = match (&found, Blob::parse(request.ciphertext)) {
            (Ok(key), Ok(blob)) => one && key.id.to_bytes() == blob.key,
            _ => false,
        };
        let same = same.to_string();
        let mut from = side().context(request.source_context).tokens(&source_tokens).with(SAME_KEY, &same);
        from.reference = request.source_key;
        let source = self.unseal(&from, request.ciphertext, request.source_context, false).await?;
        let to = side().of(request.key).context(request.context).tokens(&tokens).with(SAME_KEY, &same);
        let ready = destination.ready_with(&to, found?, needed, request.dry_run).await?;
        let sealed = ready.seal(request.context, source.plaintext.expose())?;
        Ok(ReEncrypted {
            ciphertext: sealed.ciphertext,
            source_key_arn: source.key_arn,
            key_arn: sealed.key_arn,
            source_key_material_id: source.key_material_id,
            key_material_id: sealed.key_material_id,
        })
    }

    /// The tokens that this side knows, and those that the other does. Within one service that is
    /// all of them, known or not.
    fn tokens_by_side(
        self,
        destination: Crypto<'_>,
        all: &[String],
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        let (mut own, mut theirs) = (all.to_vec(), all.to_vec());
        if self.0.realm() == destination.0.realm() {
            return Ok((own, theirs));
        }
        let knows = |side: Self, token: &String| Tokens(side.0).check(std::slice::from_ref(token));
        own.retain(|token| knows(self, token).is_ok());
        theirs.retain(|token| Tokens(destination.0).check(std::slice::from_ref(token)).is_ok());
        match all.iter().find(|token| !own.contains(token) && !theirs.contains(token)) {
            Some(unknown) => knows(self, unknown).map(|()| (own, theirs)),
            None => Ok((own, theirs)),
        }
    }
}

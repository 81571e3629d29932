//! The caching key service.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_envelope::{EncryptionContext, Label, MacKey, SecretBytes, SecretKey};
use strongroom_kms::{
    Capabilities, Ciphertext, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt, Error, ErrorKind,
    GenerateDataKey, GenerateMac, GenerateRandom, KeyMetadata, KeyRef, Kms, Mac, ReEncrypt, ReEncrypted,
    VerifyMac, WrappedDataKey,
};
use strongroom_types::{Arn, CallContext, Clock};

use crate::asker::{identity, is_over};
use crate::coarse::CoarseClock;
use crate::data_key_policy::DataKeyPolicy;
use crate::flight::Flights;
use crate::kept::{EntryId, Kept};

const PLACES: Label = Label::new("cached-places");

/// A key service that caches the data keys of another one. Clones share the cache.
#[derive(Clone)]
pub struct CachedKms {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Arc<dyn Kms>,
    policy: DataKeyPolicy,
    clock: Arc<dyn Clock>,
    /// Entries are looked up by a MAC under this random key, which reveals nothing about requests.
    places: MacKey,
    decrypted: Mutex<Kept<Opened>>,
    generated: Mutex<Kept<Generated>>,
    calls: Flights<(EntryId, u64), Result<(), Error>>,
    /// Counts wipes, so that responses to requests from before a wipe are not cached.
    cleared: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A result of Decrypt.
struct Opened {
    plaintext: SecretBytes,
    key_arn: Arn,
    key_material_id: Option<Arc<str>>,
}

/// A result of GenerateDataKey, and the number of messages it was used for.
struct Generated {
    pair: DataKeyPair,
    messages: u64,
}

/// Statistics of a [`CachedKms`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedKmsStats {
    /// Calls that were answered from the cache.
    pub hits: u64,
    /// Calls to the other service, including those that joined a concurrent call.
    pub misses: u64,
    /// Entries in the cache.
    pub entries: usize,
}

impl CachedKms {
    /// A cache around `inner` with this policy.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for an inconsistent policy; if the operating system returns no
    /// random bytes.
    pub fn new(inner: Arc<dyn Kms>, policy: DataKeyPolicy) -> Result<Self, Error> {
        Self::with_clock(inner, policy, Arc::new(CoarseClock::new()))
    }

    /// Like [`CachedKms::new`], with a custom clock.
    ///
    /// # Errors
    /// As [`CachedKms::new`].
    pub fn with_clock(
        inner: Arc<dyn Kms>,
        policy: DataKeyPolicy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        policy.check()?;
        let none = |error| {
            Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
        };
        let places = MacKey::derived(&SecretKey::generate().map_err(none)?, PLACES);
        let shared = Shared {
            inner,
            policy,
            clock,
            places,
            decrypted: Mutex::new(Kept::new(policy.max_entries, policy.max_age)),
            generated: Mutex::new(Kept::new(policy.max_entries, policy.max_age)),
            calls: Flights::default(),
            cleared: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Wipes the cache. Responses to calls in flight are not cached either.
    pub fn clear(&self) {
        self.shared.cleared.fetch_add(1, Ordering::SeqCst);
        self.decrypted().clear();
        self.generated().clear();
    }

    /// The cache's statistics.
    #[must_use]
    pub fn served(&self) -> CachedKmsStats {
        let entries = self.decrypted().len() + self.generated().len();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CachedKmsStats { hits: count(&self.shared.hits), misses: count(&self.shared.misses), entries }
    }

    fn decrypted(&self) -> MutexGuard<'_, Kept<Opened>> {
        self.shared.decrypted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generated(&self) -> MutexGuard<'_, Kept<Generated>> {
        self.shared.generated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of an entry: everything that the other service's response depends on.
    fn place(
        &self,
        what: &str,
        cx: &CallContext,
        subject: &[u8],
        context: &EncryptionContext,
        demands: &str,
        grant_tokens: &[String],
    ) -> EntryId {
        let caller = identity(cx);
        let tokens = format!("{grant_tokens:?}");
        let context = context.encode();
        let parts = [what, &caller, demands, &tokens].map(str::as_bytes);
        let [what, caller, demands, tokens] = parts;
        self.shared.places.tag(&[what, caller, subject, &context, demands, tokens])
    }

    fn cleared(&self) -> u64 {
        self.shared.cleared.load(Ordering::SeqCst)
    }

    fn hit(&self) {
        self.shared.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes one call for all concurrent identical requests.
    async fn once(
        &self,
        place: EntryId,
        cleared: u64,
        call: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        self.shared.misses.fetch_add(1, Ordering::Relaxed);
        let key = (place, cleared);
        self.shared.calls.join(&key, || call).await
    }

    fn opened(&self, place: &EntryId) -> Option<Decrypted> {
        let mut kept = self.decrypted();
        let found = kept.get(place, self.shared.clock.now())?;
        Some(Decrypted {
            plaintext: SecretBytes::copy_from(found.plaintext.expose()),
            key_arn: found.key_arn.clone(),
            key_material_id: found.key_material_id.clone(),
        })
    }

    /// A generated key that can be used once more.
    fn drawn(&self, place: &EntryId) -> Option<DataKeyPair> {
        let most = self.shared.policy.messages();
        let mut kept = self.generated();
        let found = kept.get(place, self.shared.clock.now())?;
        found.messages += 1;
        let pair = DataKeyPair {
            plaintext: SecretBytes::copy_from(found.pair.plaintext.expose()),
            ciphertext: found.pair.ciphertext.clone(),
            key_arn: found.pair.key_arn.clone(),
            key_material_id: found.pair.key_material_id.clone(),
        };
        if found.messages >= most {
            kept.remove(place);
        }
        Some(pair)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Kms for CachedKms {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        let inner = &self.shared.inner;
        if request.dry_run || self.shared.policy.messages() < 2 || is_over(cx, self.shared.clock.now()) {
            return inner.generate_data_key(cx, request).await;
        }
        let demands = request.spec.len().to_string();
        let subject = request.key.to_string();
        let place =
            self.place("generate", cx, subject.as_bytes(), request.context, &demands, &request.grant_tokens);
        // Other callers may use up the key that this call has fetched.
        for _ in 0..4 {
            if let Some(pair) = self.drawn(&place) {
                self.hit();
                return Ok(pair);
            }
            let (asked, cleared) = (self.shared.clock.now(), self.cleared());
            self.once(place, cleared, async {
                let pair = inner.generate_data_key(cx, request.clone()).await?;
                let mut kept = self.generated();
                if self.cleared() == cleared {
                    kept.put(place, Generated { pair, messages: 0 }, asked);
                }
                Ok(())
            })
            .await?;
        }
        inner.generate_data_key(cx, request).await
    }

    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        self.shared.inner.generate_data_key_without_plaintext(cx, request).await
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        self.shared.inner.encrypt(cx, request).await
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        let inner = &self.shared.inner;
        if request.dry_run || is_over(cx, self.shared.clock.now()) {
            return inner.decrypt(cx, request).await;
        }
        let demands = request.key.map(KeyRef::to_string).unwrap_or_default();
        let place =
            self.place("decrypt", cx, request.ciphertext, request.context, &demands, &request.grant_tokens);
        if let Some(opened) = self.opened(&place) {
            self.hit();
            return Ok(opened);
        }
        let (asked, cleared) = (self.shared.clock.now(), self.cleared());
        self.once(place, cleared, async {
            let Decrypted { plaintext, key_arn, key_material_id } =
                inner.decrypt(cx, request.clone()).await?;
            let mut kept = self.decrypted();
            if self.cleared() == cleared {
                kept.put(place, Opened { plaintext, key_arn, key_material_id }, asked);
            }
            Ok(())
        })
        .await?;
        match self.opened(&place) {
            Some(opened) => Ok(opened),
            // It was evicted immediately: there are more concurrent keys than `max_entries`.
            None => inner.decrypt(cx, request).await,
        }
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        self.shared.inner.re_encrypt(cx, request).await
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        self.shared.inner.describe_key(cx, request).await
    }

    async fn generate_mac(&self, cx: &CallContext, request: GenerateMac<'_>) -> Result<Mac, Error> {
        self.shared.inner.generate_mac(cx, request).await
    }

    async fn verify_mac(&self, cx: &CallContext, request: VerifyMac<'_>) -> Result<Mac, Error> {
        self.shared.inner.verify_mac(cx, request).await
    }

    async fn generate_random(&self, cx: &CallContext, request: GenerateRandom) -> Result<SecretBytes, Error> {
        self.shared.inner.generate_random(cx, request).await
    }

    fn capabilities(&self) -> Capabilities {
        self.shared.inner.capabilities()
    }
}

impl fmt::Debug for CachedKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKms")
            .field("inner", &self.shared.inner)
            .field("policy", &self.shared.policy)
            .field("served", &self.served())
            .finish()
    }
}

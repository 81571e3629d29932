//! Records that are authenticated by the store key.

use std::path::Path;
use std::sync::Arc;

use strongroom_envelope::{AnySealer, Label, SecretBytes, SecretKey};
use strongroom_records::{Batch, ChangeToken, Expect, Key, Record, Records, Scan};
use strongroom_types::{Clock, Realm};

use crate::batch::TrustedBatch;
use crate::cache::{DEFAULT_BYTES, ReadCache};
use crate::declared::Declared;
use crate::error::tampered;
use crate::feature::KNOWN;
use crate::frame;
use crate::opened_store::Inner;
use crate::slot::{self, MAX_PASSPHRASES, MAX_SLOTS, Resolved, Slot};
use crate::snapshot::TrustedSnapshot;
use crate::store::{Keyring, Store};
use crate::trusted_record::TrustedRecord;
use crate::unlock::{slots, unlock};
use crate::{Error, ErrorKind, Feature, RecoveryCode, RootKey, RootSlot};

/// Records that are authenticated by the store key: everything written carries a MAC over its key and content, everything
/// read is verified.
///
/// What this finds: a record changed, moved to another key, or made by somebody without a root. What it cannot find by
/// itself: a record deleted, or put back as it once was; holders anchor what matters in other records by its
/// [`TrustedRecord::digest`], and `verify` compares.
#[derive(Clone, Debug)]
pub struct TrustedRecords {
    pub(crate) inner: Arc<Inner>,
    pub(crate) sealer: AnySealer,
    cache: Arc<ReadCache>,
}

impl TrustedRecords {
    /// Opens a store, or makes one where `records` is entirely empty.
    ///
    /// `realm` is written into a new store (the default realm unless given) and compared with an existing one. A key
    /// file is made, if `root` allows it, only for a new store, and is on the disk before the store is.
    ///
    /// # Errors
    /// [`ErrorKind::WrongRoot`], [`ErrorKind::RootMissing`], [`ErrorKind::RealmMismatch`], [`ErrorKind::Incompatible`],
    /// [`ErrorKind::Tampered`] when the store's own record is gone or changed; storage errors. Nothing is changed then.
    pub async fn open(
        records: Arc<dyn Records>,
        root: RootKey,
        realm: Option<&Realm>,
        clock: &dyn Clock,
    ) -> Result<Self, Error> {
        Self::open_with(records, root, realm, clock, &[]).await
    }

    /// As [`TrustedRecords::open`], for a program that knows `features` besides those of this version
    /// of Strongroom: one that keeps records of its own in the store.
    ///
    /// # Errors
    /// As [`TrustedRecords::open`].
    pub async fn open_with(
        records: Arc<dyn Records>,
        root: RootKey,
        realm: Option<&Realm>,
        clock: &dyn Clock,
        features: &[Feature],
    ) -> Result<Self, Error> {
        let snapshot = records.snapshot().await?;
        let stored = snapshot.get(&Store::key()).await?;
        let nothing_else = snapshot.scan(&Scan::prefix(&Key::default()).limit(1)).await?.records.is_empty();
        drop(snapshot);
        let stored = match stored {
            Some(stored) => {
                return Self::open_existing(records, stored, Resolved::new(root, false)?, realm, features)
                    .await;
            }
            None if nothing_else => Store::new(realm.unwrap_or(&Realm::default()), clock.now())?,
            None => return Err(tampered(&Store::key(), "it is missing")),
        };
        // The file, if one is made, is synced in here: before the first commit.
        let root = Resolved::new(root, true)?;
        let keyring = Keyring::generate()?;
        let content = stored.to_json()?;
        let (_, slot_key, slot) = slot::seal(&root, "first root", clock.now(), &stored.id, &keyring).await?;
        let (framed, _) = frame::write(&keyring, &stored.id, frame::PLAIN, &Store::key(), &content)?;
        let batch =
            Batch::new().put(&Store::key(), framed, Expect::Absent).put(&slot_key, slot, Expect::Absent);
        match records.commit(batch).await {
            Ok(store_revision) => {
                let realm = stored.realm()?;
                let declared = Declared::new(features, stored.clone(), store_revision);
                let inner = Inner { records, realm, store: stored, keyring, declared };
                Ok(Self::of(inner))
            }
            Err(error) if error.kind() == strongroom_records::ErrorKind::Conflict => {
                // Another process made the store in this moment: it is theirs, and opens with our root or not.
                let mut now = records.read(&[Store::key()]).await?;
                let stored = now.pop().flatten().ok_or(error)?;
                Self::open_existing(records, stored, root, realm, features).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The realm that an existing store says it has; `None` when there is no store. Not verified: only opening does that.
    ///
    /// # Errors
    /// [`ErrorKind::Incompatible`], storage errors.
    pub async fn peek_realm(records: &dyn Records) -> Result<Option<Realm>, Error> {
        let stored = records.read(&[Store::key()]).await?.pop().flatten();
        stored
            .map(|stored| Store::parse(stored.value.get(frame::LEN..).unwrap_or_default())?.realm())
            .transpose()
    }

    async fn open_existing(
        records: Arc<dyn Records>,
        stored: Record,
        root: Resolved,
        realm: Option<&Realm>,
        features: &[Feature],
    ) -> Result<Self, Error> {
        let content = stored
            .value
            .get(frame::LEN..)
            .ok_or_else(|| Error::new(ErrorKind::Incompatible, "the store's own record is not readable"))?;
        // Not trusted yet: it only says which id and format to try the root with.
        let store = Store::parse(content)?;
        store.check_known(&[KNOWN, features].concat())?;
        let keyring = unlock(&*records, &root, &store).await?;
        let verified = frame::verify(&keyring, &store.id, stored)?;
        let own = store.realm()?;
        if let Some(wanted) = realm.filter(|wanted| **wanted != own) {
            return Err(Error::new(
                ErrorKind::RealmMismatch,
                "the store belongs to another account or region",
            )
            .with("store", &own)
            .with("asked for", wanted));
        }
        let declared = Declared::new(features, store.clone(), verified.revision);
        let inner = Inner { records, realm: own, store, keyring, declared };
        Ok(Self::of(inner))
    }

    pub(crate) fn of(inner: Inner) -> Self {
        let cache = Arc::new(ReadCache::new(DEFAULT_BYTES));
        Self { inner: Arc::new(inner), sealer: AnySealer::default(), cache }
    }

    /// Seals and opens with the provider of one's choice from here on: [`TrustedRecords::seal`] and what is built over this
    /// handle. The codes of records and the root slots stay with the default provider.
    #[must_use]
    pub fn with_sealer(mut self, sealer: AnySealer) -> Self {
        self.sealer = sealer;
        self
    }

    /// Keeps at most so many bytes of records in memory, as they are stored, until something is committed; none with 0. For this store's
    /// handles from here on. 8 MiB unless told.
    #[must_use]
    pub fn with_read_cache(mut self, bytes: usize) -> Self {
        self.cache = Arc::new(ReadCache::new(bytes));
        self
    }

    pub(crate) fn read_cache(&self) -> usize {
        self.cache.most()
    }

    /// What seals and opens: values, key material, ciphertexts, page tokens.
    #[must_use]
    pub fn sealer(&self) -> AnySealer {
        self.sealer
    }

    /// The account and region the store belongs to.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.inner.realm
    }

    /// The store's id, random and made with it: what tells two stores of one realm apart.
    #[must_use]
    pub fn store_id(&self) -> &str {
        &self.inner.store.id
    }

    /// The storage below.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Records> {
        &self.inner.records
    }

    /// The records under `keys`, all of one moment. Those that were read since the last commit are known, and not read again
    /// ([`TrustedRecords::with_read_cache`]).
    ///
    /// # Errors
    /// [`ErrorKind::Tampered`] naming the record; storage errors.
    pub async fn read(&self, keys: &[Key]) -> Result<Vec<Option<TrustedRecord>>, Error> {
        let (cache, storage) = (&self.cache, &self.inner.records);
        if cache.is_off() {
            let found = storage.read(keys).await?;
            self.inner.keep_up().await?;
            return self.inner.verified(found).await;
        }
        let question = cache.ask(keys);
        let Some(fresh) = storage.read_if_changed(question.since(), keys).await? else {
            self.inner.keep_up_if_stale().await?;
            // Only a question with a token is answered so, and that had all the records.
            let missing = || Error::new(ErrorKind::Storage, "the storage gave no records");
            return question.into_known().ok_or_else(missing);
        };
        self.inner.keep_up().await?;
        let records = self.inner.verified(fresh.records).await?;
        cache.keep(&question, fresh.token, keys, &records);
        Ok(records)
    }

    /// The record under `key`, if it is the one that another record vouches for by this digest; `None` when it is another or there
    /// is none. One that is known by its digest need not be asked for.
    ///
    /// # Errors
    /// As [`TrustedRecords::read`].
    pub async fn get_vouched(&self, key: &Key, digest: &[u8; 32]) -> Result<Option<TrustedRecord>, Error> {
        if let Some(known) = self.cache.vouched(key, digest) {
            return Ok(Some(known));
        }
        Ok(self.get(key).await?.filter(|record| record.digest == *digest))
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// As [`TrustedRecords::read`].
    pub async fn get(&self, key: &Key) -> Result<Option<TrustedRecord>, Error> {
        Ok(self.read(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// A consistent view. Drop it before waiting for anything but storage.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn snapshot(&self) -> Result<TrustedSnapshot, Error> {
        let snapshot = self.inner.records.snapshot().await?;
        self.inner.keep_up().await?;
        Ok(TrustedSnapshot { inner: Arc::clone(&self.inner), snapshot })
    }

    /// Whether anything was committed: see [`Records::change_token`].
    ///
    /// # Errors
    /// Storage errors.
    pub async fn change_token(&self) -> Result<ChangeToken, Error> {
        Ok(self.inner.records.change_token().await?)
    }

    /// A batch to fill.
    #[must_use]
    pub fn batch(&self) -> TrustedBatch {
        TrustedBatch::of(&self.inner, self.sealer, Batch::new())
    }

    /// Seals something secret for `key` and nowhere else, to be given out: what is stored goes through
    /// [`TrustedBatch::put_secret`].
    ///
    /// # Errors
    /// [`ErrorKind::Crypto`].
    pub fn seal(&self, key: &Key, plaintext: &SecretBytes) -> Result<Vec<u8>, Error> {
        self.inner.seal(self.sealer, key, plaintext)
    }

    /// Opens what [`TrustedRecords::seal`] made for this key.
    ///
    /// # Errors
    /// [`ErrorKind::Tampered`] naming the record.
    pub fn unseal(&self, key: &Key, sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.inner.unseal(self.sealer, key, sealed)
    }

    /// A key of its own for `label`, the same as long as the store key is.
    ///
    /// # Errors
    /// [`ErrorKind::Crypto`].
    pub fn derive(&self, label: Label) -> Result<SecretKey, Error> {
        Ok(self.inner.keyring.current()?.seal.derive(label, self.inner.store.id.as_bytes()))
    }

    /// The roots that may open this store, oldest first.
    ///
    /// # Errors
    /// Storage errors; [`ErrorKind::Tampered`].
    pub async fn roots(&self) -> Result<Vec<RootSlot>, Error> {
        let slots = slots(&*self.inner.records).await?;
        let mut slots: Vec<RootSlot> = slots
            .iter()
            .map(|record| {
                let slot = Slot::parse(&record.key, &record.value)?;
                slot.verify(&self.inner.keyring, &self.inner.store.id)?;
                Ok(slot.describe())
            })
            .collect::<Result<_, Error>>()?;
        slots.sort_by(|one, two| (one.created, &one.id).cmp(&(two.created, &two.id)));
        Ok(slots)
    }

    /// Lets another root open this store too. One commit; no secret is touched.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSlot`] when there are 32 already; what the root itself can fail with; storage errors.
    pub async fn add_root(&self, root: RootKey, label: &str, clock: &dyn Clock) -> Result<RootSlot, Error> {
        if slots(&*self.inner.records).await?.len() >= MAX_SLOTS {
            return Err(Error::new(ErrorKind::InvalidSlot, "a store has at most 32 roots"));
        }
        let root = Resolved::new(root, true)?;
        if root.kind() == slot::RootKind::Passphrase {
            let there =
                self.roots().await?.iter().filter(|slot| slot.kind == slot::RootKind::Passphrase).count();
            if there >= MAX_PASSPHRASES {
                return Err(Error::new(ErrorKind::InvalidSlot, "a store has at most 8 passphrases"));
            }
        }
        let (slot, key, record) =
            slot::seal(&root, label, clock.now(), &self.inner.store.id, &self.inner.keyring).await?;
        self.commit(TrustedBatch::of(
            &self.inner,
            self.sealer,
            Batch::new().put(&key, record, Expect::Absent),
        ))
        .await?;
        Ok(slot)
    }

    /// Makes a recovery code, lets it open this store, and returns it: the only time it can be seen.
    ///
    /// # Errors
    /// As [`TrustedRecords::add_root`].
    pub async fn add_recovery_code(
        &self,
        label: &str,
        clock: &dyn Clock,
    ) -> Result<(RecoveryCode, RootSlot), Error> {
        let code = RecoveryCode::generate()?;
        let copy = RecoveryCode::parse(code.to_text()?.expose())?;
        let slot = self.add_root(RootKey::from(copy), label, clock).await?;
        Ok((code, slot))
    }

    /// Takes a root away. It still opens older copies of the store: see SECURITY.md.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSlot`] for an unknown slot and for the last one; [`ErrorKind::Conflict`]; storage errors.
    pub async fn remove_root(&self, id: &str) -> Result<(), Error> {
        let slots = slots(&*self.inner.records).await?;
        let key = Slot::key(id);
        let gone = slots
            .iter()
            .find(|record| record.key == key)
            .ok_or_else(|| Error::new(ErrorKind::InvalidSlot, "there is no such root").with("root", id))?;
        // A slot that somebody damaged or made up does not count as a root that stays.
        let good = |record: &&Record| {
            Slot::parse(&record.key, &record.value)
                .is_ok_and(|slot| slot.verify(&self.inner.keyring, &self.inner.store.id).is_ok())
        };
        let stays = slots.iter().filter(|record| record.key != key).find(good).ok_or_else(|| {
            Error::new(ErrorKind::InvalidSlot, "the last root cannot be removed").with("root", id)
        })?;
        // Two processes that remove the last two roots at the same time must not both succeed.
        let batch = Batch::new()
            .delete(&key, Expect::At(gone.revision))
            .check(&stays.key, Expect::At(stays.revision));
        self.commit(TrustedBatch::of(&self.inner, self.sealer, batch)).await?;
        Ok(())
    }

    /// A consistent copy of everything in a new file, opened by the same roots: see [`Records::backup`].
    ///
    /// # Errors
    /// As [`Records::backup`].
    pub async fn backup(&self, target: &Path) -> Result<(), Error> {
        Ok(self.inner.records.backup(target).await?)
    }
}

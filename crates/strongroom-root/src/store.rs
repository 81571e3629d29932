//! The store's own record and the keys everything in it hangs on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_envelope::{Label, MacKey, SecretBytes, SecretKey, random_array};
use strongroom_records::Key;
use strongroom_types::{AccountId, Realm, Region, Timestamp, hex};

use crate::feature::{is_name, is_version, unknown};
use crate::{Error, ErrorKind, Feature, UnknownMembers};

/// The newest format, which new stores have. A program refuses what is newer.
pub(crate) const NEWEST_FORMAT: u32 = 2;

/// What a store says of itself; the record `store`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) format: u32,
    pub(crate) id: String,
    account: String,
    region: String,
    created: i64,
    /// The features that a program must know, each with the version that brought it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    required: BTreeMap<String, String>,
    /// The features that a program may ignore.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    optional: BTreeMap<String, String>,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

impl Store {
    /// The first format that has a place for features.
    pub(crate) const WITH_FEATURES: u32 = 2;

    pub(crate) fn key() -> Key {
        Key::of(["store"])
    }

    pub(crate) fn new(realm: &Realm, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            format: NEWEST_FORMAT,
            id: hex(&random_array::<16>()?),
            account: realm.account().to_string(),
            region: realm.region().to_string(),
            created: now.as_millis(),
            required: BTreeMap::new(),
            optional: BTreeMap::new(),
            unknown: UnknownMembers::default(),
        })
    }

    pub(crate) fn parse(content: &[u8]) -> Result<Self, Error> {
        let incompatible = |text: &'static str| Error::new(ErrorKind::Incompatible, text);
        let unreadable = || incompatible("the store's own record is not readable");
        /// Read first, so that a newer layout is refused as newer and not as unreadable.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(content).map_err(|_| unreadable())?;
        if !(1..=NEWEST_FORMAT).contains(&version.format) {
            return Err(incompatible("the store was written by a newer version of Strongroom"));
        }
        let store: Self = serde_json::from_slice(content).map_err(|_| unreadable())?;
        // Errors show them before the record is verified.
        let plain = |(name, since): (&String, &String)| is_name(name) && is_version(since);
        if store.required.iter().chain(&store.optional).all(plain) { Ok(store) } else { Err(unreadable()) }
    }

    /// Refuses a store that requires a feature which is not among these.
    pub(crate) fn check_known(&self, known: &[Feature]) -> Result<(), Error> {
        let is_unknown = |name: &str| !known.iter().any(|feature| feature.name() == name);
        match self.required.iter().find(|(name, _)| is_unknown(name)) {
            Some((name, since)) => Err(unknown(name, since)),
            None => Ok(()),
        }
    }

    fn list(&self, feature: &Feature) -> &BTreeMap<String, String> {
        if feature.is_required() { &self.required } else { &self.optional }
    }

    /// Whether the store says that it uses the feature.
    pub(crate) fn has(&self, feature: &Feature) -> bool {
        self.list(feature).contains_key(feature.name())
    }

    /// Notes that the store uses a feature from now on.
    pub(crate) fn add(&mut self, feature: &Feature) -> Result<(), Error> {
        if self.format < Self::WITH_FEATURES {
            let text = format!(
                "the store is of format {}, which has no place for the feature \"{feature}\"; call upgrade() first",
                self.format
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let list = if feature.is_required() { &mut self.required } else { &mut self.optional };
        list.entry(feature.name().to_owned()).or_insert_with(|| feature.since().to_owned());
        Ok(())
    }

    /// The names of the features that the store uses, required ones first.
    pub(crate) fn features(&self) -> impl Iterator<Item = &str> {
        self.required.keys().chain(self.optional.keys()).map(String::as_str)
    }

    /// Whether this can be a later state of the same store: formats are only raised, and features
    /// only added.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        let keeps =
            |now: &BTreeMap<_, _>, then: &BTreeMap<String, _>| then.keys().all(|name| now.contains_key(name));
        let same =
            (&self.id, &self.account, &self.region) == (&earlier.id, &earlier.account, &earlier.region);
        same && self.format >= earlier.format
            && keeps(&self.required, &earlier.required)
            && keeps(&self.optional, &earlier.optional)
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| {
            Error::new(ErrorKind::Storage, "the store's own record cannot be written").because(error)
        })
    }

    pub(crate) fn realm(&self) -> Result<Realm, Error> {
        let damaged =
            |error| Error::new(ErrorKind::Tampered, "the store's own record names no realm").because(error);
        let account = AccountId::parse(&self.account).map_err(damaged)?;
        let region = Region::parse(&self.region).map_err(damaged)?;
        Ok(Realm::new(account, region))
    }
}

/// The store key and what is derived from it. Several generations ("epochs") can be at hand while a store is re-keyed.
#[derive(Debug)]
pub(crate) struct Keyring {
    /// Newest last; never empty.
    epochs: Vec<Epoch>,
}

#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    store_key: SecretKey,
    pub(crate) mac: MacKey,
    pub(crate) seal: SecretKey,
}

impl Epoch {
    fn new(number: u32, store_key: SecretKey) -> Self {
        let mac = MacKey::derived(&store_key, Label::new("strongroom-mac"));
        let seal = store_key.derive(Label::new("strongroom-mat"), b"");
        Self { number, store_key, mac, seal }
    }
}

impl Keyring {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self { epochs: vec![Epoch::new(1, SecretKey::generate()?)] })
    }

    /// `count (1)`, then for each epoch `number u32 || key (32)`.
    pub(crate) fn to_bytes(&self) -> SecretBytes {
        let mut bytes = SecretBytes::with_capacity(1 + self.epochs.len() * 36);
        bytes.extend_from_slice(&[u8::try_from(self.epochs.len()).unwrap_or(u8::MAX)]);
        for epoch in &self.epochs {
            bytes.extend_from_slice(&epoch.number.to_be_bytes());
            bytes.extend_from_slice(epoch.store_key.expose());
        }
        bytes
    }

    pub(crate) fn parse(bytes: &SecretBytes) -> Result<Self, Error> {
        let damaged =
            || Error::new(ErrorKind::Incompatible, "the root slot holds no keyring this version knows");
        let (&count, rest) = bytes.expose().split_first().ok_or_else(damaged)?;
        let (entries, left) = rest.as_chunks::<36>();
        if entries.is_empty() || entries.len() != usize::from(count) || !left.is_empty() {
            return Err(damaged());
        }
        let epoch = |entry: &[u8; 36]| {
            let (number, key) = entry.split_first_chunk::<4>().ok_or_else(damaged)?;
            Ok(Epoch::new(u32::from_be_bytes(*number), SecretKey::from_bytes(SecretBytes::copy_from(key))?))
        };
        Ok(Self { epochs: entries.iter().map(epoch).collect::<Result<_, Error>>()? })
    }

    /// These and a new one, under which everything is written from then on.
    pub(crate) fn grown(&self) -> Result<Self, Error> {
        let number = self.current()?.number;
        let next = number.checked_add(1).ok_or_else(|| {
            Error::new(ErrorKind::Incompatible, "the store has had all the store keys that it can have")
        })?;
        let mut epochs: Vec<_> =
            self.epochs.iter().map(|epoch| Epoch::new(epoch.number, epoch.store_key.duplicate())).collect();
        epochs.push(Epoch::new(next, SecretKey::generate()?));
        Ok(Self { epochs })
    }

    /// The newest alone.
    pub(crate) fn newest(&self) -> Result<Self, Error> {
        let newest = self.current()?;
        Ok(Self { epochs: vec![Epoch::new(newest.number, newest.store_key.duplicate())] })
    }

    /// What new records are written under.
    pub(crate) fn current(&self) -> Result<&Epoch, Error> {
        self.epochs.last().ok_or_else(|| Error::new(ErrorKind::Crypto, "the keyring is empty"))
    }

    pub(crate) fn epochs(&self) -> impl Iterator<Item = &Epoch> {
        self.epochs.iter()
    }

    pub(crate) fn epoch(&self, number: u32) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.number == number)
    }
}

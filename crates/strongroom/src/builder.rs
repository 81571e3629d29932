//! Opening a strongroom.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_engine::{Engine, EngineLimits};
use strongroom_envelope::{AnySealer, Provider};
use strongroom_iam::{Iam, OtherAccounts};
use strongroom_kms::Kms;
use strongroom_local_kms::LocalKms;
use strongroom_policy::Authorizer;
use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_types::{AccountId, CallContext, Clock, PurgePermit, Realm, Region, Service, SystemClock};

use crate::access::Access;
use crate::housekeeper::{Housekeeper, Housekeeping, closing};
use crate::maintain::keep_house;
use crate::room::{Parts, opened};
use crate::{Error, ErrorKind, Strongroom};

/// The database's name inside a directory.
#[cfg(feature = "sqlite")]
pub(crate) const DATABASE: &str = "records.sqlite3";

/// Where a strongroom is stored and what opens it. Made by [`Strongroom::builder`].
pub struct Builder {
    storage: StorageChoice,
    root: Option<RootKey>,
    account: Option<AccountId>,
    region: Option<Region>,
    clock: Arc<dyn Clock>,
    limits: EngineLimits,
    existing: bool,
    upgrade: bool,
    kms: Option<Arc<dyn Kms>>,
    directory: Option<Result<Iam, Error>>,
    others: Option<Arc<dyn OtherAccounts>>,
    sealer: AnySealer,
    housekeeping: Option<Housekeeping>,
    housekeeper: Option<Housekeeper>,
}

enum StorageChoice {
    None,
    #[cfg(feature = "sqlite")]
    Directory(PathBuf),
    Records(Arc<dyn Records>),
}

impl StorageChoice {
    /// The directory, for people to find.
    fn place(&self) -> Option<String> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Directory(directory) => Some(directory.display().to_string()),
            Self::None | Self::Records(_) => None,
        }
    }
}

impl Strongroom {
    /// Begins to open a strongroom.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    fn new() -> Self {
        Self {
            storage: StorageChoice::None,
            root: None,
            account: None,
            region: None,
            clock: Arc::new(SystemClock),
            limits: EngineLimits::default(),
            existing: false,
            upgrade: false,
            kms: None,
            directory: None,
            others: None,
            sealer: AnySealer::default(),
            housekeeping: None,
            housekeeper: None,
        }
    }

    /// Opens only an existing strongroom: an empty or missing place is an error instead of a new,
    /// empty strongroom. For restores, and for programs that must not start afresh because of a
    /// mistyped path.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// Upgrades an older strongroom to the newest format while opening it: see
    /// [`Strongroom::upgrade`]. Without this it keeps its format, and older programs go on using it.
    #[must_use]
    pub fn upgrade(mut self) -> Self {
        self.upgrade = true;
        self
    }

    /// Encrypts and decrypts with the primitives of this provider instead of the pure Rust ones:
    /// with the feature `aws-lc-rs`, `provider::<strongroom::envelope::AwsLc>()`. The bytes are the
    /// same, so a strongroom can be opened with one provider today and another tomorrow. The
    /// feature alone changes nothing.
    #[must_use]
    pub fn provider<P: Provider>(mut self) -> Self {
        self.sealer = AnySealer::of::<P>();
        self
    }

    /// Encrypts secrets under the keys of this service instead of the strongroom's own. Each secret
    /// then names its key ([`Create::key`](crate::request::Create::key)), unless the service's
    /// handle acts for Secrets Manager.
    #[must_use]
    pub fn kms(mut self, kms: Arc<dyn Kms>) -> Self {
        self.kms = Some(kms);
        self
    }

    /// Shares the users and roles of another strongroom, which stores them for both: for the other
    /// regions of an account.
    #[must_use]
    pub fn identities_of(mut self, room: &Strongroom) -> Self {
        self.directory = Some(room.iam().directory().cloned());
        self
    }

    /// Looks up callers from other accounts, and the users and roles there that policies name, in
    /// those accounts' own directories: for programs with several accounts. Without it they are
    /// looked up in this strongroom's own directory (`Iam::of_account`).
    #[must_use]
    pub fn other_accounts(mut self, others: Arc<dyn OtherAccounts>) -> Self {
        self.others = Some(others);
        self
    }

    /// Stores everything in a SQLite file in this directory, which is created (mode 0700) if it
    /// does not exist.
    ///
    /// Several processes may open the same directory. Keep the root key somewhere else.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.storage = StorageChoice::Directory(directory.into());
        self
    }

    /// Stores everything in memory, until the last handle is dropped.
    #[must_use]
    pub fn memory(self) -> Self {
        self.records(Arc::new(MemoryRecords::new()))
    }

    /// Stores everything in storage of your own.
    #[must_use]
    pub fn records(mut self, records: Arc<dyn Records>) -> Self {
        self.storage = StorageChoice::Records(records);
        self
    }

    /// What opens the strongroom. Required.
    #[must_use]
    pub fn root_key(mut self, root: impl Into<RootKey>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// The AWS account in ARNs. An existing strongroom must have this one; without this call, a new
    /// one gets `000000000000`.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// The AWS region in ARNs. An existing strongroom must have this one; without this call, a new
    /// one gets `us-east-1`.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Where the time comes from. Default: the operating system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The quotas of secrets. Default: AWS's.
    #[must_use]
    pub fn limits(mut self, limits: EngineLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps house by itself as long as there is a handle: what [`Strongroom::maintain`] does, every
    /// minute or as told, in the background.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use strongroom::{Housekeeping, RootKey, Strongroom};
    /// # tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(async {
    /// let runtime = tokio::runtime::Handle::current();
    /// let housekeeping = Housekeeping::new(
    ///     Arc::new(move |task| drop(runtime.spawn(task))),
    ///     Arc::new(|time| Box::pin(tokio::time::sleep(time))),
    /// )
    /// .on_event(|event| eprintln!("{event}"));
    /// let room = Strongroom::builder()
    ///     .memory()
    ///     .root_key(RootKey::from_bytes([1; 32]))
    ///     .housekeeping(housekeeping)
    ///     .open()
    ///     .await?;
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn housekeeping(mut self, housekeeping: Housekeeping) -> Self {
        self.housekeeping = Some(housekeeping);
        self
    }

    /// The strongroom's housekeeper, which knows more of the clock than a new one would: for
    /// strongrooms that are opened and closed while a process runs.
    #[must_use]
    pub(crate) fn kept_by(mut self, housekeeper: Housekeeper) -> Self {
        self.housekeeper = Some(housekeeper);
        self
    }

    /// Opens the strongroom, or creates it if there is none. The handle acts as the account's
    /// owner.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the place or the root key is not set; [`ErrorKind::Root`] for a
    /// wrong or missing key, another account or region, a newer or damaged store, and storage that
    /// cannot be opened. Then nothing is changed. The error names the directory.
    pub async fn open(self) -> Result<Strongroom, Error> {
        let place = self.storage.place();
        let opened = self.open_there().await;
        match place {
            Some(directory) => opened.map_err(|error| error.with("directory", directory)),
            None => opened,
        }
    }

    async fn open_there(self) -> Result<Strongroom, Error> {
        let setup = |text: &'static str| Error::new(ErrorKind::Setup, text);
        if self.housekeeping.as_ref().is_some_and(|housekeeping| housekeeping.every.is_zero()) {
            return Err(setup("every: housekeeping waits some time between two ticks, not none"));
        }
        let root = self.root.ok_or_else(|| setup("say what opens the strongroom: call root_key(..)"))?;
        let records: Arc<dyn Records> = match self.storage {
            StorageChoice::None => {
                return Err(setup(
                    "say where the strongroom is kept: call directory(..), memory() or records(..)",
                ));
            }
            #[cfg(feature = "sqlite")]
            StorageChoice::Directory(directory) => {
                if self.existing && !directory.join(DATABASE).is_file() {
                    return Err(no_store());
                }
                open_directory(&directory).await?
            }
            StorageChoice::Records(records) => records,
        };
        if self.existing && stored_realm(&*records).await?.is_none() {
            return Err(no_store());
        }
        // One of the two given means: the other as stored, or the default in a new store.
        let realm = match (self.account, self.region) {
            (None, None) => None,
            (account, region) => {
                let stored = stored_realm(&*records).await?.unwrap_or_default();
                Some(Realm::new(
                    account.unwrap_or(stored.account()),
                    region.unwrap_or_else(|| stored.region().clone()),
                ))
            }
        };
        let records =
            TrustedRecords::open(records, root, realm.as_ref(), &*self.clock).await?.with_sealer(self.sealer);
        if self.upgrade {
            records.upgrade().await?;
        }
        let iam = match self.directory {
            Some(directory) => directory?,
            None => Iam::new(records.clone(), Arc::clone(&self.clock)),
        };
        let iam = match self.others {
            Some(others) => iam.among(others),
            None => iam,
        };
        let authorizer: Arc<dyn Authorizer> = Arc::new(iam.clone());
        let kms =
            LocalKms::new(records.clone(), Arc::clone(&self.clock)).authorized_by(Arc::clone(&authorizer));
        let housekeeper = housekeeper(self.housekeeper, self.housekeeping.as_ref(), &self.clock);
        let permit: Arc<dyn PurgePermit> = Arc::new(housekeeper.clone());
        let kms = kms.purging_by(Arc::clone(&permit));
        let own = kms.for_service(Service::SecretsManager);
        let (service, known): (Arc<dyn Kms>, _) = match self.kms {
            Some(other) => (other, None),
            None => (Arc::new(own.clone()), Some(own)),
        };
        let engine = Engine::with_limits(records.clone(), service, Arc::clone(&self.clock), self.limits)
            .authorized_by(authorizer)
            .purging_by(permit);
        let owner = CallContext::owner(records.realm());
        let access = Access::new(engine.clone(), known, iam.clone());
        let chores = engine.chores().into_iter().chain(kms.chores()).collect();
        let (closing, closed) = closing();
        let closing = self.housekeeping.is_some().then_some(closing);
        let parts =
            Parts { records, kms, iam, access, clock: self.clock, chores, housekeeper, _closing: closing };
        let parts = Arc::new(parts);
        if let Some(housekeeping) = &self.housekeeping {
            keep_house(Arc::downgrade(&parts), closed, housekeeping);
        }
        Ok(opened(parts, engine, owner))
    }
}

/// The given housekeeper if there is one and it goes by the strongroom's clock, or else a new one.
fn housekeeper(
    given: Option<Housekeeper>,
    housekeeping: Option<&Housekeeping>,
    clock: &Arc<dyn Clock>,
) -> Housekeeper {
    let on_event = housekeeping.and_then(|housekeeping| housekeeping.on_event.clone());
    match (given.filter(|given| given.goes_by(clock)), on_event) {
        (Some(given), None) => given,
        (Some(given), Some(on_event)) => given.beside(on_event),
        (None, on_event) => Housekeeper::build(Arc::clone(clock), on_event),
    }
}

pub(crate) fn no_store() -> Error {
    let kind = ErrorKind::Root(strongroom_root::ErrorKind::NoStore);
    Error::new(kind, "there is no strongroom here; leave out existing() to make one")
}

/// The realm an existing store says it has; verified when it is opened.
async fn stored_realm(records: &dyn Records) -> Result<Option<Realm>, Error> {
    Ok(TrustedRecords::peek_realm(records).await?)
}

#[cfg(feature = "sqlite")]
pub(crate) async fn open_directory(directory: &Path) -> Result<Arc<dyn Records>, Error> {
    make_directory(directory).map_err(|error| {
        Error::new(ErrorKind::Root(strongroom_root::ErrorKind::InvalidPath), "the directory cannot be made")
            .with("reason", &error)
            .because(error)
    })?;
    let records = strongroom_sqlite::SqliteRecords::open(directory.join(DATABASE))
        .await
        .map_err(strongroom_root::Error::from)?;
    Ok(Arc::new(records))
}

/// Creates the directory and those above it that are missing, each on the disk under its name
/// before anything is stored: SQLite syncs the directory of its files, but not the one above.
#[cfg(feature = "sqlite")]
fn make_directory(directory: &Path) -> std::io::Result<()> {
    let directory = std::path::absolute(directory)?;
    let missing: Vec<_> = directory.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&directory)?;
    #[cfg(unix)]
    for parent in missing.iter().filter_map(|made| made.parent()) {
        std::fs::File::open(parent)?.sync_all()?;
    }
    // The program itself may have created it a moment ago. If its parent is closed to us, it did
    // not.
    #[cfg(unix)]
    if let Some(parent) = directory.parent().filter(|_| missing.is_empty()) {
        let _ = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
    }
    Ok(())
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage: &dyn fmt::Debug = match &self.storage {
            StorageChoice::None => &"nowhere",
            #[cfg(feature = "sqlite")]
            StorageChoice::Directory(directory) => directory,
            StorageChoice::Records(records) => records,
        };
        f.debug_struct("Builder").field("storage", storage).field("root", &self.root).finish_non_exhaustive()
    }
}

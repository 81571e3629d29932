//! Making a server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom::strongrooms::{DirectoryLock, Regions, Strongrooms};
use strongroom::{AccountId, Clock, Error, Region, Strongroom};
use strongroom_envelope::SecretText;
use strongroom_http::{Connection, Hosts, HttpServer, INSANE_CLOCK, Limits, clock_is_sane};

use crate::access_log::AccessLog;
use crate::housekeeping::{self, Housekeeping};
use crate::opening::{Opening, Place};
use crate::server::Inner;
use crate::setup::setup;
use crate::sigv4::SigningKeys;
use crate::wire_call::CallObserver;
use crate::{Server, owner_key};

/// The longest body, in bytes: a secret of 65,536 bytes in base64 and what is around it, several
/// times.
const MAX_BODY: usize = 1024 * 1024;
/// How long a call may take, unless the builder says otherwise.
const DEADLINE: Duration = Duration::from_secs(30);

/// Says what a server serves. Made by [`Server::builder`].
pub struct ServerBuilder {
    opening: Opening,
    credentials: Option<PathBuf>,
    hosts: Hosts,
    owner_key: Option<(String, SecretText)>,
    accept_any: bool,
    limits: Limits,
    deadline: Duration,
    observers: Vec<Box<dyn CallObserver>>,
    housekeeping: Option<Duration>,
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("place", &self.opening.place).finish_non_exhaustive()
    }
}

impl Server {
    /// By default a server in memory, of account `000000000000`, with its identities in
    /// `us-east-1`.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        let opening = Opening {
            place: Place::Memory,
            account: None,
            region: None,
            regions: None,
            existing: false,
            clock: None,
        };
        ServerBuilder {
            opening,
            credentials: None,
            hosts: Hosts::default(),
            owner_key: None,
            accept_any: false,
            limits: Limits::new().max_body(MAX_BODY),
            deadline: DEADLINE,
            observers: vec![Box::new(AccessLog)],
            housekeeping: Some(housekeeping::EVERY),
        }
    }
}

impl ServerBuilder {
    /// Keeps everything below this directory, a strongroom for each account and region, under the
    /// root key in this file. The server reads the file once, when it opens. It makes the file only
    /// if neither the file nor anything in the directory exists.
    ///
    /// The directory remembers its account, its identity region, and which strongrooms it holds.
    /// The server never makes a lost strongroom anew.
    #[must_use]
    pub fn directory(mut self, data: impl Into<PathBuf>, root_key: impl Into<PathBuf>) -> Self {
        self.opening.place =
            Place::Directory { data: data.into(), root_key: root_key.into(), shared_key: false };
        self
    }

    /// Accepts a root key file that everyone on the machine or in the container may read: see
    /// `RootKey::shared_file`. The server never makes such a file.
    #[must_use]
    pub fn shared_root_key(mut self) -> Self {
        if let Place::Directory { shared_key, .. } = &mut self.opening.place {
            *shared_key = true;
        }
        self
    }

    /// Serves these strongrooms, which a program opened itself: with storage, a key service, a cache
    /// or a store of its own. Account, region, regions and clock are theirs.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use strongroom::strongrooms::Strongrooms;
    /// use strongroom::{Realm, Region, Strongroom};
    /// use strongroom_server::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let other = Strongroom::builder().memory().root_key(strongroom::RootKey::generate()?).open().await?;
    /// # let store = other.store();
    /// // Any SecretStore: AWS's, a decorated one, one of your own.
    /// let realm = Realm::new(Realm::default().account(), Region::parse("eu-west-1")?);
    /// let rooms = Strongrooms::builder().memory().room(Strongroom::over(store, realm)).open().await?;
    ///
    /// // Secrets of eu-west-1 are asked for there; all other regions are in memory.
    /// let server = Server::builder().strongrooms(rooms).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn strongrooms(mut self, rooms: Strongrooms) -> Self {
        self.opening.place = Place::Given(rooms);
        self
    }

    /// The regions that are served, besides the one that keeps identities. Default: AWS's public
    /// regions and those in which the data directory already has a strongroom. A request for another
    /// region is refused with `InvalidSignatureException` before anything else is looked at.
    #[must_use]
    pub fn regions(mut self, regions: Regions) -> Self {
        self.opening.regions = Some(regions);
        self
    }

    /// Opens only a data directory that already holds a strongroom.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.opening.existing = true;
        self
    }

    /// The account that access keys belong to. Default: that of the data directory, or
    /// `000000000000` for a new one.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.opening.account = Some(account);
        self
    }

    /// The region that keeps identities. Default: that of the data
    /// directory, or `us-east-1` for a new one.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.opening.region = Some(region);
        self
    }

    /// Keeps the owner's access key in this file (mode 0600), in the format of AWS's shared
    /// credentials file. Without a file, each start makes a fresh key, which replaces the one from
    /// the last start. A key in the file that has been revoked stays revoked: the server then
    /// starts without a key, and says so in the log.
    #[must_use]
    pub fn credentials_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.credentials = Some(file.into());
        self
    }

    /// Accepts this host name in requests without TLS, besides addresses and `localhost`. The
    /// server refuses other names, because a web page could have pointed its own name at this
    /// machine. Over TLS it accepts every name.
    #[must_use]
    pub fn allow_host(mut self, name: &str) -> Self {
        self.hosts.allow(name);
        self
    }

    /// Where the time comes from. Default: the operating system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.opening.clock = Some(clock);
        self
    }

    /// Sets the owner's access key, instead of one in a file or a fresh one. It replaces the key
    /// that was given this way before.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>, secret: SecretText) -> Self {
        self.owner_key = Some((id.into(), secret));
        self
    }

    /// Takes any credentials: signatures that do not fit are those of the root of the account that
    /// the access key id names in twelve digits, or else of the server's. For test suites only, and
    /// only where nobody else can reach the server.
    #[must_use]
    pub fn accept_any_credentials(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// How long a client may take for a handshake, a request's head, its body; and the least time
    /// that a connection is kept without being used. Default: thirty seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.limits = self.limits.patience(patience);
        self
    }

    /// How long a call may take from the moment its request has arrived whole. After that it gives
    /// up instead of trying again, and the client is told so. Default: thirty seconds.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Tells this observer of every request too.
    #[cfg(test)]
    pub(crate) fn observed_by(mut self, observer: impl CallObserver + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// How often housekeeping is done in every strongroom that is kept, opened or not: secrets and
    /// keys past their date are purged, and it is written down when secrets were last read. `None`
    /// leaves it to the program ([`Strongrooms::maintain`]): nothing that was scheduled for deletion is
    /// deleted by itself then. Default: ten minutes, and once soon after the start.
    #[must_use]
    pub fn housekeeping(mut self, every: Option<Duration>) -> Self {
        self.housekeeping = every;
        self
    }

    /// Opens what there is, and begins housekeeping on a thread of its own.
    ///
    /// # Errors
    /// As `strongroom::Builder::open`. Also if the account or identity region is not the data
    /// directory's, if a strongroom that the directory lists is gone, if others may read the
    /// credentials file, if the access key is already in use for something else, or if the system
    /// clock is outside the years 1970 to 9999.
    pub async fn open(self) -> Result<Server, Error> {
        if !clock_is_sane() {
            return Err(setup(INSANE_CLOCK));
        }
        if self.housekeeping == Some(Duration::ZERO) {
            return Err(setup("housekeeping: the time between two rounds is zero"));
        }
        // Reports what is wrong with the file before anything is made.
        let known = owner_key::Known::read(self.owner_key, self.credentials)?;
        let starting = self.opening.start().await?;
        let home = starting.rooms.identities(starting.rooms.home().account()).await?;
        let owner_key = owner_key::settle(&home, starting.new, known).await?;
        let housekeeping = match self.housekeeping {
            Some(every) => Some(
                Housekeeping::start(starting.rooms.clone(), every)
                    .map_err(|error| setup("the thread for housekeeping cannot start").because(error))?,
            ),
            None => None,
        };
        let inner = Inner {
            rooms: starting.rooms,
            memory: starting.memory,
            _housekeeping: housekeeping,
            owner_key,
            hosts: self.hosts,
            accept_any: self.accept_any,
            deadline: self.deadline,
            observers: self.observers,
            signing_keys: SigningKeys::default(),
            http: HttpServer::new(self.limits),
        };
        Ok(Server { inner: Arc::new(inner), connection: Arc::new(Connection::new()) })
    }

    /// Opens the strongroom that keeps the server's identities, as the owner, without serving
    /// anything: for tools. Another process may be serving it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_identities(self) -> Result<Identities, Error> {
        let starting = self.opening.start().await?;
        let room = starting.rooms.identities(starting.rooms.home().account()).await?;
        Ok(Identities { room, _rooms: starting.rooms, _lock: starting.lock })
    }
}

/// The strongroom that keeps a server's identities. While this value lives, no other tool can work
/// on the directory and no server can start on it. Servers that already run continue.
#[derive(Debug)]
pub struct Identities {
    room: Strongroom,
    /// For the directories of other accounts.
    _rooms: Strongrooms,
    _lock: Option<DirectoryLock>,
}

impl Identities {
    /// The strongroom, as the owner.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }
}

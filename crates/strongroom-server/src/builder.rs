//! Builds a server.

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

/// The maximum length of a body, in bytes: several times a secret of 65,536 bytes in base64.
const MAX_BODY: usize = 1024 * 1024;
/// The default time limit of a call.
const DEADLINE: Duration = Duration::from_secs(30);

/// Configures a [`Server`]. Created by [`Server::builder`].
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
    /// Creates a builder. By default, the server stores everything in memory, for account
    /// `000000000000`, with users and roles in `us-east-1`.
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
    /// Stores everything below the directory `data`, one strongroom per account and region,
    /// encrypted under the root key in the file `root_key`. The server reads the file once, when it
    /// opens. It creates the file only if the file does not exist and the directory is empty.
    ///
    /// The directory records its account, its identity region, and which strongrooms it holds. The
    /// server never recreates a strongroom that has been lost.
    #[must_use]
    pub fn directory(mut self, data: impl Into<PathBuf>, root_key: impl Into<PathBuf>) -> Self {
        self.opening.place =
            Place::Directory { data: data.into(), root_key: root_key.into(), shared_key: false };
        self
    }

    /// Accepts a root key file that every user on the machine or in the container can read: see
    /// `RootKey::shared_file`. The server never creates such a file.
    #[must_use]
    pub fn shared_root_key(mut self) -> Self {
        if let Place::Directory { shared_key, .. } = &mut self.opening.place {
            *shared_key = true;
        }
        self
    }

    /// Serves strongrooms that the program opened itself, with custom storage, key service, cache
    /// or secret store. They determine account, region, regions and clock.
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
    /// // Any SecretStore: AWS's, a decorated one, or a custom one.
    /// let realm = Realm::new(Realm::default().account(), Region::parse("eu-west-1")?);
    /// let rooms = Strongrooms::builder().memory().room(Strongroom::over(store, realm)).open().await?;
    ///
    /// // Requests for secrets in eu-west-1 go to `store`; all other regions are in memory.
    /// let server = Server::builder().strongrooms(rooms).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn strongrooms(mut self, rooms: Strongrooms) -> Self {
        self.opening.place = Place::Given(rooms);
        self
    }

    /// The regions to serve, in addition to the identity region. Default: AWS's public regions and
    /// those for which the data directory already has a strongroom. A request for another region is
    /// refused with `InvalidSignatureException` before its signature is verified.
    #[must_use]
    pub fn regions(mut self, regions: Regions) -> Self {
        self.opening.regions = Some(regions);
        self
    }

    /// Fails to open unless the data directory already holds a strongroom.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.opening.existing = true;
        self
    }

    /// The account of the owner. Default: the data directory's, or `000000000000` for a new one.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.opening.account = Some(account);
        self
    }

    /// The identity region, which stores users, roles and policies. Default: the data directory's,
    /// or `us-east-1` for a new one.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.opening.region = Some(region);
        self
    }

    /// Stores the owner's access key in this file (mode 0600), in the format of AWS's shared
    /// credentials file. Without a file, each start creates a new key, which replaces the previous
    /// start's. A key in the file that has been revoked stays revoked: the server then starts
    /// without a key and logs a warning.
    #[must_use]
    pub fn credentials_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.credentials = Some(file.into());
        self
    }

    /// Accepts this host name in requests without TLS, in addition to IP addresses and `localhost`.
    /// The server refuses other names, because a web page could have pointed its own name at this
    /// machine (DNS rebinding). Over TLS it accepts every name.
    #[must_use]
    pub fn allow_host(mut self, name: &str) -> Self {
        self.hosts.allow(name);
        self
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.opening.clock = Some(clock);
        self
    }

    /// Sets the owner's access key, instead of one from a file or a new one. It replaces the key
    /// that was set this way before.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>, secret: SecretText) -> Self {
        self.owner_key = Some((id.into(), secret));
        self
    }

    /// Accepts any credentials. A request whose signature does not verify acts as the root of the
    /// account that its access key id names in twelve digits, otherwise of the server's account.
    /// For test suites only, and only where nobody else can reach the server.
    #[must_use]
    pub fn accept_any_credentials(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// How long a client may take for a handshake, for a request's head, and for its body. An idle
    /// connection is closed after this long at the earliest and twice this long at the latest.
    /// Default: 30 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.limits = self.limits.patience(patience);
        self
    }

    /// How long a call may take after its request has been read completely. After that it fails
    /// instead of retrying. Default: 30 seconds.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Adds an observer of every request.
    #[cfg(test)]
    pub(crate) fn observed_by(mut self, observer: impl CallObserver + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// The interval of housekeeping, which runs in every stored strongroom, open or not. It purges
    /// secrets and keys past their deletion date, and records when secrets were last read. With
    /// `None`, nothing scheduled for deletion is purged until the program calls
    /// [`Strongrooms::maintain`]. Default: ten minutes, with a first round soon after the start.
    #[must_use]
    pub fn housekeeping(mut self, every: Option<Duration>) -> Self {
        self.housekeeping = every;
        self
    }

    /// Opens the storage and starts housekeeping on a dedicated thread.
    ///
    /// # Errors
    /// As `strongroom::Builder::open`. Also if the account or identity region is not the data
    /// directory's, if a strongroom that the directory lists is missing, if other users can read
    /// the credentials file, if the access key id is already in use for something else, or if the
    /// system clock is outside the years 1970 to 9999.
    pub async fn open(self) -> Result<Server, Error> {
        if !clock_is_sane() {
            return Err(setup(INSANE_CLOCK));
        }
        if self.housekeeping == Some(Duration::ZERO) {
            return Err(setup("housekeeping: the interval is zero"));
        }
        // Reports errors in the file before anything is created.
        let known = owner_key::Known::read(self.owner_key, self.credentials)?;
        let starting = self.opening.start().await?;
        let home = starting.rooms.identities(starting.rooms.home().account()).await?;
        let owner_key = owner_key::settle(&home, starting.new, known).await?;
        let housekeeping = match self.housekeeping {
            Some(every) => Some(
                Housekeeping::start(starting.rooms.clone(), every)
                    .map_err(|error| setup("failed to start the housekeeping thread").because(error))?,
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

    /// Opens the strongroom that stores the server's identities, as the owner, without serving
    /// anything. For tools. Another process can be serving the same directory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_identities(self) -> Result<Identities, Error> {
        let starting = self.opening.start().await?;
        let room = starting.rooms.identities(starting.rooms.home().account()).await?;
        Ok(Identities { room, _rooms: starting.rooms, _lock: starting.lock })
    }
}

/// The strongroom that stores a server's identities. While this value lives, no other tool can open
/// the directory and no server can start on it. Servers that already run are not affected.
#[derive(Debug)]
pub struct Identities {
    room: Strongroom,
    /// Keeps the directories of other accounts available.
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

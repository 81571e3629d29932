//! Making a server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom::{AccountId, Clock, Error, KeyOrigin, Realm, Region, SystemClock};
use strongroom_envelope::SecretText;

use crate::Server;
use crate::request_id::RequestIds;
use crate::rooms::{Place, Rooms};
use crate::server::Inner;
use crate::service::PATIENCE;
use crate::sigv4::SigningKeys;

/// Says what a server serves. Made by [`Server::builder`].
pub struct ServerBuilder {
    place: Place,
    account: AccountId,
    region: Region,
    clock: Arc<dyn Clock>,
    owner_key: Option<(String, SecretText)>,
    accept_any: bool,
    patience: Duration,
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Server {
    /// A server in memory, of account `000000000000`, at home in `us-east-1`, unless told.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            place: Place::Memory,
            account: AccountId::DEFAULT,
            region: Region::default(),
            clock: Arc::new(SystemClock),
            owner_key: None,
            accept_any: false,
            patience: PATIENCE,
        }
    }
}

impl ServerBuilder {
    /// Keeps everything below this directory, a strongroom for each account and region, under the root key in this file, which is made
    /// when there is none.
    #[must_use]
    pub fn directory(mut self, data: impl Into<PathBuf>, root_key: impl Into<PathBuf>) -> Self {
        self.place = Place::Directory { data: data.into(), root_key: root_key.into() };
        self
    }

    /// The account that access keys belong to.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = account;
        self
    }

    /// The region in which identities are kept. All regions are served.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// Where the time comes from. Default: the operating system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The owner's access key. A fresh one unless given.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>, secret: SecretText) -> Self {
        self.owner_key = Some((id.into(), secret));
        self
    }

    /// Takes any credentials: signatures that do not fit are those of the root of the account that the access key id names in twelve
    /// digits, or else of the server's. For test suites only, and only where nobody else can reach the server.
    #[must_use]
    pub fn accept_any_credentials(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// How long a client may take for a handshake, a request's head, its body; and the least time that a connection is kept without being
    /// used. Default: thirty seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Opens what there is.
    ///
    /// # Errors
    /// As `strongroom::Builder::open`; an access key that stands for something else already.
    pub async fn open(self) -> Result<Server, Error> {
        let home = Realm::new(self.account, self.region);
        let rooms = Rooms::new(self.place, home, self.clock);
        let room = rooms.home_of(self.account).await?;
        let (owner_key, origin) = match self.owner_key {
            Some(given) => (given, KeyOrigin::Environment),
            None => {
                let iam = room.iam();
                let put = iam.directory()?.put_owner_access_key(room.context(), KeyOrigin::Server, None);
                let made = put.await?;
                ((made.id, made.secret), KeyOrigin::Server)
            }
        };
        let inner = Inner {
            rooms,
            owner_key,
            owner_key_origin: origin,
            accept_any: self.accept_any,
            patience: self.patience,
            signing_keys: SigningKeys::default(),
            request_ids: RequestIds::new(),
        };
        let server = Server { inner: Arc::new(inner), peer: None, secure: false };
        server.admit_owner().await?;
        Ok(server)
    }
}

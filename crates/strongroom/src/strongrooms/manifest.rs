//! The manifest of a data directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_root::UnknownMembers;
use strongroom_types::{AccountId, Realm, Region, hex};

use super::setup::setup;
use crate::Error;

/// A data directory's account and home region, and the strongrooms that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// Random. Identifies the directory: another directory at the same path has another id.
    id: String,
    account: String,
    /// The region whose strongrooms store users and roles.
    identity_region: String,
    /// Each strongroom as `ACCOUNT/REGION`.
    strongrooms: BTreeSet<String>,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

fn name(realm: &Realm) -> String {
    format!("{}/{}", realm.account(), realm.region())
}

impl Manifest {
    const FORMAT: u32 = 1;

    pub(super) fn new(home: &Realm) -> Result<Self, Error> {
        let id = strongroom_envelope::random_array::<16>()
            .map_err(|error| setup("the operating system returned no random bytes").because(error))?;
        Ok(Self {
            format: Self::FORMAT,
            id: hex(&id),
            account: home.account().to_string(),
            identity_region: home.region().to_string(),
            strongrooms: BTreeSet::new(),
            unknown: UnknownMembers::default(),
        })
    }

    /// Whether this is a later state of the same directory's manifest.
    pub(super) fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.id, &self.account, &self.identity_region)
            == (&other.id, &other.account, &other.identity_region)
    }

    /// Whether nothing was ever stored in the directory: its first start did not finish.
    pub(super) fn is_empty(&self) -> bool {
        self.strongrooms.is_empty()
    }

    pub(super) fn home(&self) -> Result<Realm, Error> {
        let damaged = |error| setup("the data directory's manifest is damaged").because(error);
        let account = AccountId::parse(&self.account).map_err(damaged)?;
        Ok(Realm::new(account, Region::parse(&self.identity_region).map_err(damaged)?))
    }

    pub(super) fn lists(&self, realm: &Realm) -> bool {
        self.strongrooms.contains(&name(realm))
    }

    pub(super) fn add(&mut self, realm: &Realm) {
        self.strongrooms.insert(name(realm));
    }

    /// Checks that the account and region, if given, are the directory's.
    pub(super) fn check(&self, account: Option<AccountId>, region: Option<&Region>) -> Result<(), Error> {
        let differs = |what: &str, actual: &str, given: &str| {
            Err(setup(format!(
                "the data directory belongs to {what} {actual}, not {given}; leave out the option, or use another data directory"
            )))
        };
        if let Some(account) = account.filter(|account| account.as_str() != self.account) {
            return differs("account", &self.account, account.as_str());
        }
        match region.filter(|region| region.as_str() != self.identity_region) {
            Some(region) => differs("identity region", &self.identity_region, region.as_str()),
            None => Ok(()),
        }
    }

    /// Whether this version can read the manifest.
    pub(super) fn is_known(&self) -> bool {
        self.format == Self::FORMAT
    }
}

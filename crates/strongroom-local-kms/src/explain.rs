//! Why a caller may use a key, or not; and who else is named. Reads only, and makes no key.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_kms::{Error, ErrorKind, GrantOperation, KeyRef, KeySpec, KeyState};
use strongroom_policy::{Detail, Effect, Explanation, Possible, PrincipalName};
use strongroom_records::{Revision, Scan};
use strongroom_types::CallContext;

use crate::call::KeyCall;
use crate::gate::Gate;
use crate::grants::lookup::Grants;
use crate::grants::record::GrantRecord;
use crate::keys::stored::Stored;
use crate::layout::{KeyRecord, StoredKey, decode};
use crate::managed::Managed;
use crate::naming::finder::Finder;
use crate::needs::need_of;
use crate::parts::{Parts, storage};

/// The most grants that an explanation lists, and the most that are looked at for it, by each name
/// of the caller.
const MOST_GRANTS: usize = 20;
const LOOKED_AT: usize = 1000;

/// Those whom a key's policy or grants name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPrincipals {
    /// ARNs of users, roles and sessions; names of services.
    pub names: BTreeSet<String>,
    /// Accounts whose own policies the key's leaves it to, in twelve digits.
    pub accounts: BTreeSet<String>,
    /// Whether the policy allows something to everybody, maybe on conditions.
    pub everybody: bool,
    /// There are more grants than were looked at.
    pub more_grants: bool,
}

/// Why a caller may use a key, or not, and what the key itself is like.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyAccess {
    /// The decision with all that was looked at.
    pub explanation: Explanation,
    /// What comes of it if the caller's circumstances are left open.
    pub possible: Possible,
    /// The key's state, which may be in the way beside permission.
    pub state: KeyState,
    /// Whether it is the key that AWS manages for a service.
    pub managed: bool,
}

/// Explains decisions over keys.
#[derive(Clone, Copy)]
pub(crate) struct Explainer<'a>(pub(crate) &'a Parts);

impl Explainer<'_> {
    /// Why the caller may do this, or not.
    pub(crate) async fn explain(
        self,
        call: &KeyCall<'_>,
        permission: GrantOperation,
        key: &KeyRef,
        detail: Detail,
    ) -> Result<KeyAccess, Error> {
        let needed = need_of(permission).ok_or_else(|| Error::new(ErrorKind::Unsupported, ""))?;
        let key = &self.resolve_quietly(key).await?;
        let subject = &Gate(self.0).subject(call.cx()).await?;
        let request = &Gate(self.0).request(subject, key, call, &needed.permission).await?;
        let managed = key.record.service.is_some();
        let policies = subject.policies().key(key.policy(self.0.realm())?).fixed(managed);
        // A grant may be one of two things that are needed, of which the decision names the other.
        let granted = Grants(self.0).is_granted(key, request.principal(), permission, call).await?;
        let policies = policies.granted(granted);
        let mut explanation = policies.explain_with(request, detail);
        for grant in Grants(self.0).of_caller(key, request, LOOKED_AT).await? {
            explanation.grants.push(grant.report(permission, call, request.principal())?);
        }
        // Those that decide first.
        explanation.grants.sort_by_key(|grant| !grant.matches);
        explanation.grants.truncate(MOST_GRANTS);
        Ok(KeyAccess {
            explanation,
            possible: policies.possible(request),
            state: key.state_at(self.0.now()),
            managed,
        })
    }

    /// Whom a key's policy and its grants name.
    pub(crate) async fn principals(self, key: &KeyRef) -> Result<KeyPrincipals, Error> {
        let key = self.resolve_quietly(key).await?;
        let mut found = KeyPrincipals::default();
        // By their names, not by who stands behind them.
        let text = key.policy_text(self.0.realm());
        let policy = strongroom_policy::Policy::kept_resource(&text).map_err(|error| {
            Error::new(ErrorKind::Tampered, "the key's policy is not readable").because(error)
        })?;
        for statement in policy.statements() {
            for name in statement.principals().into_iter().flat_map(|some| some.names()) {
                match name {
                    PrincipalName::Everybody => found.everybody |= statement.effect() == Effect::Allow,
                    PrincipalName::Account(account) => {
                        found.accounts.insert(account.clone());
                    }
                    PrincipalName::Role(name) | PrincipalName::One(name) | PrincipalName::Service(name) => {
                        found.names.insert(name.clone());
                    }
                    _ => {}
                }
            }
        }
        if key.record.grants > 0 {
            let scan = Scan::prefix(&self.0.inner.layout.grants(&key.id)).limit(1000);
            let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
            let grants = snapshot.scan(&scan).await.map_err(storage)?;
            for stored in &grants.records {
                found.names.insert(decode::<GrantRecord>(stored)?.grantee().to_owned());
            }
            found.more_grants = grants.cursor.is_some();
        }
        Ok(found)
    }

    /// As `resolve`, by whoever; the managed key of a service that has none yet is explained as it
    /// would be made.
    async fn resolve_quietly(self, key: &KeyRef) -> Result<Arc<StoredKey>, Error> {
        if let KeyRef::Alias(name) | KeyRef::AliasArn(_, name) = key
            && let Some(managed) = Managed::of(name)
            && Stored(self.0).known_alias(name).await?.is_none()
        {
            return Ok(Arc::new(self.unmade(managed)?));
        }
        Finder(self.0).resolve(&CallContext::owner(self.0.realm()), key).await
    }

    /// The managed key of a service as it will be when somebody first uses it, with an id that no
    /// key has.
    fn unmade(self, managed: &Managed) -> Result<StoredKey, Error> {
        let id = strongroom_kms::KeyId::parse("00000000-0000-0000-0000-000000000000")?;
        let record = KeyRecord {
            id: id.to_string(),
            description: String::new(),
            state: KeyState::Enabled.to_string(),
            created: self.0.now().as_millis(),
            deletion_date: None,
            spec: None,
            origin: None,
            service: Some(managed.service().to_owned()),
            generations: Vec::new(),
            on_demand_rotations: 0,
            rotation: None,
            tags: Vec::new(),
            policy: None,
            policy_ids: Default::default(),
            grants: 0,
            unknown: Default::default(),
        };
        let arn = id.arn(self.0.realm());
        Ok(StoredKey::new(id, arn, KeyState::Enabled, KeySpec::SymmetricDefault, record, Revision(0)))
    }
}

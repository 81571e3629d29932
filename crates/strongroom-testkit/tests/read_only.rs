//! Stores that only read: one out of three methods conforms, and what is wrong is found.

#![cfg(test)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_engine::Engine;
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_store::{
    AnyStore, Capabilities, CreateSecret, DeleteSecret, Error, ErrorKind, GetSecretValue, ListSecrets,
    ReadOnly, ReadSecrets, SecretAdmin, SecretArn, SecretId, SecretMetadata, SecretStore, SecretValue, Stage,
    VersionId,
};
use strongroom_testkit::store::read_only::{self, ReadSubject, Seed};
use strongroom_testkit::{FaultyStore, ManualClock};
use strongroom_types::{CallContext, Caller, Realm, Service, SessionFacts, Timestamp};

/// Secrets in a map, with as many versions as they are given.
#[derive(Clone, Debug, Default)]
struct Map {
    secrets: BTreeMap<String, Seed>,
    wrong: Option<Wrong>,
}

/// What an author may get wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// Gives the current value for every version.
    IgnoresTheVersion,
    /// Finds secrets by a part of their name.
    FindsByPart,
    /// Leaves out a secret.
    ListsNotAll,
}

impl Map {
    fn of(seeds: Vec<Seed>) -> Self {
        Self { secrets: seeds.into_iter().map(|seed| (seed.name.clone(), seed)).collect(), wrong: None }
    }

    fn metadata(&self, seed: &Seed) -> SecretMetadata {
        let arn = SecretArn::of(&Realm::default(), &seed.name, "AbCdEf");
        let made = Timestamp::from_millis(1_700_000_000_000);
        let mut metadata = SecretMetadata::new(arn, seed.name.clone(), made);
        let newest = seed.values.len();
        metadata = metadata.with_current(newest.to_string());
        if newest > 1 {
            metadata.versions.insert((newest - 1).to_string().into(), [Stage::PREVIOUS].into());
        }
        (metadata.description, metadata.tags) = (seed.description.clone(), Some(seed.tags.clone()));
        metadata
    }
}

#[async_trait]
impl ReadSecrets for Map {
    async fn get(
        &self,
        _: &CallContext,
        secret: &SecretMetadata,
        version: &VersionId,
    ) -> Result<SecretValue, Error> {
        let values = &self.secrets.get(&secret.name).ok_or_else(Error::not_found)?.values;
        let number = match self.wrong {
            Some(Wrong::IgnoresTheVersion) => values.len(),
            _ => version.as_str().parse().unwrap(),
        };
        values.get(number - 1).cloned().ok_or_else(Error::not_found)
    }

    async fn describe(&self, _: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        let is = |secret: &SecretMetadata| match self.wrong {
            Some(Wrong::FindsByPart) => secret.is_named(id) || secret.name.starts_with("conformance/"),
            _ => secret.is_named(id),
        };
        self.secrets.values().map(|seed| self.metadata(seed)).find(is).ok_or_else(Error::not_found)
    }

    async fn list(&self, _: &CallContext) -> Result<Vec<SecretMetadata>, Error> {
        let left_out = usize::from(matches!(self.wrong, Some(Wrong::ListsNotAll)));
        Ok(self.secrets.values().skip(left_out).map(|seed| self.metadata(seed)).collect())
    }
}

fn owner() -> CallContext {
    CallContext::owner(&Realm::default())
}

#[test]
fn a_store_out_of_three_methods_conforms() {
    pollster::block_on(read_only::conformance(async |seeds| ReadSubject {
        store: Arc::new(ReadOnly::new(Map::of(seeds))),
        cx: owner(),
    }));
}

/// As most maps and environment variables are.
#[test]
fn a_store_with_one_version_of_each_secret_conforms() {
    #[derive(Debug)]
    struct One(Map);

    #[async_trait]
    impl ReadSecrets for One {
        async fn get(
            &self,
            cx: &CallContext,
            secret: &SecretMetadata,
            version: &VersionId,
        ) -> Result<SecretValue, Error> {
            self.0.get(cx, secret, version).await
        }
        async fn describe(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
            self.0.describe(cx, id).await
        }
        async fn list(&self, cx: &CallContext) -> Result<Vec<SecretMetadata>, Error> {
            self.0.list(cx).await
        }
        fn capabilities(&self) -> Capabilities {
            let mut capabilities = Capabilities::read_only();
            (capabilities.max_versions, capabilities.binary_values) = (1, false);
            // Of no use to one that only reads.
            (capabilities.writes, capabilities.admin) = (true, true);
            capabilities
        }
    }

    pollster::block_on(read_only::conformance(async |seeds| {
        assert!(seeds.iter().all(|seed| seed.values.len() == 1 && seed.values[0].is_text()));
        ReadSubject { store: Arc::new(ReadOnly::new(One(Map::of(seeds)))), cx: owner() }
    }));
}

#[test]
fn what_an_author_gets_wrong_is_found() {
    for wrong in [Wrong::IgnoresTheVersion, Wrong::FindsByPart, Wrong::ListsNotAll] {
        let suite = || {
            pollster::block_on(read_only::conformance(async |seeds| {
                let map = Map { wrong: Some(wrong), ..Map::of(seeds) };
                ReadSubject { store: Arc::new(ReadOnly::new(map)), cx: owner() }
            }));
        };
        assert!(catch_unwind(AssertUnwindSafe(suite)).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_store_that_says_it_only_reads_and_writes_all_the_same_is_found() {
    let suite = || {
        pollster::block_on(read_only::conformance(async |seeds| {
            let clock = Arc::new(ManualClock::default());
            let records = Arc::new(MemoryRecords::new());
            let records =
                TrustedRecords::open(records, RootKey::from_bytes([1; 32]), None, &*clock).await.unwrap();
            let cx = CallContext::owner(records.realm());
            let kms = LocalKms::new(records.clone(), clock.clone()).for_service(Service::SecretsManager);
            let engine = Engine::new(records, Arc::new(kms), clock);
            for seed in seeds {
                let mut request = CreateSecret::new(&seed.name).value(seed.values[0].clone());
                (request.description, request.tags) = (seed.description, seed.tags);
                engine.create_secret(&cx, request).await.unwrap();
                for value in &seed.values[1..] {
                    let put = strongroom_store::PutSecretValue::new(&seed.name, value.clone());
                    engine.put_secret_value(&cx, put).await.unwrap();
                }
            }
            let mut says = Capabilities::full();
            says.writes = false;
            ReadSubject { store: Arc::new(FaultyStore::new(Arc::new(engine)).declaring(says)), cx }
        }));
    };
    let said = catch_unwind(AssertUnwindSafe(suite)).expect_err("it writes");
    let said = said.downcast_ref::<String>().map(String::as_str).or(said.downcast_ref::<&str>().copied());
    assert!(said.is_some_and(|said| said.contains("must refuse a write")), "{said:?}");
}

#[test]
fn nobody_but_the_owner_reads_a_store_that_has_no_policies() {
    pollster::block_on(async {
        let seed = Seed::new("db", SecretValue::text("s3cret"));
        let store = ReadOnly::new(Map::of(vec![seed.clone()]));
        let user = Realm::default().global_arn("iam", "user/alice");
        let session = Caller::federated(&user, "alice").unwrap();
        let limited = owner().with_facts(SessionFacts::new().policy("{}"));
        for cx in
            [CallContext::new(session), CallContext::new(Caller::service(Service::SecretsManager)), limited]
        {
            let errors = [
                store.get_secret_value(&cx, GetSecretValue::new(&seed.name)).await.unwrap_err(),
                store.describe_secret(&cx, &SecretId::new(&seed.name)).await.unwrap_err(),
                store.list_secrets(&cx, ListSecrets::new()).await.unwrap_err(),
            ];
            assert!(errors.iter().all(|error| error.kind() == ErrorKind::AccessDenied), "{errors:?}");
        }
        // The admin part refuses whoever asks.
        let error = store.delete_secret(&owner(), DeleteSecret::new(&seed.name).force()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let plain: Arc<dyn SecretStore> = Arc::new(store);
        let can = AnyStore::from(plain).into_admin().capabilities();
        assert!(!can.admin && !can.writes);
    });
}

//! Double sealing over the embedded store: conformance, binding, repeats, moving in.

#![cfg(test)]

use std::sync::Arc;

use strongroom::store::{
    BatchGetSecretValue, Capabilities, CreateSecret, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutSecretValue, SecretCreated, SecretPage, SecretUpdated, UpdateSecret, UpdateSecretVersionStage,
    ValuePut, VersionPage,
};
use strongroom::{
    CallContext as Cx, EncryptionContext, RootKey, SecretErrorKind as ErrorKind, SecretId, Strongroom,
    VersionId,
};
use strongroom::{SecretAdmin, SecretMetadata, SecretRef, SecretStore, SecretValue, SecretVersion};
use strongroom_client_encryption::ClientEncrypted;
use strongroom_testkit::{FaultyKms, store};

type Answer<T> = Result<T, strongroom::store::Error>;

struct World {
    /// Keeps the secrets.
    outer: Strongroom,
    /// Keeps the keys.
    own: Strongroom,
    kms: FaultyKms,
}

async fn world() -> World {
    let open = |byte| Strongroom::builder().memory().root_key(RootKey::from_bytes([byte; 32])).open();
    let (outer, own) = (open(1).await.unwrap(), open(2).await.unwrap());
    for alias in ["alias/outer", "alias/newer", "alias/foreign"] {
        own.keys().create(alias, "").await.unwrap();
    }
    let kms = FaultyKms::new(own.keys().service().unwrap());
    World { outer, own, kms }
}

impl World {
    fn sealed(&self, key: &str) -> ClientEncrypted<Arc<dyn SecretAdmin>> {
        let cx = self.own.context().clone();
        ClientEncrypted::new(self.outer.store(), Arc::new(self.kms.clone()), cx, key).unwrap()
    }

    fn room(&self, store: ClientEncrypted<Arc<dyn SecretAdmin>>) -> Strongroom {
        Strongroom::over(Arc::new(store), self.outer.realm().clone())
    }

    async fn stored(&self, name: &str) -> SecretValue {
        self.outer.get(name).send().await.unwrap().value
    }
}

fn token(n: u32) -> VersionId {
    VersionId::new(format!("00000000-0000-4000-8000-{n:012}"))
}

#[test]
fn conforms() {
    pollster::block_on(async {
        let world = world().await;
        store::conformance(async || store::Fixture {
            store: Arc::new(world.sealed("alias/outer")),
            cx: world.outer.context().clone(),
        })
        .await;
    });
}

#[test]
fn the_other_store_never_sees_a_value() {
    pollster::block_on(async {
        let world = world().await;
        let room = world.room(world.sealed("alias/outer"));
        room.create("a").text("plain-s3cret").send().await.unwrap();
        room.put("a").text("plain-s3cret-2").send().await.unwrap();
        room.update("a").text("plain-s3cret-3").send().await.unwrap();
        for version in world.outer.versions("a").include_deprecated().all().await.unwrap() {
            let stored = world.outer.get("a").version(&version.version_id).send().await.unwrap();
            let bytes = stored.expose_bytes();
            assert!(bytes.starts_with(b"strongroom-sealed:1:"));
            assert!(!bytes.windows(6).any(|window| window == b"s3cret"));
        }
        assert_eq!(room.get("a").send().await.unwrap().expose_text().unwrap(), "plain-s3cret-3");
    });
}

#[test]
fn sealed_values_are_bound_to_secret_version_and_key() {
    pollster::block_on(async {
        let world = world().await;
        let room = world.room(world.sealed("alias/outer"));
        let foreign = world.room(world.sealed("alias/foreign"));
        room.create("a").text("one").token(token(1)).send().await.unwrap();
        room.create("b").text("two").token(token(1)).send().await.unwrap();
        let refused = async |name: &str| {
            let error = room.get(name).send().await.unwrap_err();
            assert_eq!(error.code(), "DecryptionFailure");
            // Each names the secret that was asked for, and says nothing else of its own.
            error.to_string().replace(&format!("(secret: {name},"), "(secret: NAME,")
        };
        let mut told = Vec::new();
        // Of another secret; of another version of the same; of the other kind; under a key of the attacker's; damaged.
        let of_a = world.stored("a").await;
        world.outer.put("b").value(of_a.clone()).send().await.unwrap();
        told.push(refused("b").await);
        world.outer.put("a").value(of_a.clone()).send().await.unwrap();
        told.push(refused("a").await);
        let mut other_kind = of_a.expose_bytes().to_vec();
        other_kind[20] ^= 1;
        world.outer.create("c").value(SecretValue::binary(other_kind)).send().await.unwrap();
        told.push(refused("c").await);
        foreign.create("d").text("theirs").send().await.unwrap();
        told.push(refused("d").await);
        let mut damaged = of_a.expose_bytes().to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        world.outer.create("e").value(SecretValue::binary(damaged)).send().await.unwrap();
        told.push(refused("e").await);
        // Unbound where it must be bound.
        let mut unbound = of_a.expose_bytes().to_vec();
        unbound[21] = 0;
        world.outer.create("f").value(SecretValue::binary(unbound)).send().await.unwrap();
        told.push(refused("f").await);
        told.dedup();
        assert_eq!(told.len(), 1, "all failures look alike: {told:?}");
        // A prefix alone is no plain value, accepted or not.
        let accepting = world.room(world.sealed("alias/outer").accept_plain());
        world.outer.create("g").text("strongroom-sealed:1:%%").send().await.unwrap();
        assert_eq!(accepting.get("g").send().await.unwrap_err().code(), "DecryptionFailure");
        // In a batch the rest is read.
        let batch = room.get_batch(["a", "b", "g"]).send().await.unwrap();
        assert_eq!((batch.values.len(), batch.errors.len()), (0, 3));
        room.put("b").text("good again").send().await.unwrap();
        let batch = room.get_batch(["a", "b"]).send().await.unwrap();
        assert_eq!(
            (batch.values[0].expose_text().unwrap(), batch.errors[0].id.as_str()),
            ("good again", "a")
        );
    });
}

#[test]
fn repeats_are_safe_although_the_bytes_differ() {
    pollster::block_on(async {
        let world = world().await;
        let (store, cx) = (world.sealed("alias/outer"), world.outer.context().clone());
        let create = |value: &str| CreateSecret::new("a").value(SecretValue::text(value)).token(token(1));
        let first = store.create_secret(&cx, create("one")).await.unwrap();
        assert_eq!(store.create_secret(&cx, create("one")).await.unwrap(), first);
        let error = store.create_secret(&cx, create("other")).await.unwrap_err();
        assert!(
            error.kind() == ErrorKind::Exists && error.message().contains("ClientRequestToken"),
            "{error}"
        );
        let again = CreateSecret::new("a").value(SecretValue::text("one")).token(token(9));
        assert!(store.create_secret(&cx, again).await.unwrap_err().message().contains("already exists"));

        let put = |value: &str| PutSecretValue::new("a", SecretValue::text(value)).token(token(2));
        let first = store.put_secret_value(&cx, put("two")).await.unwrap();
        assert_eq!(store.put_secret_value(&cx, put("two")).await.unwrap(), first);
        assert_eq!(store.put_secret_value(&cx, put("other")).await.unwrap_err().kind(), ErrorKind::Exists);
        let binary = PutSecretValue::new("a", SecretValue::binary(b"two".to_vec())).token(token(2));
        assert_eq!(store.put_secret_value(&cx, binary).await.unwrap_err().kind(), ErrorKind::Exists);
        // A repeated update changes nothing, as a repeat does in the store itself.
        let update =
            UpdateSecret::new("a").value(SecretValue::text("two")).token(token(2)).description("told");
        store.update_secret(&cx, update).await.unwrap();
        let described = store.describe_secret(&cx, &"a".into()).await.unwrap();
        assert_eq!((described.description.as_deref(), described.versions.len()), (None, 2));
        // By ARN too.
        let arn = SecretId::new(String::from(described.arn));
        store.put_secret_value(&cx, PutSecretValue::new(arn, SecretValue::text("three"))).await.unwrap();
        let read = store.get_secret_value(&cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!(read.expose_text().unwrap(), "three");
    });
}

#[test]
fn the_key_may_change_and_fail() {
    pollster::block_on(async {
        let world = world().await;
        let before = world.room(world.sealed("alias/outer"));
        before.create("a").text("one").send().await.unwrap();
        let strict = world.room(world.sealed("alias/newer"));
        assert_eq!(strict.get("a").send().await.unwrap_err().code(), "DecryptionFailure");
        let after = world.room(world.sealed("alias/newer").also_opens("alias/outer").unwrap());
        assert_eq!(after.get("a").send().await.unwrap().expose_text().unwrap(), "one");
        after.put("a").text("two").send().await.unwrap();
        assert_eq!(strict.get("a").send().await.unwrap().expose_text().unwrap(), "two");

        use strongroom::KeyErrorKind as Kms;
        for (fault, code) in [
            (Kms::AccessDenied, "AccessDeniedException"),
            (Kms::Throttled, "ThrottlingException"),
            (Kms::DependencyTimeout, "InternalServiceError"),
            (Kms::Disabled, "DecryptionFailure"),
        ] {
            world.kms.plan([Some(fault)]);
            let error = strict.get("a").send().await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        world.kms.plan([Some(Kms::Disabled)]);
        let before = world.outer.describe("a").await.unwrap();
        let error = strict.put("a").text("three").send().await.unwrap_err();
        assert_eq!(error.code(), "EncryptionFailure", "{error}");
        assert_eq!(world.outer.describe("a").await.unwrap().versions, before.versions, "nothing was put");
        world.kms.plan([]);
        world.own.keys().disable("alias/newer").await.unwrap();
        assert!(strict.get("a").send().await.is_err());
    });
}

#[test]
fn moving_in() {
    pollster::block_on(async {
        let world = world().await;
        let (outer, cx) = (&world.outer, world.outer.context().clone());
        outer
            .create("plain")
            .text("was+plain+and+looks+like/base64+which+it+is+in+fact+of+the+right+length+too+and+some+more+of+it+")
            .send()
            .await
            .unwrap();
        let none = EncryptionContext::new();
        let by_hand = world.own.keys().encrypt("alias/outer", b"by hand", &none).await.unwrap();
        let foreign = world.own.keys().encrypt("alias/foreign", b"theirs", &none).await.unwrap();
        let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        outer.create("hand").text(format!("{}\n", base64(&by_hand))).send().await.unwrap();
        outer.create("bytes").binary(by_hand).send().await.unwrap();
        outer.create("foreign").text(base64(&foreign)).send().await.unwrap();

        let strict = world.room(world.sealed("alias/outer"));
        for name in ["plain", "hand", "bytes", "foreign"] {
            let error = strict.get(name).send().await.unwrap_err();
            assert!(
                error.message().contains("is not sealed") && error.code() == "DecryptionFailure",
                "{error}"
            );
        }
        let accepting = world.sealed("alias/outer").accept_plain().accept_kms_encrypted();
        let room = world.room(accepting.clone());
        for (name, value) in [
            (
                "plain",
                "was+plain+and+looks+like/base64+which+it+is+in+fact+of+the+right+length+too+and+some+more+of+it+",
            ),
            ("hand", "by hand"),
            ("bytes", "by hand"),
        ] {
            assert_eq!(room.get(name).send().await.unwrap().expose_text().unwrap(), value);
        }
        let error = room.get("foreign").send().await.unwrap_err();
        assert_eq!(error.code(), "DecryptionFailure", "under a key that is none of ours");
        let error = world.room(world.sealed("alias/outer").accept_kms_encrypted()).get("plain").send().await;
        assert_eq!(error.unwrap_err().code(), "DecryptionFailure");

        assert!(accepting.seal_in_place(&cx, &"plain".into()).await.unwrap());
        assert!(!accepting.seal_in_place(&cx, &"plain".into()).await.unwrap(), "it is sealed now");
        assert!(accepting.seal_in_place(&cx, &"hand".into()).await.unwrap());
        for (name, value) in [
            (
                "plain",
                "was+plain+and+looks+like/base64+which+it+is+in+fact+of+the+right+length+too+and+some+more+of+it+",
            ),
            ("hand", "by hand"),
        ] {
            assert_eq!(strict.get(name).send().await.unwrap().expose_text().unwrap(), value);
            let stages: Vec<_> =
                outer.describe(name).await.unwrap().versions.into_values().flatten().collect();
            assert_eq!(stages.len(), 2, "one current, one previous: {stages:?}");
        }
    });
}

/// Whoever puts while a value is sealed in place stays current.
#[test]
fn sealing_in_place_loses_no_update() {
    let world = pollster::block_on(world());
    let cx = world.outer.context().clone();
    for round in 0..40 {
        let name = format!("raced-{round}");
        pollster::block_on(async { world.outer.create(&name).text("old").send().await.unwrap() });
        let accepting = world.sealed("alias/outer").accept_plain();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let id = SecretId::new(&name);
                match pollster::block_on(accepting.seal_in_place(&cx, &id)) {
                    Ok(_) => (),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{error}"),
                }
            });
            scope.spawn(|| {
                pollster::block_on(async { world.outer.put(&name).text("newer").send().await.unwrap() })
            });
        });
        pollster::block_on(async {
            let read = accepting.get_secret_value(&cx, GetSecretValue::new(&name)).await.unwrap();
            assert_eq!(read.expose_text().unwrap(), "newer");
            let labels: Vec<_> = world.outer.describe(&name).await.unwrap().versions.into_values().collect();
            assert!(labels.iter().flatten().count() <= 2, "no label is left behind: {labels:?}");
        });
    }
}

/// A store that answers with another secret, or another version, than it was asked for.
#[derive(Clone, Debug)]
struct Lying {
    inner: Arc<dyn SecretAdmin>,
    /// What is asked for, and what is answered.
    swap: (&'static str, &'static str),
    version: Option<VersionId>,
}

#[async_trait::async_trait]
impl SecretStore for Lying {
    async fn create_secret(&self, cx: &Cx, request: CreateSecret) -> Answer<SecretCreated> {
        self.inner.create_secret(cx, request).await
    }
    async fn get_secret_value(&self, cx: &Cx, mut request: GetSecretValue) -> Answer<SecretVersion> {
        if request.id.as_str() == self.swap.0 {
            request = GetSecretValue::new(self.swap.1);
            request.version_id.clone_from(&self.version);
        }
        self.inner.get_secret_value(cx, request).await
    }
    async fn put_secret_value(&self, cx: &Cx, request: PutSecretValue) -> Answer<ValuePut> {
        self.inner.put_secret_value(cx, request).await
    }
    async fn update_secret(&self, cx: &Cx, request: UpdateSecret) -> Answer<SecretUpdated> {
        self.inner.update_secret(cx, request).await
    }
    async fn update_secret_version_stage(
        &self,
        cx: &Cx,
        request: UpdateSecretVersionStage,
    ) -> Answer<SecretRef> {
        self.inner.update_secret_version_stage(cx, request).await
    }
    async fn describe_secret(&self, cx: &Cx, id: &SecretId) -> Answer<SecretMetadata> {
        let id = if id.as_str() == self.swap.0 { SecretId::new(self.swap.1) } else { id.clone() };
        self.inner.describe_secret(cx, &id).await
    }
    async fn list_secrets(&self, cx: &Cx, request: ListSecrets) -> Answer<SecretPage> {
        self.inner.list_secrets(cx, request).await
    }
    async fn list_secret_version_ids(&self, cx: &Cx, request: ListSecretVersionIds) -> Answer<VersionPage> {
        self.inner.list_secret_version_ids(cx, request).await
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

#[test]
fn answers_are_for_what_was_asked() {
    pollster::block_on(async {
        let world = world().await;
        let cx = world.outer.context().clone();
        let honest = world.room(world.sealed("alias/outer"));
        honest.create("prod/db").text("right").send().await.unwrap();
        let first = honest.create("test/db").text("wrong").send().await.unwrap().version_id.unwrap();
        honest.put("test/db").text("newer").send().await.unwrap();
        let lying = |swap, version: Option<&VersionId>| {
            let inner = Lying { inner: world.outer.store(), swap, version: version.cloned() };
            ClientEncrypted::new(
                inner,
                Arc::new(world.kms.clone()),
                world.own.context().clone(),
                "alias/outer",
            )
            .unwrap()
        };
        let other = lying(("prod/db", "test/db"), None);
        let error = other.get_secret_value(&cx, GetSecretValue::new("prod/db")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DecryptionFailure, "{error}");
        // Nor is a value sealed for another secret than the one named.
        let put = PutSecretValue::new("prod/db", SecretValue::text("x"));
        let error = other.put_secret_value(&cx, put).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EncryptionFailure, "{error}");
        let batch = other.batch_get_secret_value(&cx, BatchGetSecretValue::of(["prod/db"])).await.unwrap();
        assert_eq!((batch.values.len(), batch.errors.len()), (0, 1));
        let newest = honest.get("test/db").send().await.unwrap().version_id;
        let older = lying(("test/db", "test/db"), Some(&first));
        let asked = GetSecretValue::new("test/db").version_id(newest);
        let error = older.get_secret_value(&cx, asked).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DecryptionFailure, "{error}");
    });
}

#[test]
fn a_change_of_keys_is_finished_by_sealing_again() {
    pollster::block_on(async {
        let world = world().await;
        let cx = world.outer.context().clone();
        world.room(world.sealed("alias/outer")).create("a").text("one").send().await.unwrap();
        let both = world.sealed("alias/newer").also_opens("alias/outer").unwrap();
        // The new key is out of order: what the old one opens is read all the same.
        world.own.keys().disable("alias/newer").await.unwrap();
        let read = both.get_secret_value(&cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!(read.expose_text().unwrap(), "one");
        world.own.keys().enable("alias/newer").await.unwrap();
        both.seal_again(&cx, &"a".into()).await.unwrap();
        let newer = world.room(world.sealed("alias/newer"));
        assert_eq!(newer.get("a").send().await.unwrap().expose_text().unwrap(), "one");
        // Passwords are made here: the other store is not asked.
        assert_eq!(newer.random_password().length(20).send().await.unwrap().expose().len(), 20);
    });
}

#[test]
fn nothing_leaks() {
    pollster::block_on(async {
        let world = world().await;
        let store = world.sealed("alias/outer");
        let cx = world.outer.context().clone();
        let long = SecretValue::text("hunter2".repeat(20_000));
        let error = store.create_secret(&cx, CreateSecret::new("a").value(long)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Validation && error.message().contains("64640"), "{error}");
        assert!(!format!("{error:?} {store:?}").contains("hunter2"));
        let both = BatchGetSecretValue::of(Vec::<SecretId>::new());
        assert!(store.batch_get_secret_value(&cx, both).await.is_err());
        assert!(ClientEncrypted::new(store.clone(), Arc::new(world.kms.clone()), cx, "no key").is_err());
    });
}

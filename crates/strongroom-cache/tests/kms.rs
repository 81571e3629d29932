//! Data keys that are kept: whose, for what, how long, how often, and who asks.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom::Kms;
use strongroom::kms::{DataKeySpec, Decrypt, GenerateDataKey, KeyRef};
use strongroom::{
    CallContext, EncryptionContext, KeyErrorKind as ErrorKind, RootKey, SessionFacts, Strongroom,
};
use strongroom_cache::{CachedKms, DataKeyPolicy};
use strongroom_testkit::{FaultyKms, ManualClock, kms};

const MINUTE: Duration = Duration::from_secs(60);

struct World {
    room: Strongroom,
    /// Counts and fails what reaches the service itself.
    inner: FaultyKms,
    clock: Arc<ManualClock>,
    kms: CachedKms,
    cx: CallContext,
}

async fn world(policy: DataKeyPolicy) -> World {
    let clock = Arc::new(ManualClock::default());
    let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).clock(clock.clone());
    let room = builder.open().await.unwrap();
    for alias in ["alias/a", "alias/b"] {
        room.keys().create(alias, "").await.unwrap();
    }
    let inner = FaultyKms::new(room.keys().service().unwrap());
    let kms = CachedKms::with_clock(Arc::new(inner.clone()), policy, clock.clone()).unwrap();
    let cx = room.context().clone();
    World { room, inner, clock, kms, cx }
}

fn key(alias: &str) -> KeyRef {
    KeyRef::parse(alias).unwrap()
}

fn context(value: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("k", value)]).unwrap()
}

impl World {
    async fn made(&self, alias: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        let pair = self
            .kms
            .generate_data_key(&self.cx, GenerateDataKey::new(&key(alias)).context(&context(value)))
            .await
            .unwrap();
        (pair.plaintext.expose().to_vec(), pair.ciphertext)
    }

    async fn opened(&self, cx: &CallContext, ciphertext: &[u8], value: &str) -> Result<Vec<u8>, ErrorKind> {
        let opened = self.kms.decrypt(cx, Decrypt::new(ciphertext).context(&context(value))).await;
        opened.map(|opened| opened.plaintext.expose().to_vec()).map_err(|error| error.kind())
    }
}

#[tokio::test]
async fn conforms() {
    for policy in [DataKeyPolicy::new(MINUTE), DataKeyPolicy::new(MINUTE).reuse(3, u64::MAX).max_entries(2)] {
        let world = world(policy).await;
        kms::conformance(async || kms::Fixture {
            kms: Arc::new(world.kms.clone()),
            cx: world.cx.clone(),
            key: key("alias/a"),
            other: key("alias/b"),
        })
        .await;
    }
}

#[tokio::test]
async fn a_key_is_opened_once() {
    let world = world(DataKeyPolicy::new(MINUTE)).await;
    let (plaintext, ciphertext) = world.made("alias/a", "1").await;
    assert_eq!(world.inner.calls(), ["GenerateDataKey"]);
    for _ in 0..3 {
        assert_eq!(world.opened(&world.cx, &ciphertext, "1").await.unwrap(), plaintext);
    }
    assert_eq!(world.inner.calls(), ["Decrypt"]);
    let served = world.kms.served();
    assert_eq!((served.hits, served.misses, served.entries), (2, 1, 1));
    // Up to its age and not a moment longer; use does not make it younger.
    world.clock.advance(MINUTE - Duration::from_millis(1));
    world.opened(&world.cx, &ciphertext, "1").await.unwrap();
    assert!(world.inner.calls().is_empty());
    world.clock.advance(Duration::from_millis(1));
    world.opened(&world.cx, &ciphertext, "1").await.unwrap();
    assert_eq!(world.inner.calls(), ["Decrypt"]);
    // What is taken away is gone after its age at the latest, or at once when that is said.
    world.room.keys().disable("alias/a").await.unwrap();
    assert!(world.opened(&world.cx, &ciphertext, "1").await.is_ok());
    world.kms.clear();
    assert_eq!(world.opened(&world.cx, &ciphertext, "1").await, Err(ErrorKind::Disabled));
}

/// Nothing that was not asked for in the same words by the same caller.
#[tokio::test]
async fn one_entry_serves_one_question() {
    let world = world(DataKeyPolicy::new(MINUTE)).await;
    let (_, ciphertext) = world.made("alias/a", "1").await;
    world.opened(&world.cx, &ciphertext, "1").await.unwrap();
    let _ = world.inner.calls();
    // Another context, another ciphertext, another demand, another caller, another session.
    assert_eq!(world.opened(&world.cx, &ciphertext, "2").await, Err(ErrorKind::InvalidCiphertext));
    let mut damaged = ciphertext.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(world.opened(&world.cx, &damaged, "1").await.is_err());
    let error = world
        .kms
        .decrypt(&world.cx, Decrypt::new(&ciphertext).context(&context("1")).key(&key("alias/b")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncorrectKey);
    assert!(
        world
            .kms
            .decrypt(&world.cx, Decrypt::new(&ciphertext).context(&context("1")).grant_token("unknown"))
            .await
            .is_err()
    );
    let alice = world.room.iam().create_user("alice").await.unwrap();
    let alice = CallContext::new(alice.caller().unwrap());
    assert_eq!(world.opened(&alice, &ciphertext, "1").await, Err(ErrorKind::AccessDenied));
    let session = world.cx.clone().with_facts(SessionFacts::new().source_ip([10, 0, 0, 1]));
    world.opened(&session, &ciphertext, "1").await.unwrap();
    let error = world
        .kms
        .decrypt(&world.cx, Decrypt::new(&ciphertext).context(&context("1")).dry_run())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DryRun);
    assert_eq!(world.inner.calls().len(), 7, "each asked the service");
    // Failures are not kept.
    assert_eq!(world.opened(&alice, &ciphertext, "1").await, Err(ErrorKind::AccessDenied));
    assert_eq!(world.inner.calls().len(), 1);
    assert!(world.opened(&world.cx, &ciphertext, "1").await.is_ok());
    assert!(world.inner.calls().is_empty());
    assert!(!format!("{:?}", world.kms).contains("plaintext"));
}

/// Sixteen at once for one key make one call; they share its failure too.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_asks_once() {
    let world = Arc::new(world(DataKeyPolicy::new(MINUTE).reuse(100, u64::MAX)).await);
    let (plaintext, ciphertext) = world.made("alias/a", "1").await;
    let _ = world.inner.calls();
    for fails in [true, false] {
        if fails {
            world.inner.plan([Some(ErrorKind::Throttled)]);
        }
        let barrier = Arc::new(tokio::sync::Barrier::new(16));
        let burst: Vec<_> = (0..16)
            .map(|_| {
                let (world, ciphertext, barrier) = (world.clone(), ciphertext.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    world.opened(&world.cx, &ciphertext, "1").await
                })
            })
            .collect();
        let mut failed = 0;
        for one in burst {
            match one.await.unwrap() {
                Ok(opened) => assert_eq!(opened, plaintext),
                Err(kind) => {
                    assert_eq!(kind, ErrorKind::Throttled);
                    failed += 1;
                }
            }
        }
        // (Who came after a call was over made the next.)
        assert_eq!(failed > 0, fails);
        assert!(world.inner.calls().len() <= if fails { 2 } else { 1 }, "{fails}");
    }
}

/// Generated keys are given out again as often as was said, and not at all unless it was.
#[tokio::test]
async fn generated_keys_have_limits() {
    let never = world(DataKeyPolicy::new(MINUTE)).await;
    assert_ne!(never.made("alias/a", "1").await, never.made("alias/a", "1").await);

    let world = world(DataKeyPolicy::new(MINUTE).reuse(3, u64::MAX)).await;
    let first = world.made("alias/a", "1").await;
    assert_eq!(
        (world.made("alias/a", "1").await, world.made("alias/a", "1").await),
        (first.clone(), first.clone())
    );
    assert_ne!(world.made("alias/a", "1").await, first, "three messages, and no more");
    assert_eq!(world.inner.calls().len(), 2);
    // For another context, key, length or caller there is another.
    let same = world.made("alias/a", "1").await;
    assert_ne!(world.made("alias/a", "2").await, same);
    assert_ne!(world.made("alias/b", "1").await, same);
    let pair = world
        .kms
        .generate_data_key(
            &world.cx,
            GenerateDataKey::new(&key("alias/a")).context(&context("1")).spec(DataKeySpec::Aes128),
        )
        .await
        .unwrap();
    assert_eq!(pair.plaintext.len(), 16);
    world.clock.advance(MINUTE);
    assert_ne!(world.made("alias/a", "1").await, same, "too old");

    // By bytes: two messages of 65,536.
    let bytes = DataKeyPolicy::new(MINUTE).reuse(100, 131_072);
    let counted = self::world(bytes).await;
    let first = counted.made("alias/a", "1").await;
    assert_eq!(counted.made("alias/a", "1").await, first);
    assert_ne!(counted.made("alias/a", "1").await, first);
    let little = self::world(bytes.bytes_a_message(1024).max_entries(1)).await;
    let first = little.made("alias/a", "1").await;
    for _ in 1..100 {
        assert_eq!(little.made("alias/a", "1").await, first);
    }
    assert_ne!(little.made("alias/a", "1").await, first, "a hundred messages");
}

/// An expired session is refused, whatever is cached.
#[tokio::test]
async fn a_session_ends() {
    let world = world(DataKeyPolicy::new(Duration::from_secs(3600))).await;
    let (_, ciphertext) = world.made("alias/a", "1").await;
    use strongroom::Clock;
    let mut facts = SessionFacts::new();
    facts.expires = Some(world.clock.now().after(MINUTE));
    let session = world.cx.clone().with_facts(facts);
    world.opened(&session, &ciphertext, "1").await.unwrap();
    let _ = world.inner.calls();
    world.opened(&session, &ciphertext, "1").await.unwrap();
    assert!(world.inner.calls().is_empty());
    world.clock.advance(MINUTE);
    let _ = world.opened(&session, &ciphertext, "1").await;
    assert_eq!(world.inner.calls(), ["Decrypt"], "the service decides about it");
}

#[test]
fn policies_that_cannot_be() {
    pollster::block_on(async {
        let room =
            Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
        let good = DataKeyPolicy::new(MINUTE);
        for bad in [
            DataKeyPolicy::new(Duration::ZERO),
            DataKeyPolicy::new(Duration::from_secs(86_401)),
            good.max_entries(0),
            good.reuse(0, 1),
            good.bytes_a_message(0),
        ] {
            let error = CachedKms::new(room.keys().service().unwrap(), bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        }
    });
}

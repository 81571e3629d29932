//! Callers of accounts that keep directories of their own.

use async_trait::async_trait;
use strongroom_iam::{Error, OtherAccounts};

use super::*;

const THERE: &str = "111122223333";

/// One other account, as long as it can be read.
struct Others(Iam, bool);

#[async_trait]
impl OtherAccounts for Others {
    async fn directory_of(&self, account: AccountId) -> Result<Option<Iam>, Error> {
        if self.1 {
            return Err(Error::new(ErrorKind::Internal, "it cannot be read"));
        }
        Ok((account == self.0.account()).then(|| self.0.clone()))
    }
}

async fn there() -> (Iam, CallContext) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let realm = Realm::new(AccountId::parse(THERE).unwrap(), Realm::default().region().clone());
    let root = RootKey::from_bytes([8; 32]);
    let records =
        TrustedRecords::open(Arc::new(MemoryRecords::new()), root, Some(&realm), &*clock).await.unwrap();
    (Iam::new(records, clock), CallContext::owner(&realm))
}

/// A decision here over a resource whose policy lets everybody in: what is left is the caller's own
/// account's to say.
async fn let_in(world: &World, iam: &Iam, cx: &CallContext) -> Decision {
    let everybody = strongroom_policy::Policy::resource(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
    );
    let (everybody, now) = (everybody.unwrap(), world.clock.now());
    let subject = iam.subject(cx, &world.realm, now).await.unwrap();
    let request = subject.request("secretsmanager:GetSecretValue", SECRET, &world.realm, now);
    subject.policies().resource(&everybody).decide(&request)
}

#[test]
fn a_caller_of_elsewhere_comes_with_every_document_of_its_own_account() {
    pollster::block_on(async {
        let world = world().await;
        let (elsewhere, owner) = there().await;
        let here = world.iam.among(Arc::new(Others(elsewhere.clone(), false)));
        let bob = elsewhere.create_user(&owner, "bob".into()).await.unwrap();
        let (name, caller) = (IdentityRef::user("bob"), context(&bob));
        let allowed = |decision: Decision| decision.is_allowed();
        // Neither a namesake here nor this storage's part for that account gives it permissions.
        for directory in [&world.iam, &world.iam.of_account(AccountId::parse(THERE).unwrap())] {
            directory.create_user(&world.cx, "bob".into()).await.unwrap();
            directory.put_policy(&world.cx, &name, "read", READ).await.unwrap();
        }
        assert!(!allowed(let_in(&world, &here, &caller).await));
        elsewhere.put_policy(&owner, &name, "read", READ).await.unwrap();
        assert!(allowed(let_in(&world, &here, &caller).await));
        // Guardrails and boundary limit it here as there.
        let none = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"secretsmanager:*","Resource":"*"}}"#;
        elsewhere.guardrails().put(&owner, "none", none).await.unwrap();
        assert!(!allowed(let_in(&world, &here, &caller).await));
        let guest = CallContext::new(Caller::federated(&bob.arn, "guest").unwrap())
            .with_facts(SessionFacts::new().policy(READ));
        let stray = Arn::parse(&format!("arn:aws:sts::{THERE}:federated-user/stray")).unwrap();
        let stray = CallContext::new(Caller::Principal(stray)).with_facts(SessionFacts::new().policy(READ));
        for cx in [&guest, &stray] {
            let decision = let_in(&world, &here, cx).await;
            assert!(
                matches!(decision, Decision::Denied(_)),
                "{decision:?}: guardrails bind federated users too"
            );
        }
        elsewhere.guardrails().delete(&owner, "none").await.unwrap();
        assert!(allowed(let_in(&world, &here, &caller).await));
        elsewhere.put_boundary(&owner, &name, presets::KEY_MANAGEMENT_POWER_USER).await.unwrap();
        assert!(!allowed(let_in(&world, &here, &caller).await));
    });
}

#[test]
fn who_is_in_no_directory_is_nobody_and_an_unreadable_one_lets_nobody_in() {
    pollster::block_on(async {
        let world = world().await;
        let (elsewhere, owner) = there().await;
        let bob = elsewhere.create_user(&owner, "bob".into()).await.unwrap();
        elsewhere.put_policy(&owner, &IdentityRef::user("bob"), "read", READ).await.unwrap();
        let here = world.iam.among(Arc::new(Others(elsewhere.clone(), false)));
        let now = world.clock.now();
        for arn in [
            format!("arn:aws:iam::{THERE}:user/none"),
            "arn:aws:iam::999999999999:user/bob".to_owned(),
            "arn:aws:sts::999999999999:federated-user/bob".to_owned(),
        ] {
            let cx = CallContext::new(Caller::Principal(Arn::parse(&arn).unwrap()));
            assert!(here.subject(&cx, &world.realm, now).await.unwrap().is_stranger(), "{arn}");
        }
        assert!(!here.subject(&context(&bob), &world.realm, now).await.unwrap().is_stranger());
        let known = |arn: String| {
            let (here, realm) = (here.clone(), world.realm.clone());
            async move { here.look_up(&arn, &realm).await.unwrap() }
        };
        assert!(matches!(known(bob.arn.to_string()).await, Known::Somebody { id, .. } if id == bob.id));
        assert_eq!(known(format!("arn:aws:iam::{THERE}:user/none")).await, Known::Nobody);
        assert_eq!(known("arn:aws:iam::999999999999:user/bob".to_owned()).await, Known::Unsaid);
        let broken = world.iam.among(Arc::new(Others(elsewhere, true)));
        broken.subject(&context(&bob), &world.realm, now).await.expect_err("it cannot be read");
        // This account's own callers need no other directory.
        let alice = world.user("alice").await;
        assert!(!broken.subject(&context(&alice), &world.realm, now).await.unwrap().is_stranger());
    });
}

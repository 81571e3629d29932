//! Users, roles, policies, guardrails, sessions.

#![cfg(test)]

mod identities;
mod other_accounts;
mod owner_keys;
mod policies;
mod sessions;

use std::sync::Arc;

use strongroom_iam::{
    AccountItem, AccountItemKind, AssumeRole, CreatePolicy, CreateRole, CreateUser, ErrorKind, Iam, Identity,
    IdentityKind, IdentityRef, PolicyUse, presets,
};
use strongroom_policy::{Authorizer, Decision, Known};
use strongroom_records::{Expect, Key, MemoryRecords};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::ManualClock;
use strongroom_types::{AccountId, Arn, CallContext, Caller, Clock, Realm, SessionFacts, Timestamp};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-AbCdEf";
const READ: &str = r#"{"Version":"2012-10-17","Statement":{"Sid":"read","Effect":"Allow","Action":"secretsmanager:Get*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}"#;

struct World {
    records: TrustedRecords,
    iam: Iam,
    /// The same storage, as another process has it.
    other: Iam,
    cx: CallContext,
    clock: Arc<ManualClock>,
    realm: Realm,
}

async fn world() -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let storage = Arc::new(MemoryRecords::new());
    let open = || TrustedRecords::open(storage.clone(), RootKey::from_bytes([7; 32]), None, &*clock);
    let (records, others) = (open().await.unwrap(), open().await.unwrap());
    let realm = records.realm().clone();
    let cx = CallContext::owner(&realm);
    World {
        records: records.clone(),
        iam: Iam::new(records, clock.clone()),
        other: Iam::new(others, clock.clone()),
        cx,
        clock,
        realm,
    }
}

impl World {
    async fn user(&self, name: &str) -> Identity {
        self.iam.create_user(&self.cx, name.into()).await.unwrap()
    }

    async fn role(&self, name: &str) -> Identity {
        self.iam.create_role(&self.cx, CreateRole::new(name, TRUST)).await.unwrap()
    }

    async fn decide(&self, iam: &Iam, cx: &CallContext, action: &str) -> Decision {
        let subject = iam.subject(cx, &self.realm, self.clock.now()).await.unwrap();
        let request = subject.request(action, SECRET, &self.realm, self.clock.now());
        subject.policies().decide(&request)
    }

    async fn may_read(&self, cx: &CallContext) -> bool {
        let here = self.decide(&self.iam, cx, "secretsmanager:GetSecretValue").await.is_allowed();
        let there = self.decide(&self.other, cx, "secretsmanager:GetSecretValue").await.is_allowed();
        assert_eq!(here, there, "both processes see the same");
        here
    }
}

fn context(identity: &Identity) -> CallContext {
    match identity.kind {
        IdentityKind::User => identity.caller().unwrap().into(),
        _ => identity.session("run").unwrap().into(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

#[test]
fn the_directory_conforms() {
    use strongroom_testkit::authorizer::{self, Fixture, Identity};
    pollster::block_on(authorizer::conformance(async || {
        let world = world().await;
        let alice = world.user("alice").await;
        let known = Identity { cx: context(&alice), arn: alice.arn.to_string(), id: alice.id.to_string() };
        let unknown = format!("arn:aws:iam::{}:user/nobody", world.realm.account());
        let (authorizer, now) = (Arc::new(world.iam), world.clock.now());
        Fixture { authorizer, realm: world.realm, now, known: Some(known), unknown }
    }));
}

//! The conformance suite of [`Authorizer`].

use std::future::Future;
use std::sync::Arc;

use strongroom_policy::{Authorizer, AuthorizerErrorKind, Known, Policy};
use strongroom_types::{CallContext, Caller, Realm, SessionFacts, Timestamp};

/// What the suite works with: a directory, and what it knows.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Fixture {
    /// The directory.
    pub authorizer: Arc<dyn Authorizer>,
    /// The account and region of the request.
    pub realm: Realm,
    /// The time of the request.
    pub now: Timestamp,
    /// A user or role that the directory knows; `None` for a directory that knows nobody.
    pub known: Option<Identity>,
    /// The ARN of a user of this account that does not exist.
    pub unknown: String,
}

/// A caller known to a directory.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Identity {
    /// How it calls.
    pub cx: CallContext,
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
}

/// Runs every case on what `make` gives.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Fixture>,
{
    the_owner_is_always_known(&make().await).await;
    sessions_that_are_over_are_refused(&make().await).await;
    a_session_keeps_its_own_policies(&make().await).await;
    those_who_exist_have_their_unique_id(&make().await).await;
    those_who_do_not_exist_are_strangers(&make().await).await;
    names_in_policies_are_bound_to_those_who_have_them(&make().await).await;
}

fn policy_for(name: &str) -> Policy {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{name}"}},"Action":"*","Resource":"*"}}}}"#
    );
    Policy::resource(&text).expect("a policy")
}

/// The account itself is in no directory, and nobody's stranger.
pub async fn the_owner_is_always_known(subject: &Fixture) {
    let owner = CallContext::owner(&subject.realm);
    let found = subject.authorizer.subject(&owner, &subject.realm, subject.now).await.expect("the owner");
    assert!(!found.is_stranger(), "the owner is no stranger");
    let account = subject.realm.account().to_string();
    assert_eq!(found.principal().account(), Some(account.as_str()));
}

/// A session is over at the exact moment it ends, for every kind of caller.
pub async fn sessions_that_are_over_are_refused(subject: &Fixture) {
    let callers =
        [Some(CallContext::owner(&subject.realm)), subject.known.as_ref().map(|one| one.cx.clone())];
    for cx in callers.into_iter().flatten() {
        for over in [subject.now, Timestamp::from_millis(subject.now.as_millis().saturating_sub(1))] {
            let mut facts = SessionFacts::new();
            facts.expires = Some(over);
            let cx = cx.clone().with_facts(facts);
            let found = subject.authorizer.subject(&cx, &subject.realm, subject.now).await;
            let error = found.expect_err("the session is over");
            assert_eq!(error.kind(), AuthorizerErrorKind::ExpiredSession, "{error}");
        }
    }
}

/// A session's policies limit it, whatever the directory adds.
pub async fn a_session_keeps_its_own_policies(subject: &Fixture) {
    let nothing = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let mut facts = SessionFacts::new();
    facts.policies.push(nothing.into());
    let key = policy_for("*");
    let arn = format!("arn:aws:kms:us-east-1:{}:key/k", subject.realm.account());
    let may = async |cx: &CallContext| {
        let found = subject.authorizer.subject(cx, &subject.realm, subject.now).await.expect("the caller");
        let request = found.request("kms:Decrypt", &arn, &subject.realm, subject.now);
        found.policies().key(&key).decide(&request).is_allowed()
    };
    let known = subject.known.as_ref().map(|one| one.cx.clone());
    for cx in [Some(CallContext::owner(&subject.realm)), known].into_iter().flatten() {
        assert!(may(&cx).await, "the key's policy allows it to everybody");
        let limited = cx.with_facts(facts.clone());
        assert!(!may(&limited).await, "the session's policy forbids everything");
    }
    let mut broken = SessionFacts::new();
    broken.policies.push("no policy".into());
    let cx = CallContext::owner(&subject.realm).with_facts(broken);
    let error = subject.authorizer.subject(&cx, &subject.realm, subject.now).await;
    let error = error.expect_err("a text that is no policy");
    assert_eq!(error.kind(), AuthorizerErrorKind::InvalidCaller, "{error}");
}

/// By ARN and by unique id alike.
pub async fn those_who_exist_have_their_unique_id(subject: &Fixture) {
    let Some(known) = &subject.known else { return };
    let found = subject.authorizer.subject(&known.cx, &subject.realm, subject.now).await.expect("the caller");
    assert!(!found.is_stranger());
    assert_eq!(found.principal().unique_id(), Some(known.id.as_str()));
    let somebody = Known::Somebody { arn: known.arn.clone(), id: known.id.clone() };
    for name in [&known.arn, &known.id] {
        let told = subject.authorizer.look_up(name, &subject.realm).await.expect("an answer");
        assert_eq!(told, somebody, "{name}");
    }
}

/// A directory that knows people knows who is missing; one that knows nobody cannot say.
pub async fn those_who_do_not_exist_are_strangers(subject: &Fixture) {
    let arn = strongroom_types::Arn::parse(&subject.unknown).expect("an ARN");
    let cx = CallContext::new(Caller::Principal(arn));
    let found = subject.authorizer.subject(&cx, &subject.realm, subject.now).await.expect("a caller");
    let told = subject.authorizer.look_up(&subject.unknown, &subject.realm).await.expect("an answer");
    if subject.known.is_some() {
        assert!(found.is_stranger(), "nobody has this name");
        assert_eq!(told, Known::Nobody);
    } else {
        assert!(!found.is_stranger(), "callers are who they say they are");
        assert_eq!(told, Known::Unsaid);
    }
}

/// A policy may name an existing principal, none, or one that does not exist yet.
pub async fn names_in_policies_are_bound_to_those_who_have_them(subject: &Fixture) {
    let ids = async |name: &str| {
        subject.authorizer.ids_named(&policy_for(name), &subject.realm).await.expect("an answer")
    };
    let account = subject.realm.account().to_string();
    for everybody in ["*", &account] {
        let bound = ids(everybody).await.expect("it names no identity");
        assert!(bound.is_empty(), "{everybody} is no identity: {bound:?}");
    }
    match &subject.known {
        Some(known) => {
            let bound = ids(&known.arn).await.expect("somebody");
            assert_eq!(bound.get(&known.arn), Some(&known.id));
            assert_eq!(ids(&subject.unknown).await, None, "nobody has this name");
        }
        None => {
            let bound = ids(&subject.unknown).await.expect("nobody can tell");
            assert!(bound.is_empty(), "{bound:?}");
        }
    }
}

//! The suite lets a directory that knows nobody pass, and finds what is wrong with others. `strongroom-iam`
//! runs it over its own.

#![cfg(test)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_policy::{Authorizer, AuthorizerError, Known, NoDirectory, Subject};
use strongroom_testkit::authorizer::{self, Fixture, Identity};
use strongroom_types::{Arn, CallContext, Caller, Realm, Timestamp};

const ALICE: &str = "arn:aws:iam::000000000000:user/alice";
const ALICE_ID: &str = "AIDAAAAAAAAAAAAAALICE";
const NOBODY: &str = "arn:aws:iam::000000000000:user/nobody";

/// What is wrong with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// Forgets what the call itself says of a session.
    IgnoresSessions,
    /// Does not know who is missing.
    WelcomesStrangers,
    /// Knows names, but not ids.
    KnowsNoIds,
    /// Says that it cannot tell where it can.
    CannotTell,
    /// Takes the owner for somebody unknown.
    EstrangesTheOwner,
}

/// A directory in which there is Alice.
#[derive(Debug)]
struct Directory(Flaw);

#[async_trait]
impl Authorizer for Directory {
    async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError> {
        let bare = CallContext::new(cx.caller().clone());
        let cx = if self.0 == Flaw::IgnoresSessions { &bare } else { cx };
        let subject = Subject::of(cx, realm, now)?;
        Ok(match subject.principal().attached_to() {
            None if self.0 == Flaw::EstrangesTheOwner => subject.stranger(),
            None => subject,
            Some(ALICE) if self.0 == Flaw::KnowsNoIds => subject,
            Some(ALICE) => subject.with_id(ALICE_ID),
            Some(_) if self.0 == Flaw::WelcomesStrangers => subject,
            Some(_) => subject.stranger(),
        })
    }

    async fn look_up(&self, name: &str, _realm: &Realm) -> Result<Known, AuthorizerError> {
        Ok(match name {
            ALICE | ALICE_ID => Known::Somebody { arn: ALICE.to_owned(), id: ALICE_ID.to_owned() },
            _ if self.0 == Flaw::CannotTell => Known::Unsaid,
            _ => Known::Nobody,
        })
    }
}

fn fixture(authorizer: Arc<dyn Authorizer>, known: Option<Identity>) -> Fixture {
    let (realm, now) = (Realm::default(), Timestamp::from_millis(1_800_000_000_000));
    Fixture { authorizer, realm, now, known, unknown: NOBODY.to_owned() }
}

fn conforms(flaw: Flaw) -> bool {
    let suite = || {
        pollster::block_on(authorizer::conformance(async || {
            let cx = CallContext::new(Caller::Principal(Arn::parse(ALICE).unwrap()));
            let alice = Identity { cx, arn: ALICE.to_owned(), id: ALICE_ID.to_owned() };
            fixture(Arc::new(Directory(flaw)), Some(alice))
        }));
    };
    catch_unwind(AssertUnwindSafe(suite)).is_ok()
}

#[test]
fn a_directory_that_knows_nobody_conforms() {
    pollster::block_on(authorizer::conformance(async || fixture(Arc::new(NoDirectory::default()), None)));
}

#[test]
fn a_directory_that_knows_somebody_conforms() {
    assert!(conforms(Flaw::Nothing));
}

#[test]
fn every_flaw_is_found() {
    for flaw in [
        Flaw::IgnoresSessions,
        Flaw::WelcomesStrangers,
        Flaw::KnowsNoIds,
        Flaw::CannotTell,
        Flaw::EstrangesTheOwner,
    ] {
        assert!(!conforms(flaw), "{flaw:?}");
    }
}

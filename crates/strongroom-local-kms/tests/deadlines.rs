//! Changes that meet others give up at the caller's deadline.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_kms::{AliasName, CreateKey, Error, ErrorKind, KeyRef, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::{Fault, FaultyRecords, ManualClock};
use strongroom_types::{CallContext, Clock};

#[tokio::test]
async fn a_change_that_meets_others_is_tried_again_until_the_deadline_and_at_least_once() {
    let clock = Arc::new(ManualClock::default());
    let storage = FaultyRecords::new(Arc::new(MemoryRecords::new()));
    let root = RootKey::from_bytes([1; 32]);
    let records = TrustedRecords::open(Arc::new(storage.clone()), root, None, &*clock).await.unwrap();
    let kms = LocalKms::new(records, clock.clone());
    let owner = CallContext::owner(kms.realm());
    let key: KeyRef = kms.create_key(&owner, CreateKey::new()).await.unwrap().id.into();
    let alias = AliasName::parse("alias/orders").unwrap();
    let late = owner.clone().with_deadline(clock.now());
    clock.advance(Duration::from_secs(1));
    let conflicts =
        |count| storage.plan([Fault::Before(strongroom_records::ErrorKind::Conflict); 3][..count].to_vec());
    let contended =
        |result: Result<(), Error>| result.is_err_and(|error| error.kind() == ErrorKind::Conflict);

    for (count, cx, gives_up) in [(0, &late, false), (1, &late, true), (3, &owner, false)] {
        conflicts(count);
        assert_eq!(contended(kms.disable_key(cx, &key).await), gives_up);
        conflicts(0);
        kms.enable_key(&owner, &key).await.unwrap();
        conflicts(count);
        assert_eq!(contended(kms.create_alias(cx, &alias, &key).await), gives_up);
        conflicts(0);
        if !gives_up {
            conflicts(count);
            kms.delete_alias(cx, &alias).await.unwrap();
        }
    }
}

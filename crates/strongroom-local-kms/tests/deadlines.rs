//! Changes that meet others are tried again, within the caller's deadline.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_kms::{AliasName, CreateKey, ErrorKind, KeyRef, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::{Fault, FaultyRecords, ManualClock};
use strongroom_types::{CallContext, Clock};

#[tokio::test]
async fn a_change_that_meets_others_is_tried_again_and_a_late_one_is_not_begun() {
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

    for result in [kms.disable_key(&late, &key).await, kms.create_alias(&late, &alias, &key).await] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::DependencyTimeout);
    }
    let conflicts = || storage.plan([Fault::Before(strongroom_records::ErrorKind::Conflict); 3]);
    conflicts();
    kms.disable_key(&owner, &key).await.unwrap();
    kms.enable_key(&owner, &key).await.unwrap();
    conflicts();
    kms.create_alias(&owner, &alias, &key).await.unwrap();
    conflicts();
    kms.delete_alias(&owner, &alias).await.unwrap();
}

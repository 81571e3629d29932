//! A new key with a policy and a name: its own policy decides about the name.

use std::sync::Arc;

use strongroom_iam::Iam;
use strongroom_kms::{AliasName, CreateKey, PutKeyPolicy};
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_types::{CallContext, SystemClock};

#[test]
fn a_new_keys_own_policy_decides_about_its_name() {
    pollster::block_on(async {
        let root = RootKey::from_bytes([7; 32]);
        let records =
            TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &SystemClock).await.unwrap();
        let iam = Iam::new(records.clone(), Arc::new(SystemClock));
        let owner = CallContext::owner(records.realm());
        let kms = LocalKms::new(records, Arc::new(SystemClock)).authorized_by(Arc::new(iam.clone()));
        let alice = iam.create_user(&owner, "alice".into()).await.unwrap();
        let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:CreateKey","kms:CreateAlias"],"Resource":"*"}}"#;
        iam.put_policy(&owner, &(&alice).into(), "own", own).await.unwrap();
        let hers: CallContext = alice.caller().unwrap().into();
        let name = AliasName::parse("alias/hers").unwrap();
        let make = async |actions: &str| {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":[{actions}],"Resource":"*"}}}}"#,
                alice.arn
            );
            let request = CreateKey::new().policy(PutKeyPolicy::new(policy));
            kms.create_named_key(&hers, request, &name).await.map_err(|error| error.code())
        };
        assert_eq!(make(r#""kms:PutKeyPolicy""#).await.unwrap_err(), "AccessDeniedException");
        make(r#""kms:PutKeyPolicy","kms:CreateAlias""#).await.unwrap();
        assert_eq!(make(r#""kms:*""#).await.unwrap_err(), "AlreadyExistsException");
    });
}

//! The suite lets the local key service pass, and one that has only what the trait requires; it finds
//! what is wrong.

#![cfg(test)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_kms::{
    AliasName, AliasPage, Ciphertext, CreateKey, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt,
    Error, ErrorKind, GenerateDataKey, KeyMetadata, KeyPage, KeyRef, Kms, KmsAdmin, KmsAdminExt as _,
    KmsExt as _, ListPage, Operation, ReEncrypt, ReEncrypted, ScheduledDeletion, TagPage,
};
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::{ManualClock, kms_admin};
use strongroom_types::{Arn, CallContext};

async fn local() -> (LocalKms, CallContext) {
    let clock = Arc::new(ManualClock::default());
    let root = RootKey::from_bytes([1; 32]);
    let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &*clock).await.unwrap();
    let cx = CallContext::owner(records.realm());
    (LocalKms::new(records, clock), cx)
}

fn fixture(kms: Arc<dyn KmsAdmin>, cx: CallContext) -> kms_admin::Fixture {
    let grantee = "arn:aws:iam::000000000000:user/conformance".to_owned();
    kms_admin::Fixture { kms, cx, grantee }
}

#[test]
fn the_local_key_service_conforms() {
    pollster::block_on(kms_admin::conformance(async || {
        let (kms, cx) = local().await;
        fixture(Arc::new(kms), cx)
    }));
}

/// What is wrong with a key service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// Takes an alias where only an id is allowed.
    ResolvesAliases,
    /// A key whose deletion is cancelled is enabled.
    EnablesWhatIsSaved,
    /// Deleting an alias that is not there succeeds.
    ForgivesMissingAliases,
    /// A taken name is moved instead of refused.
    MovesTakenNames,
    /// The last key of a page is left out of the next.
    SkipsKeys,
    /// Refuses TagResource, but answers ListResourceTags.
    HasHalfAGroup,
    /// Errors name another operation than the one that was called.
    MisnamesOperations,
}

/// A key service that has what the trait requires, with a flaw.
#[derive(Debug)]
struct Flawed {
    inner: LocalKms,
    flaw: Flaw,
}

#[async_trait]
impl Kms for Flawed {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        self.inner.generate_data_key(cx, request).await
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        self.inner.encrypt(cx, request).await
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        self.inner.decrypt(cx, request).await
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        self.inner.re_encrypt(cx, request).await
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        self.inner.describe_key(cx, request).await
    }
}

#[async_trait]
impl KmsAdmin for Flawed {
    async fn create_key(&self, cx: &CallContext, request: CreateKey) -> Result<KeyMetadata, Error> {
        self.inner.create_key(cx, request).await
    }

    async fn list_keys(&self, cx: &CallContext, page: &ListPage) -> Result<KeyPage, Error> {
        let mut found = self.inner.list_keys(cx, page).await?;
        if self.flaw == Flaw::SkipsKeys && found.next_marker.is_some() {
            found.keys.pop();
        }
        Ok(found)
    }

    async fn update_key_description(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        description: &str,
    ) -> Result<(), Error> {
        self.inner.update_key_description(cx, key, description).await
    }

    async fn enable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.inner.enable_key(cx, key).await
    }

    async fn disable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        if self.flaw == Flaw::ResolvesAliases && key.is_alias() {
            let key = self.inner.describe_key(cx, DescribeKey::new(key)).await?.id.into();
            return self.inner.disable_key(cx, &key).await;
        }
        if self.flaw == Flaw::MisnamesOperations {
            let done = self.inner.disable_key(cx, key).await;
            return done.map_err(|error| {
                Error::new(error.kind(), error.message().to_owned()).during(Operation::EnableKey.name())
            });
        }
        self.inner.disable_key(cx, key).await
    }

    async fn schedule_key_deletion(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        days: Option<u16>,
    ) -> Result<ScheduledDeletion, Error> {
        self.inner.schedule_key_deletion(cx, key, days).await
    }

    async fn cancel_key_deletion(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        let saved = self.inner.cancel_key_deletion(cx, key).await?;
        if self.flaw == Flaw::EnablesWhatIsSaved {
            self.inner.enable_key(cx, key).await?;
        }
        Ok(saved)
    }

    async fn rotate_key_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.inner.rotate_key_on_demand(cx, key).await
    }

    async fn list_resource_tags(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        if self.flaw == Flaw::HasHalfAGroup {
            return self.inner.list_resource_tags(cx, key, page).await;
        }
        Err(Error::new(ErrorKind::Unsupported, "").during(Operation::ListResourceTags.name()))
    }

    async fn create_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        match self.inner.create_alias(cx, alias, target).await {
            Err(error) if self.flaw == Flaw::MovesTakenNames && error.kind() == ErrorKind::AlreadyExists => {
                self.inner.update_alias(cx, alias, target).await
            }
            done => done,
        }
    }

    async fn update_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        self.inner.update_alias(cx, alias, target).await
    }

    async fn delete_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error> {
        match self.inner.delete_alias(cx, alias).await {
            Err(_) if self.flaw == Flaw::ForgivesMissingAliases => Ok(()),
            done => done,
        }
    }

    async fn list_aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        self.inner.list_aliases(cx, key, page).await
    }
}

fn conforms(flaw: Flaw) -> bool {
    let suite = || {
        pollster::block_on(kms_admin::conformance(async || {
            let (inner, cx) = local().await;
            fixture(Arc::new(Flawed { inner, flaw }), cx)
        }));
    };
    catch_unwind(AssertUnwindSafe(suite)).is_ok()
}

#[test]
fn a_key_service_with_no_more_than_the_trait_requires_conforms() {
    assert!(conforms(Flaw::Nothing));
}

#[test]
fn every_flaw_is_found() {
    for flaw in [
        Flaw::ResolvesAliases,
        Flaw::EnablesWhatIsSaved,
        Flaw::ForgivesMissingAliases,
        Flaw::MovesTakenNames,
        Flaw::SkipsKeys,
        Flaw::HasHalfAGroup,
        Flaw::MisnamesOperations,
    ] {
        assert!(!conforms(flaw), "{flaw:?}");
    }
}

#[test]
fn conveniences_resolve_names_and_walk_all_pages() {
    pollster::block_on(async {
        let (kms, cx) = local().await;
        let mut made = Vec::new();
        for _ in 0..101 {
            made.push(kms.create_key(&cx, CreateKey::new()).await.unwrap().id);
        }
        let keys: Vec<_> = kms.all_keys(&cx).await.unwrap().into_iter().map(|entry| entry.id).collect();
        assert!(keys.len() > 100 && made.iter().all(|id| keys.contains(id)));
        let (name, key) = (AliasName::parse("alias/one").unwrap(), KeyRef::from(made[0].clone()));
        kms.create_alias(&cx, &name, &key).await.unwrap();
        let kms: Arc<dyn KmsAdmin> = Arc::new(kms);
        let arn = kms.resolve(&cx, &name.clone().into()).await.unwrap();
        assert!(arn.as_str().ends_with(made[0].as_str()));
        let aliases = kms.all_aliases(&cx, Some(&key)).await.unwrap();
        assert_eq!(aliases.iter().map(|entry| &entry.name).collect::<Vec<_>>(), [&name]);
    });
}

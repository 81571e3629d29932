//! The conformance suite of [`KmsAdmin`].
//!
//! Operations that have a default in the trait are optional: an implementation either has all of a
//! group or refuses all of it with [`ErrorKind::Unsupported`]. A group is what belongs together:
//! rotation by schedule, tags, key policies, grants.

mod aliases;
mod keys;
mod optional;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    AliasName, CreateKey, Decrypt, DescribeKey, Encrypt, Error, ErrorKind, KeyMetadata, KeyRef, KeyState,
    KmsAdmin, Operation,
};
use strongroom_types::{CallContext, ErrorClass as _};

pub use aliases::{
    aliases_are_listed_by_key_and_page_by_page, aliases_are_refused_where_only_ids_are_allowed,
    aliases_name_keys_until_they_are_moved_or_deleted, names_that_no_alias_may_have_are_refused,
};
pub use keys::{
    created_keys_are_described_and_listed, deletion_is_scheduled_and_cancelled,
    descriptions_change_and_have_a_limit, disabled_keys_are_not_used_until_they_are_enabled,
    keys_are_listed_page_by_page, rotation_on_demand_keeps_old_ciphertexts, unknown_keys_are_not_found,
};
pub use optional::{
    grants_are_made_listed_and_ended, key_policies_are_put_and_given_back,
    rotation_by_schedule_is_switched_on_and_off, tags_are_added_changed_and_removed,
};

/// What the suite works with: a key service, and a caller who may do everything with its keys.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Fixture {
    /// The key service.
    pub kms: Arc<dyn KmsAdmin>,
    /// The caller, such as the owner of the account.
    pub cx: CallContext,
    /// The ARN of a principal that a grant may name.
    pub grantee: String,
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
    created_keys_are_described_and_listed(&make().await).await;
    keys_are_listed_page_by_page(&make().await).await;
    descriptions_change_and_have_a_limit(&make().await).await;
    disabled_keys_are_not_used_until_they_are_enabled(&make().await).await;
    deletion_is_scheduled_and_cancelled(&make().await).await;
    rotation_on_demand_keeps_old_ciphertexts(&make().await).await;
    unknown_keys_are_not_found(&make().await).await;
    aliases_name_keys_until_they_are_moved_or_deleted(&make().await).await;
    names_that_no_alias_may_have_are_refused(&make().await).await;
    aliases_are_listed_by_key_and_page_by_page(&make().await).await;
    aliases_are_refused_where_only_ids_are_allowed(&make().await).await;
    rotation_by_schedule_is_switched_on_and_off(&make().await).await;
    tags_are_added_changed_and_removed(&make().await).await;
    key_policies_are_put_and_given_back(&make().await).await;
    grants_are_made_listed_and_ended(&make().await).await;
}

impl Fixture {
    async fn key(&self) -> KeyMetadata {
        self.kms.create_key(&self.cx, CreateKey::new()).await.expect("a key can be created")
    }

    async fn describe(&self, key: &KeyRef) -> KeyMetadata {
        self.kms.describe_key(&self.cx, DescribeKey::new(key)).await.expect("the key can be described")
    }

    async fn state(&self, key: &KeyRef) -> KeyState {
        self.describe(key).await.state
    }

    async fn encrypt(&self, key: &KeyRef) -> Result<Vec<u8>, Error> {
        let sealed = self.kms.encrypt(&self.cx, Encrypt::new(key, b"plaintext").context(&context())).await;
        sealed.map(|sealed| sealed.ciphertext)
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
        let opened = self.kms.decrypt(&self.cx, Decrypt::new(ciphertext).context(&context())).await?;
        Ok(opened.plaintext.expose().to_vec())
    }
}

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs([("purpose", "conformance")]).expect("a context")
}

fn by_id(key: &KeyMetadata) -> KeyRef {
    key.id.clone().into()
}

fn alias(name: &str) -> AliasName {
    AliasName::parse(name).expect("an alias")
}

/// A well-formed id of no key.
fn no_key() -> KeyRef {
    KeyRef::parse("00000000-0000-4000-8000-000000000000").expect("an id")
}

/// The refusal has this kind, AWS's code for it, and the name of the operation that was called.
#[track_caller]
fn refused<T: Debug>(result: Result<T, Error>, operation: Operation, kind: ErrorKind, why: &str) {
    let error = result.expect_err(why);
    assert_eq!((error.kind(), error.code()), (kind, kind.code()), "{operation}: {why}: {error}");
    assert_eq!(error.operation(), Some(operation.name()), "{why}: the error names its operation");
}

/// Whether an implementation has an optional group of operations: the answer to its first one.
#[track_caller]
fn is_supported<T>(first: &Result<T, Error>, operation: Operation) -> bool {
    match first {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            assert_eq!(error.operation(), Some(operation.name()), "a refusal names its operation");
            false
        }
        _ => true,
    }
}

//! The adapter against an emulator of AWS that nobody here wrote. What it does otherwise than AWS is listed by name.

#![cfg(test)]

#[path = "support/moto.rs"]
mod emulator;
mod support;

use std::sync::Arc;

use emulator::{Moto, compare, failing};
use strongroom_aws::{AwsKms, SecretsManagerStore};
use strongroom_kms::KeyRef;
use strongroom_store::{
    CreateSecret, DeleteSecret, ErrorKind, Filter, FilterKey, GetSecretValue, ListSecrets, PutSecretValue,
    SecretAdmin, SecretId, SecretStore, SecretValue, Stage, Tag, VersionId,
};
use strongroom_testkit::{kms, store};
use support::owner;

/// The cases of the secret store's suite that moto does not pass, and the first thing in each that it does otherwise than AWS.
const OTHERWISE: [(&str, &str); 21] = [
    (
        "a_put_moves_current_and_previous",
        "versions without labels are not deprecated: they are listed always",
    ),
    ("a_repeat_with_the_same_token_changes_nothing", "AWS's text ends with a full stop"),
    ("a_rollback_swaps_the_two_labels", "AWSPREVIOUS stays where it was when AWSCURRENT is moved away"),
    ("a_secret_is_made_and_read", "the first version gets only the labels named, not AWSCURRENT as well"),
    ("bad_input_is_named_and_changes_nothing", "any name will do"),
    ("deleted_secrets_can_be_restored", "the text about the window repeats the error's class"),
    ("filters_choose_secrets", "a leading ! negates nothing"),
    (
        "labels_named_in_a_put_move_alone",
        "versions without labels are not deprecated: they are listed always",
    ),
    ("lists_are_paged_and_sorted", "sorting by date is not done"),
    ("metadata_is_updated_and_described", "dates have whole seconds"),
    ("passwords_are_as_asked_for", "a password as long as there are classes of characters is refused"),
    ("policies_are_kept_and_checked", "dates have whole seconds"),
    ("reads_are_dated", "the date of the last read is not told"),
    ("refused_moves_change_nothing", "a label is moved without RemoveFromVersionId"),
    ("several_values_are_read_at_once", "a secret without a value fails the whole batch"),
    ("twenty_labels_are_the_most", "a version may have any number of labels"),
    ("unknown_things_are_not_found", "a list of an unknown secret's versions is answered with status 500"),
    ("values_are_found_by_filters", "a secret without a value fails the whole batch"),
    ("values_of_all_kinds_and_sizes_come_back", "an empty value is another class of error"),
    ("versions_are_listed_oldest_first", "the answer is without the secret's ARN"),
    ("versions_are_read_by_id_and_stage", "an unknown label is answered as an unknown secret"),
];

#[tokio::test(flavor = "multi_thread")]
async fn kms_on_moto() {
    let moto = Moto::start().await;
    let config = moto.config();
    let admin = aws_sdk_kms::Client::new(&config);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = admin.create_key().send().await.unwrap().key_metadata.unwrap();
        keys.push(KeyRef::parse(key.arn().unwrap()).unwrap());
    }
    let [key, other] = keys.try_into().unwrap();
    let subject = kms::Fixture { kms: Arc::new(AwsKms::new(&config)), cx: owner(), key, other };
    let failed = failing!(
        subject,
        kms::data_keys_come_back_by_decrypt,
        kms::plaintexts_of_all_sizes_come_back,
        kms::contexts_must_match_exactly,
        kms::damage_is_refused_and_looks_like_a_wrong_context,
        kms::the_key_demanded_must_be_the_key_used,
        kms::re_encrypt_moves_between_keys_and_contexts,
        kms::unknown_keys_are_not_found,
        kms::answers_name_the_key_by_arn,
    );
    compare(&failed, &[]);
    kms::concurrent_use_is_fine(&subject);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_on_moto() {
    use store::{batch, lists, policies, secrets, stages, values};
    let moto = Moto::start().await;
    let secrets_manager = SecretsManagerStore::new(&moto.config());
    let subject = store::Fixture { store: Arc::new(secrets_manager), cx: owner() };
    let failed = failing!(
        subject,
        values::a_secret_is_made_and_read,
        values::values_of_all_kinds_and_sizes_come_back,
        values::versions_are_read_by_id_and_stage,
        values::a_repeat_with_the_same_token_changes_nothing,
        values::bad_input_is_named_and_changes_nothing,
        stages::a_put_moves_current_and_previous,
        stages::labels_named_in_a_put_move_alone,
        stages::a_rollback_swaps_the_two_labels,
        stages::refused_moves_change_nothing,
        stages::twenty_labels_are_the_most,
        secrets::secrets_are_found_by_name_and_arn,
        secrets::unknown_things_are_not_found,
        secrets::metadata_is_updated_and_described,
        secrets::tags_are_added_changed_and_removed,
        secrets::deleted_secrets_can_be_restored,
        secrets::deletion_at_once_frees_the_name,
        lists::lists_are_paged_and_sorted,
        lists::pages_are_stable_while_secrets_come_and_go,
        lists::filters_choose_secrets,
        lists::versions_are_listed_oldest_first,
        lists::reads_are_dated,
        batch::several_values_are_read_at_once,
        batch::values_are_found_by_filters,
        batch::passwords_are_as_asked_for,
        policies::policies_are_kept_and_checked,
    );
    compare(&failed, &OTHERWISE);
}

/// What moto does as AWS does: the life of a secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_life_on_moto() {
    let moto = Moto::start().await;
    let store = SecretsManagerStore::new(&moto.config());
    let (cx, id) = (owner(), SecretId::new("prod/db"));
    let token = VersionId::new("00000000-0000-4000-8000-000000000001");
    let create = CreateSecret::new("prod/db").value(SecretValue::text("one")).tag("team", "orders");
    let made = store.create_secret(&cx, create).await.unwrap();
    // (It takes a second CreateSecret of the same name for another version; AWS refuses it.)
    let put = || PutSecretValue::new("prod/db", SecretValue::binary(vec![0, 255])).token(token.clone());
    for _ in 0..2 {
        assert_eq!(store.put_secret_value(&cx, put()).await.unwrap().version_id, token);
    }
    let now = store.get_secret_value(&cx, GetSecretValue::new("prod/db")).await.unwrap();
    assert_eq!((now.expose_bytes(), &now.arn), (&[0, 255][..], &made.arn));
    let old = GetSecretValue::new("prod/db").stage(Stage::PREVIOUS);
    assert_eq!(store.get_secret_value(&cx, old).await.unwrap().expose_text().unwrap(), "one");
    store.tag_resource(&cx, &id, vec![Tag::new("tier", "gold")]).await.unwrap();
    store.untag_resource(&cx, &id, vec!["team".to_owned()]).await.unwrap();
    let described = store.describe_secret(&cx, &id).await.unwrap();
    assert_eq!(described.tags, Some(vec![Tag::new("tier", "gold")]));
    assert_eq!(described.versions[&token], [Stage::CURRENT].into());
    let listed = ListSecrets::new().filter(Filter::new(FilterKey::Name, ["prod/"]));
    assert_eq!(store.list_secrets(&cx, listed).await.unwrap().secrets.len(), 1);
    store.delete_secret(&cx, DeleteSecret::new("prod/db").recovery_window_days(7)).await.unwrap();
    let error = store.get_secret_value(&cx, GetSecretValue::new("prod/db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MarkedForDeletion, "{error}");
    store.restore_secret(&cx, &id).await.unwrap();
    store.delete_secret(&cx, DeleteSecret::new("prod/db").force()).await.unwrap();
    let error = store.get_secret_value(&cx, GetSecretValue::new("prod/db")).await.unwrap_err();
    assert_eq!(error.message(), "Secrets Manager can't find the specified secret.");
}

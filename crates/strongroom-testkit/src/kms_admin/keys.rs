//! Keys: created, described, listed, disabled, deleted, rotated.

use strongroom_kms::{
    CreateKey, DescribeKey, ErrorKind, KeyManager, KeyOrigin, KeyRef, KeySpec, KeyState, KeyUsage, ListPage,
    Operation,
};

use super::{Fixture, by_id, no_key, refused};

/// A key is what was asked for, at once, under its id and its ARN.
pub async fn created_keys_are_described_and_listed(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let request = CreateKey::new().description("conformance");
    let made = kms.create_key(cx, request).await.expect("a key can be created");
    assert_eq!(
        (made.state, made.spec, made.usage, made.manager, made.origin),
        (
            KeyState::Enabled,
            KeySpec::SymmetricDefault,
            KeyUsage::EncryptDecrypt,
            KeyManager::Customer,
            KeyOrigin::AwsKms
        )
    );
    assert_eq!((made.description.as_str(), made.deletion_date), ("conformance", None));
    for name in [by_id(&made), KeyRef::Arn(made.arn.clone(), made.id.clone())] {
        let told = subject.describe(&name).await;
        assert_eq!((&told.id, &told.arn, &told.description), (&made.id, &made.arn, &made.description));
    }
    assert!(made.arn.as_str().ends_with(&format!("key/{}", made.id)), "{}", made.arn);
    let another = subject.key().await;
    assert_ne!(another.id, made.id, "every call creates another key");
    let listed = kms.list_keys(cx, &ListPage::first().limit(1000)).await.expect("keys can be listed");
    for key in [&made, &another] {
        let found = listed.keys.iter().filter(|entry| entry.id == key.id && entry.arn == key.arn).count();
        assert_eq!(found, 1, "a key is listed once");
    }
}

/// Pages hold at most what was asked for, give every key once, and refuse what is no page.
pub async fn keys_are_listed_page_by_page(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(subject.key().await.id);
    }
    let (mut page, mut seen) = (ListPage::first().limit(2), Vec::new());
    loop {
        let found = kms.list_keys(cx, &page).await.expect("a page");
        assert!(found.keys.len() <= 2, "a page holds no more than was asked for");
        seen.extend(found.keys.into_iter().map(|entry| entry.id));
        assert!(seen.len() < 10_000, "the listing ends");
        match found.next_marker {
            Some(marker) => page = ListPage::after(marker).limit(2),
            None => break,
        }
    }
    for id in &made {
        assert_eq!(seen.iter().filter(|seen| *seen == id).count(), 1, "{id} is listed once");
    }
    for limit in [0, 1001] {
        let page = ListPage::first().limit(limit);
        let answer = kms.list_keys(cx, &page).await;
        refused(answer, Operation::ListKeys, ErrorKind::Validation, "a limit out of bounds");
    }
    let answer = kms.list_keys(cx, &ListPage::after("")).await;
    refused(answer, Operation::ListKeys, ErrorKind::InvalidMarker, "an empty marker");
}

/// At most 8,192 characters, and a refused change changes nothing.
pub async fn descriptions_change_and_have_a_limit(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let key = by_id(&subject.key().await);
    kms.update_key_description(cx, &key, "another").await.expect("a description can change");
    assert_eq!(subject.describe(&key).await.description, "another");
    let answer = kms.update_key_description(cx, &key, &"x".repeat(8193)).await;
    refused(answer, Operation::UpdateKeyDescription, ErrorKind::Validation, "a description too long");
    assert_eq!(subject.describe(&key).await.description, "another", "a refusal changes nothing");
    kms.update_key_description(cx, &key, "").await.expect("a description can be empty");
    assert_eq!(subject.describe(&key).await.description, "");
}

/// Neither encrypts nor decrypts while disabled; both are safe to repeat.
pub async fn disabled_keys_are_not_used_until_they_are_enabled(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let key = by_id(&subject.key().await);
    let sealed = subject.encrypt(&key).await.expect("an enabled key encrypts");
    for _ in 0..2 {
        kms.disable_key(cx, &key).await.expect("disabling can be repeated");
        assert_eq!(subject.state(&key).await, KeyState::Disabled);
    }
    let encrypted = subject.encrypt(&key).await;
    refused(encrypted, Operation::Encrypt, ErrorKind::Disabled, "a disabled key does not encrypt");
    let decrypted = subject.decrypt(&sealed).await;
    refused(decrypted, Operation::Decrypt, ErrorKind::Disabled, "a disabled key does not decrypt");
    for _ in 0..2 {
        kms.enable_key(cx, &key).await.expect("enabling can be repeated");
        assert_eq!(subject.state(&key).await, KeyState::Enabled);
    }
    assert_eq!(subject.decrypt(&sealed).await.expect("it decrypts again"), b"plaintext");
}

/// Seven to thirty days; the key cannot be used meanwhile, and is disabled once it is saved.
pub async fn deletion_is_scheduled_and_cancelled(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let made = subject.key().await;
    let key = by_id(&made);
    let sealed = subject.encrypt(&key).await.expect("an enabled key encrypts");
    let cancelled = kms.cancel_key_deletion(cx, &key).await;
    let operation = Operation::CancelKeyDeletion;
    refused(cancelled, operation, ErrorKind::InvalidState, "no deletion is scheduled");
    for days in [6, 31] {
        let answer = kms.schedule_key_deletion(cx, &key, Some(days)).await;
        refused(answer, Operation::ScheduleKeyDeletion, ErrorKind::Validation, "a window out of bounds");
        assert_eq!(subject.state(&key).await, KeyState::Enabled, "a refusal changes nothing");
    }
    let planned = kms.schedule_key_deletion(cx, &key, Some(7)).await.expect("deletion can be scheduled");
    assert_eq!((&planned.key_arn, planned.pending_window_days), (&made.arn, 7));
    assert_eq!(planned.state, KeyState::PendingDeletion);
    let told = subject.describe(&key).await;
    assert_eq!((told.state, told.deletion_date), (KeyState::PendingDeletion, Some(planned.deletion_date)));
    let again = kms.schedule_key_deletion(cx, &key, Some(7)).await;
    refused(again, Operation::ScheduleKeyDeletion, ErrorKind::InvalidState, "it is scheduled already");
    let encrypted = subject.encrypt(&key).await;
    refused(encrypted, Operation::Encrypt, ErrorKind::InvalidState, "a doomed key does not encrypt");
    let decrypted = subject.decrypt(&sealed).await;
    refused(decrypted, Operation::Decrypt, ErrorKind::InvalidState, "a doomed key does not decrypt");
    let enabled = kms.enable_key(cx, &key).await;
    refused(enabled, Operation::EnableKey, ErrorKind::InvalidState, "a doomed key is not enabled");
    let saved = kms.cancel_key_deletion(cx, &key).await.expect("deletion can be cancelled");
    assert_eq!(saved, made.arn);
    let told = subject.describe(&key).await;
    assert_eq!((told.state, told.deletion_date), (KeyState::Disabled, None), "a saved key is disabled");
    kms.enable_key(cx, &key).await.expect("a saved key can be enabled");
    assert_eq!(subject.decrypt(&sealed).await.expect("nothing is lost"), b"plaintext");
}

/// New material encrypts, and what older material encrypted still opens.
pub async fn rotation_on_demand_keeps_old_ciphertexts(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let made = subject.key().await;
    let key = by_id(&made);
    let old = subject.encrypt(&key).await.expect("it encrypts");
    let rotated = kms.rotate_key_on_demand(cx, &key).await.expect("a symmetric key rotates");
    assert_eq!(rotated, made.arn);
    let new = subject.encrypt(&key).await.expect("it encrypts");
    for sealed in [&old, &new] {
        assert_eq!(subject.decrypt(sealed).await.expect("all material decrypts"), b"plaintext");
    }
    kms.disable_key(cx, &key).await.expect("a key can be disabled");
    let answer = kms.rotate_key_on_demand(cx, &key).await;
    refused(answer, Operation::RotateKeyOnDemand, ErrorKind::Disabled, "a disabled key does not rotate");
}

/// Every operation on a key says so of a key that does not exist.
pub async fn unknown_keys_are_not_found(subject: &Fixture) {
    let (kms, cx, key) = (&subject.kms, &subject.cx, &no_key());
    let missing = ErrorKind::NotFound;
    let why = "no such key";
    refused(kms.describe_key(cx, DescribeKey::new(key)).await, Operation::DescribeKey, missing, why);
    let described = kms.update_key_description(cx, key, "x").await;
    refused(described, Operation::UpdateKeyDescription, missing, why);
    refused(kms.enable_key(cx, key).await, Operation::EnableKey, missing, why);
    refused(kms.disable_key(cx, key).await, Operation::DisableKey, missing, why);
    let scheduled = kms.schedule_key_deletion(cx, key, None).await;
    refused(scheduled, Operation::ScheduleKeyDeletion, missing, why);
    refused(kms.cancel_key_deletion(cx, key).await, Operation::CancelKeyDeletion, missing, why);
    refused(kms.rotate_key_on_demand(cx, key).await, Operation::RotateKeyOnDemand, missing, why);
    let name = super::alias("alias/conformance-of-nothing");
    refused(kms.create_alias(cx, &name, key).await, Operation::CreateAlias, missing, why);
    let listed = kms.list_aliases(cx, Some(key), &ListPage::first()).await;
    refused(listed, Operation::ListAliases, missing, why);
}

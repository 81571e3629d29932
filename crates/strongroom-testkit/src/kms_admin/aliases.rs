//! Aliases: created, moved, deleted, listed, and refused where only ids are allowed.

use strongroom_kms::{AliasEntry, DescribeKey, ErrorKind, KeyRef, ListPage, Operation};

use super::{Fixture, alias, by_id, refused};

/// An alias names its key from the moment it is created until it is moved or deleted.
pub async fn aliases_name_keys_until_they_are_moved_or_deleted(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let (one, other) = (subject.key().await, subject.key().await);
    let name = alias("alias/conformance/one");
    let named = KeyRef::from(name.clone());
    let updated = kms.update_alias(cx, &name, &by_id(&one)).await;
    refused(updated, Operation::UpdateAlias, ErrorKind::NotFound, "no such alias");
    let deleted = kms.delete_alias(cx, &name).await;
    refused(deleted, Operation::DeleteAlias, ErrorKind::NotFound, "no such alias");

    kms.create_alias(cx, &name, &by_id(&one)).await.expect("an alias can be created");
    assert_eq!(subject.describe(&named).await.id, one.id);
    let sealed = subject.encrypt(&named).await.expect("it encrypts by its alias");
    let again = kms.create_alias(cx, &name, &by_id(&other)).await;
    refused(again, Operation::CreateAlias, ErrorKind::AlreadyExists, "the name is taken");
    assert_eq!(subject.describe(&named).await.id, one.id, "a refusal changes nothing");

    kms.update_alias(cx, &name, &by_id(&other)).await.expect("an alias can be moved");
    assert_eq!(subject.describe(&named).await.id, other.id);
    assert_eq!(subject.decrypt(&sealed).await.expect("a ciphertext names its key"), b"plaintext");

    kms.delete_alias(cx, &name).await.expect("an alias can be deleted");
    let described = kms.describe_key(cx, DescribeKey::new(&named)).await;
    refused(described, Operation::DescribeKey, ErrorKind::NotFound, "the alias is gone");
    subject.describe(&by_id(&other)).await;
}

/// AWS's own names, and aliases of aliases.
pub async fn names_that_no_alias_may_have_are_refused(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let key = by_id(&subject.key().await);
    let reserved = alias("alias/aws/conformance");
    let created = kms.create_alias(cx, &reserved, &key).await;
    refused(created, Operation::CreateAlias, ErrorKind::NotAuthorized, "alias/aws/ is AWS's");
    let name = alias("alias/conformance/target");
    kms.create_alias(cx, &name, &key).await.expect("an alias can be created");
    let of_alias = kms.create_alias(cx, &alias("alias/conformance/of-alias"), &name.into()).await;
    refused(of_alias, Operation::CreateAlias, ErrorKind::Validation, "an alias names a key");
}

/// Each alias is in the list of all and in that of its key, once, on pages of any size.
pub async fn aliases_are_listed_by_key_and_page_by_page(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let (key, other) = (subject.key().await, subject.key().await);
    let names: Vec<_> = (0..5).map(|number| alias(&format!("alias/conformance/{number}"))).collect();
    for name in &names {
        kms.create_alias(cx, name, &by_id(&key)).await.expect("an alias can be created");
    }
    for of in [None, Some(by_id(&key))] {
        let all = all_aliases(subject, of.as_ref()).await;
        for name in &names {
            let found: Vec<_> = all.iter().filter(|entry| entry.name == *name).collect();
            assert_eq!(found.len(), 1, "{name} is listed once");
            assert_eq!(found[0].target.as_ref(), Some(&key.id));
            assert!(found[0].created.is_some() && found[0].arn.as_str().ends_with(name.as_str()));
        }
    }
    assert!(all_aliases(subject, Some(&by_id(&other))).await.is_empty(), "another key has none of them");
    for limit in [0, 101] {
        let answer = kms.list_aliases(cx, None, &ListPage::first().limit(limit)).await;
        refused(answer, Operation::ListAliases, ErrorKind::Validation, "a limit out of bounds");
    }
}

async fn all_aliases(subject: &Fixture, key: Option<&KeyRef>) -> Vec<AliasEntry> {
    let (mut page, mut seen) = (ListPage::first().limit(2), Vec::new());
    loop {
        let found = subject.kms.list_aliases(&subject.cx, key, &page).await.expect("a page");
        assert!(found.aliases.len() <= 2, "a page holds no more than was asked for");
        seen.extend(found.aliases);
        assert!(seen.len() < 10_000, "the listing ends");
        match found.next_marker {
            Some(marker) => page = ListPage::after(marker).limit(2),
            None => return seen,
        }
    }
}

/// Management names a key by its id or ARN; an alias is refused, whether it exists or not.
pub async fn aliases_are_refused_where_only_ids_are_allowed(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let made = subject.key().await;
    let name = alias("alias/conformance/managed");
    kms.create_alias(cx, &name, &by_id(&made)).await.expect("an alias can be created");
    for name in [name, alias("alias/conformance/of-no-key")] {
        let key = &KeyRef::from(name);
        let (kind, why) = (ErrorKind::InvalidArn, "an alias is refused");
        let described = kms.update_key_description(cx, key, "x").await;
        refused(described, Operation::UpdateKeyDescription, kind, why);
        refused(kms.enable_key(cx, key).await, Operation::EnableKey, kind, why);
        refused(kms.disable_key(cx, key).await, Operation::DisableKey, kind, why);
        let scheduled = kms.schedule_key_deletion(cx, key, None).await;
        refused(scheduled, Operation::ScheduleKeyDeletion, kind, why);
        refused(kms.cancel_key_deletion(cx, key).await, Operation::CancelKeyDeletion, kind, why);
        refused(kms.rotate_key_on_demand(cx, key).await, Operation::RotateKeyOnDemand, kind, why);
        let listed = kms.list_aliases(cx, Some(key), &ListPage::first()).await;
        refused(listed, Operation::ListAliases, kind, why);
    }
    let told = subject.describe(&by_id(&made)).await;
    assert_eq!((told.state, told.description), (made.state, made.description), "nothing was changed");
}

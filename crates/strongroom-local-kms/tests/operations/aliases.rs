//! §6: aliases.

use strongroom_kms::{AliasName, DescribeKey, Encrypt, ListPage};

use super::*;

fn alias(name: &str) -> AliasName {
    AliasName::parse(name).unwrap()
}

impl World {
    async fn name(&self, name: &str, key: &KeyMetadata) -> Result<(), Error> {
        self.kms.create_alias(&self.cx, &alias(name), &by_id(key)).await
    }

    async fn repoint(&self, name: &str, key: &KeyMetadata) -> Result<(), Error> {
        self.kms.update_alias(&self.cx, &alias(name), &by_id(key)).await
    }

    async fn behind(&self, name: &str) -> Result<KeyMetadata, Error> {
        self.kms.describe_key(&self.cx, DescribeKey::new(&alias(name).into())).await
    }

    fn alias_arn(&self, name: &str) -> String {
        format!("arn:aws:kms:us-east-1:000000000000:{name}")
    }
}

#[test]
fn an_alias_must_start_with_its_prefix() {
    let text = "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
    for name in ["orders", "Alias/orders", "aliasorders"] {
        refused(AliasName::parse(name), ErrorKind::Validation, text);
    }
}

/// The service model's pattern, as AWS tells its constraints. That it lets colons pass and
/// CreateAlias does not was recorded on AWS.
#[tokio::test]
async fn an_alias_has_known_characters_and_a_length() {
    let world = World::new().await;
    let key = world.key().await;
    let longest = format!("alias/{}", "a".repeat(250));
    assert!(AliasName::parse(&longest).is_ok());
    assert!(AliasName::parse("alias/a/b/c_d-9").is_ok());
    let pattern = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
    let length = "Member must have length less than or equal to 256";
    let over = format!("{longest}a");
    for (name, constraint) in
        [("alias/a b", pattern), ("alias/ä", pattern), ("alias/a.b", pattern), (&*over, length)]
    {
        let text = format!(
            "1 validation error detected: Value '{name}' at 'aliasName' failed to satisfy constraint: {constraint}"
        );
        refused(AliasName::parse(name), ErrorKind::Validation, &text);
    }
    let text = "alias/my:alias contains invalid characters for an alias";
    refused(world.name("alias/my:alias", &key).await, ErrorKind::Validation, text);
    let named = world.kms.create_named_key(&world.cx, CreateKey::new(), &alias("alias/my:alias")).await;
    refused(named, ErrorKind::Validation, text);
    let text = format!("Alias {} is not found.", world.alias_arn("alias/my:alias"));
    refused(world.repoint("alias/my:alias", &key).await, ErrorKind::NotFound, &text);
    refused(world.behind("alias/my:alias").await, ErrorKind::NotFound, &text);
}

#[tokio::test]
async fn reserved_aliases_are_not_the_customers() {
    let world = World::new().await;
    let key = world.key().await;
    for name in ["alias/aws/mine", "alias/aws/secretsmanager"] {
        refused(world.name(name, &key).await, ErrorKind::NotAuthorized, "");
        refused(world.kms.delete_alias(&world.cx, &alias(name)).await, ErrorKind::NotAuthorized, "");
    }
    world.name("alias/awsome", &key).await.expect("only what begins alias/aws/ is reserved");
}

#[tokio::test]
async fn a_taken_alias() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    world.name("alias/a", &one).await.unwrap();
    let text = format!("An alias with the name {} already exists", world.alias_arn("alias/a"));
    refused(world.name("alias/a", &two).await, ErrorKind::AlreadyExists, &text);
    refused(world.name("alias/a", &one).await, ErrorKind::AlreadyExists, &text);
    assert_eq!(world.behind("alias/a").await.unwrap().id, one.id);
}

#[tokio::test]
async fn an_alias_refers_to_no_alias() {
    let world = World::new().await;
    let key = world.key().await;
    world.name("alias/a", &key).await.unwrap();
    let text = "Aliases must refer to keys. Not aliases";
    for target in ["alias/a", &world.alias_arn("alias/a")] {
        let target = KeyRef::parse(target).unwrap();
        let created = world.kms.create_alias(&world.cx, &alias("alias/b"), &target).await;
        refused(created, ErrorKind::Validation, text);
        let updated = world.kms.update_alias(&world.cx, &alias("alias/a"), &target).await;
        refused(updated, ErrorKind::Validation, text);
    }
}

#[tokio::test]
async fn an_alias_of_an_unknown_key() {
    let world = World::new().await;
    let id = "00000000-0000-4000-8000-000000000000";
    let target = KeyRef::parse(id).unwrap();
    let text = format!("Key '{}' does not exist", world.alias_arn(&format!("key/{id}")));
    let created = world.kms.create_alias(&world.cx, &alias("alias/a"), &target).await;
    refused(created, ErrorKind::NotFound, &text);
    let elsewhere = KeyRef::parse(&format!("arn:aws:kms:eu-west-1:000000000000:key/{id}")).unwrap();
    let created = world.kms.create_alias(&world.cx, &alias("alias/a"), &elsewhere).await;
    refused(created, ErrorKind::NotFound, "Invalid arn eu-west-1");
    assert!(world.behind("alias/a").await.is_err());
}

#[tokio::test]
async fn a_key_pending_deletion_gets_no_alias_but_may_lose_one() {
    let world = World::new().await;
    let (going, staying) = (world.key().await, world.key().await);
    world.name("alias/a", &going).await.unwrap();
    world.name("alias/b", &going).await.unwrap();
    world.name("alias/c", &staying).await.unwrap();
    world.kms.schedule_key_deletion(&world.cx, &by_id(&going), None).await.unwrap();
    let text = format!("{} is pending deletion.", going.arn);
    refused(world.name("alias/d", &going).await, ErrorKind::InvalidState, &text);
    refused(world.repoint("alias/c", &going).await, ErrorKind::InvalidState, &text);
    world.repoint("alias/a", &staying).await.unwrap();
    world.kms.delete_alias(&world.cx, &alias("alias/b")).await.unwrap();
    assert_eq!(world.behind("alias/a").await.unwrap().id, staying.id);
}

#[tokio::test]
async fn update_moves_an_alias_and_keeps_its_creation_date() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    world.name("alias/a", &one).await.unwrap();
    let listed = |page: strongroom_kms::AliasPage| page.aliases.into_iter().next().unwrap();
    let before =
        listed(world.kms.list_aliases(&world.cx, Some(&by_id(&one)), &ListPage::first()).await.unwrap());
    assert_eq!(before.created, before.updated);
    world.clock.advance(DAY);
    world.repoint("alias/a", &two).await.unwrap();
    let of_one = world.kms.list_aliases(&world.cx, Some(&by_id(&one)), &ListPage::first()).await.unwrap();
    assert_eq!(of_one.aliases, []);
    let after =
        listed(world.kms.list_aliases(&world.cx, Some(&by_id(&two)), &ListPage::first()).await.unwrap());
    assert_eq!(
        (after.created, after.updated),
        (before.created, before.updated.map(|moment| moment.after(DAY)))
    );
    assert_eq!((after.target, after.arn.to_string()), (Some(two.id), world.alias_arn("alias/a")));
}

#[tokio::test]
async fn an_alias_moves_between_keys_of_one_usage_only() {
    let world = World::new().await;
    let (encrypts, macs) = (world.key().await, world.hmac(KeySpec::Hmac256).await);
    let others = world.hmac(KeySpec::Hmac512).await;
    world.name("alias/a", &encrypts).await.unwrap();
    world.name("alias/m", &macs).await.unwrap();
    for (name, key) in [("alias/a", &macs), ("alias/m", &encrypts)] {
        let text = format!(
            "The key usage of {} is not that of the key that {} refers to.",
            key.arn,
            world.alias_arn(name)
        );
        refused(world.repoint(name, key).await, ErrorKind::InvalidState, &text);
    }
    assert_eq!(world.behind("alias/a").await.unwrap().id, encrypts.id);
    world.repoint("alias/m", &others).await.expect("another key for MACs");
}

#[tokio::test]
async fn an_unknown_alias() {
    let world = World::new().await;
    let key = world.key().await;
    let text = format!("Alias {} is not found.", world.alias_arn("alias/a"));
    refused(world.repoint("alias/a", &key).await, ErrorKind::NotFound, &text);
    refused(world.kms.delete_alias(&world.cx, &alias("alias/a")).await, ErrorKind::NotFound, &text);
    refused(world.behind("alias/a").await, ErrorKind::NotFound, &text);
    let arn = KeyRef::parse(&world.alias_arn("alias/a")).unwrap();
    let context = EncryptionContext::new();
    let sealed = world.kms.encrypt(&world.cx, Encrypt::new(&arn, b"x").context(&context)).await;
    refused(sealed, ErrorKind::NotFound, &text);
}

#[tokio::test]
async fn delete_leaves_the_key() {
    let world = World::new().await;
    let key = world.key().await;
    world.name("alias/a", &key).await.unwrap();
    let by_arn = KeyRef::parse(&world.alias_arn("alias/a")).unwrap();
    let context = EncryptionContext::new();
    let sealed =
        world.kms.encrypt(&world.cx, Encrypt::new(&by_arn, b"plaintext").context(&context)).await.unwrap();
    world.kms.delete_alias(&world.cx, &alias("alias/a")).await.unwrap();
    assert_eq!(world.decrypt(&sealed.ciphertext).await.unwrap(), b"plaintext");
    world.name("alias/a", &key).await.expect("the name is free again");
}

#[tokio::test]
async fn a_key_has_fifty_aliases_at_most() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    for n in 0..50 {
        world.name(&format!("alias/{n:02}"), &key).await.unwrap();
    }
    world.name("alias/x", &other).await.unwrap();
    assert_eq!(world.name("alias/50", &key).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(world.repoint("alias/x", &key).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
    world.repoint("alias/00", &key).await.expect("it is the key's already");
    world.kms.delete_alias(&world.cx, &alias("alias/00")).await.unwrap();
    world.repoint("alias/x", &key).await.expect("there is room for one");
}

#[tokio::test]
async fn aliases_are_listed_page_by_page() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    for (name, key) in [("alias/a", &one), ("alias/b", &two), ("alias/x", &one)] {
        world.name(name, key).await.unwrap();
    }
    let names = |page: &strongroom_kms::AliasPage| {
        page.aliases.iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>()
    };
    let first = world.kms.list_aliases(&world.cx, None, &ListPage::first().limit(2)).await.unwrap();
    assert_eq!(names(&first), ["alias/a", "alias/aws/acm"]);
    let rest = ListPage::after(first.next_marker.unwrap());
    let rest = world.kms.list_aliases(&world.cx, None, &rest).await.unwrap();
    assert_eq!((rest.aliases.len(), rest.next_marker.clone()), (15, None));
    assert_eq!(names(&rest)[12..], ["alias/aws/xray", "alias/b", "alias/x"]);
    let of_one = world.kms.list_aliases(&world.cx, Some(&by_id(&one)), &ListPage::first()).await.unwrap();
    assert_eq!(names(&of_one), ["alias/a", "alias/x"]);
    for limit in [0, 101] {
        let listed = world.kms.list_aliases(&world.cx, None, &ListPage::first().limit(limit)).await;
        assert_eq!(listed.unwrap_err().kind(), ErrorKind::Validation);
    }
}

/// AWS documents that ListAliases shows predefined aliases without a target, and that the first use
/// of one makes its key.
#[tokio::test]
async fn predefined_aliases_are_listed_without_a_target_until_their_first_use() {
    let world = World::new().await;
    let service = world.kms.for_service(strongroom_types::Service::SecretsManager);
    let whole = async || {
        world.kms.list_aliases(&world.cx, None, &ListPage::first().limit(100)).await.unwrap().aliases
    };
    let fresh = whole().await;
    assert!(fresh.iter().all(|entry| entry.name.is_reserved() && entry.target.is_none()));
    assert!(fresh.iter().all(|entry| entry.created.is_none() && entry.updated.is_none()));
    let managed = AliasName::parse("alias/aws/secretsmanager").unwrap();
    for name in [&managed, &AliasName::parse("alias/aws/ssm").unwrap()] {
        let entry = fresh.iter().find(|entry| entry.name == *name).unwrap();
        assert_eq!(entry.arn, name.arn(world.kms.realm()));
    }
    let key = service.describe_key(&world.cx, DescribeKey::new(&managed.clone().into())).await.unwrap();
    let used = whole().await;
    assert_eq!(used.len(), fresh.len(), "it is shown once");
    let entry = used.iter().find(|entry| entry.name == managed).unwrap();
    assert_eq!((entry.target.as_ref(), entry.created), (Some(&key.id), Some(world.clock.now())));
    // Those of a key are those that there are.
    let own = world.key().await;
    for (key, names) in [(&key, vec![managed]), (&own, vec![])] {
        let found = world.kms.list_aliases(&world.cx, Some(&by_id(key)), &ListPage::first()).await.unwrap();
        assert_eq!(found.aliases.into_iter().map(|entry| entry.name).collect::<Vec<_>>(), names);
    }
}

/// What is listed can be described: the account reads its metadata, and nobody uses it but the service.
#[tokio::test]
async fn describing_a_predefined_alias_makes_its_key() {
    let world = World::new().await;
    let page = ListPage::first().limit(100);
    for entry in world.kms.list_aliases(&world.cx, None, &page).await.unwrap().aliases {
        let alias = entry.name.as_str();
        let key = world.behind(alias).await.unwrap();
        assert_eq!(world.behind(alias).await.unwrap().id, key.id);
        assert_eq!(key.manager, strongroom_kms::KeyManager::Aws);
        assert!(key.description.starts_with("Default key that protects my "), "{}", key.description);
        let (named, empty) = (entry.name.clone().into(), EncryptionContext::new());
        let sealed = world.kms.encrypt(&world.cx, Encrypt::new(&named, b"x").context(&empty)).await;
        assert_eq!(sealed.unwrap_err().kind(), ErrorKind::AccessDenied, "{alias}");
        let disabled = world.kms.disable_key(&world.cx, &by_id(&key)).await;
        assert_eq!(disabled.unwrap_err().kind(), ErrorKind::AccessDenied, "{alias}");
        world.kms.get_key_policy(&world.cx, &by_id(&key), None).await.unwrap();
    }
    let listed = world.kms.list_aliases(&world.cx, None, &page).await.unwrap().aliases;
    assert!(listed.len() == 14 && listed.iter().all(|entry| entry.target.is_some()));
    let keys = world.kms.list_keys(&world.cx, &ListPage::first()).await.unwrap().keys;
    assert_eq!(keys.len(), 14);
    assert!(world.kms.verify().await.unwrap().problems.is_empty());
}

/// Whatever the size of the pages, and wherever the aliases there are stand among the predefined.
#[tokio::test]
async fn pages_of_any_size_have_every_alias_once_and_in_order() {
    let world = World::new().await;
    let key = world.key().await;
    let own = ["alias/a", "alias/aw", "alias/aws-mine", "alias/awsz", "alias/b", "alias/c"];
    for name in own {
        world.name(name, &key).await.unwrap();
    }
    let service = world.kms.for_service(strongroom_types::Service::ParameterStore);
    let ssm = KeyRef::parse("alias/aws/ssm").unwrap();
    service.describe_key(&world.cx, DescribeKey::new(&ssm)).await.unwrap();
    for limit in 1..=25 {
        let (mut names, mut page) = (Vec::new(), ListPage::first().limit(limit));
        loop {
            let found = world.kms.list_aliases(&world.cx, None, &page).await.unwrap();
            assert!(found.aliases.len() <= limit);
            names.extend(found.aliases.into_iter().map(|entry| entry.name.to_string()));
            let Some(marker) = found.next_marker else { break };
            page = ListPage::after(marker).limit(limit);
        }
        assert!(names.is_sorted_by(|one, other| one < other), "{limit}: {names:?}");
        assert_eq!(names.len(), 14 + own.len(), "{limit}: {names:?}");
        assert!(own.iter().all(|name| names.iter().any(|found| found == name)));
    }
}

#[tokio::test]
async fn aliases_of_an_unknown_key() {
    let world = World::new().await;
    let key = KeyRef::parse("00000000-0000-4000-8000-000000000000").unwrap();
    let listed = world.kms.list_aliases(&world.cx, Some(&key), &ListPage::first()).await;
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::NotFound);
}

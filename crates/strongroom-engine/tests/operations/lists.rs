//! §6.8 and §9: listings.

use strongroom_store::{Filter, FilterKey, ListSecretVersionIds, ListSecrets, SortBy, SortOrder};

use super::*;

async fn names(world: &World, mut request: ListSecrets) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = world.engine.list_secrets(&world.cx, request.clone()).await.unwrap();
        names.extend(page.secrets.into_iter().map(|secret| secret.name));
        match page.next_token {
            Some(token) => request = request.next_token(token),
            None => return names,
        }
    }
}

#[tokio::test]
async fn the_default_order_is_creation_ascending() {
    let world = World::new().await;
    for name in ["b", "a", "c"] {
        world.create(CreateSecret::new(name)).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(names(&world, ListSecrets::new()).await, ["b", "a", "c"]);
    assert_eq!(
        names(&world, ListSecrets::new().sort(SortBy::Name, SortOrder::Ascending)).await,
        ["a", "b", "c"]
    );
}

/// Ties are broken by the order of creation, not by name: within one millisecond, while the clock steps back a little, after
/// reopening, by another process, in both directions and across pages.
#[tokio::test]
async fn secrets_of_one_millisecond_list_in_the_order_of_their_creation() {
    let world = World::new().await;
    let made = ["c", "a", "d", "b"];
    for name in &made[..2] {
        world.create(CreateSecret::new(*name).value(text("v"))).await.unwrap();
    }
    let other = world.another().await;
    other.create(CreateSecret::new("d")).await.unwrap();
    world.create(CreateSecret::new("b")).await.unwrap();
    let other = world.another().await;
    for world in [&world, &other] {
        for size in [1, 3, 100] {
            let request = ListSecrets::new().max_results(size);
            assert_eq!(names(world, request.clone()).await, made);
            let down = request.clone().sort(SortBy::CreatedDate, SortOrder::Descending);
            assert_eq!(names(world, down).await, ["b", "d", "a", "c"]);
            let some = request.filter(Filter::new(FilterKey::Name, ["a", "b", "c", "d"]));
            assert_eq!(names(world, some).await, made, "those that a filter finds by their names");
        }
    }
    let listed = world.engine.list_secrets(&world.cx, ListSecrets::new()).await.unwrap().secrets;
    let dates: Vec<i64> = listed.iter().map(|secret| secret.created.as_millis()).collect();
    assert!(dates.windows(2).all(|two| two[0] < two[1]) && dates[3] - dates[0] < 10, "{dates:?}");
    // A name that is made anew is the newest.
    world.engine.delete_secret(&world.cx, DeleteSecret::new("c").force()).await.unwrap();
    world.create(CreateSecret::new("c")).await.unwrap();
    assert_eq!(names(&world, ListSecrets::new()).await, ["a", "d", "b", "c"]);
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

/// A clock that once ran far ahead does not date everything that is made afterwards.
#[tokio::test]
async fn the_date_of_a_clock_that_was_wrong_is_not_followed() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let ahead = Arc::new(ManualClock::default());
    ahead.advance(DAY * 365);
    let wrong = World::over(Arc::clone(&records), ahead, EngineLimits::default()).await;
    wrong.create(CreateSecret::new("wrong")).await.unwrap();
    let right = World::over(records, Arc::new(ManualClock::default()), EngineLimits::default()).await;
    for name in ["z", "y"] {
        right.create(CreateSecret::new(name)).await.unwrap();
    }
    assert_eq!(names(&right, ListSecrets::new()).await, ["z", "y", "wrong"]);
    let age =
        |one: &SecretMetadata, other: &SecretMetadata| one.created.as_millis() - other.created.as_millis();
    let (wrong, z) = (right.describe("wrong").await.unwrap(), right.describe("z").await.unwrap());
    assert!(age(&wrong, &z) > 300 * 24 * 60 * 60 * 1000);
}

/// Creators of two handles on one file at once: none fails, and each finds its own in the order it made them.
#[test]
fn creators_at_once_do_not_keep_each_other_and_keep_their_own_order() {
    const EACH: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.sqlite3");
    let clock = Arc::new(ManualClock::default());
    let open = || {
        let records = pollster::block_on(strongroom_sqlite::SqliteRecords::open(&path)).unwrap();
        pollster::block_on(World::over(Arc::new(records), Arc::clone(&clock), EngineLimits::default()))
    };
    let worlds = [open(), open()];
    // The name of a later one sorts before that of an earlier one.
    let name = |who: usize, n: usize| format!("{:03}-{who}", EACH - n);
    std::thread::scope(|scope| {
        for who in 0..4 {
            let (world, name) = (&worlds[who % 2], &name);
            scope.spawn(move || {
                for n in 0..EACH {
                    pollster::block_on(world.create(CreateSecret::new(name(who, n)).value(text("v"))))
                        .unwrap();
                }
            });
        }
    });
    for world in [&worlds[0], &worlds[1], &open()] {
        let listed = pollster::block_on(names(world, ListSecrets::new().max_results(7)));
        assert_eq!(listed.len(), 4 * EACH);
        for who in 0..4 {
            let own: Vec<&String> = listed.iter().filter(|name| name.ends_with(&format!("-{who}"))).collect();
            let made: Vec<String> = (0..EACH).map(|n| name(who, n)).collect();
            assert_eq!(own, made.iter().collect::<Vec<_>>());
        }
        assert!(pollster::block_on(world.engine.verify(&world.cx)).unwrap().problems.is_empty());
    }
}

#[tokio::test]
async fn max_results_is_1_to_100() {
    let world = World::with_secret().await;
    for size in [0, 101, -1] {
        let result = world.engine.list_secrets(&world.cx, ListSecrets::new().max_results(size)).await;
        refused_with(result, ErrorKind::Validation, "at 'maxResults'");
        let request = ListSecretVersionIds::new("s").max_results(size);
        refused_with(
            world.engine.list_secret_version_ids(&world.cx, request).await,
            ErrorKind::Validation,
            "at 'maxResults'",
        );
    }
}

#[tokio::test]
async fn a_bad_token() {
    let world = World::with_secret().await;
    world.create(CreateSecret::new("t")).await.unwrap();
    let first = world.engine.list_secrets(&world.cx, ListSecrets::new().max_results(1)).await.unwrap();
    let token = first.next_token.unwrap();
    let message = "The NextToken value is invalid.";
    let other_queries = [
        ListSecrets::new().sort(SortBy::Name, SortOrder::Ascending),
        ListSecrets::new().sort(SortBy::CreatedDate, SortOrder::Descending),
        ListSecrets::new().include_planned_deletion(),
        ListSecrets::new().filter(Filter::new(FilterKey::Name, ["s"])),
    ];
    for request in other_queries {
        let result = world.engine.list_secrets(&world.cx, request.next_token(&token)).await;
        refused(result, ErrorKind::InvalidNextToken, message);
    }
    // AWS's model gives a token 1 to 4,096 characters.
    for (bad, bound) in
        [(String::new(), "greater than or equal to 1"), ("A".repeat(4097), "less than or equal to 4096")]
    {
        let violated =
            format!("at 'nextToken' failed to satisfy constraint: Member must have length {bound}");
        let result = world.engine.list_secrets(&world.cx, ListSecrets::new().next_token(&bad)).await;
        refused_with(result, ErrorKind::Validation, &violated);
        let request = ListSecretVersionIds::new("s").next_token(&bad);
        let result = world.engine.list_secret_version_ids(&world.cx, request).await;
        refused_with(result, ErrorKind::Validation, &violated);
    }
    for bad in ["x", &token[1..]] {
        let result = world.engine.list_secrets(&world.cx, ListSecrets::new().next_token(bad)).await;
        refused(result, ErrorKind::InvalidNextToken, message);
        let request = ListSecretVersionIds::new("s").next_token(bad);
        refused(
            world.engine.list_secret_version_ids(&world.cx, request).await,
            ErrorKind::InvalidNextToken,
            message,
        );
    }
    // Another page size goes on where the page before ended; another process may do it.
    let other = world.another().await;
    let rest =
        other.engine.list_secrets(&other.cx, ListSecrets::new().max_results(50).next_token(&token)).await;
    assert_eq!(rest.unwrap().secrets.len(), 1);
}

#[tokio::test]
async fn filters_without_values() {
    let world = World::with_secret().await;
    for key in FilterKey::EVERY {
        let request = ListSecrets::new().filter(Filter::new(key, [""; 0]));
        let message = format!("Invalid filter values for key: {key}");
        refused(world.engine.list_secrets(&world.cx, request).await, ErrorKind::InvalidParameter, &message);
    }
}

#[tokio::test]
async fn more_than_10_filters_or_values() {
    let world = World::with_secret().await;
    let one = || Filter::new(FilterKey::Name, ["s"]);
    let eleven = (0..11).fold(ListSecrets::new(), |request, _| request.filter(one()));
    refused_with(world.engine.list_secrets(&world.cx, eleven).await, ErrorKind::Validation, "at 'filters'");
    let values = ListSecrets::new().filter(Filter::new(FilterKey::Name, ["s"; 11]));
    refused_with(
        world.engine.list_secrets(&world.cx, values).await,
        ErrorKind::Validation,
        "at 'filters.1.member.values'",
    );
    let ten = (0..10).fold(ListSecrets::new(), |request, _| request.filter(one()));
    assert_eq!(names(&world, ten).await, ["s"]);
}

#[tokio::test]
async fn a_filter_value_out_of_bounds() {
    let world = World::with_secret().await;
    for value in ["a*".to_owned(), "é".to_owned(), "x".repeat(513)] {
        let request = ListSecrets::new().filter(Filter::new(FilterKey::All, [value]));
        refused_with(
            world.engine.list_secrets(&world.cx, request).await,
            ErrorKind::Validation,
            "at 'filters.1.member.values.1.member'",
        );
    }
}

#[tokio::test]
async fn two_filters_with_the_same_key_must_both_match() {
    let world = World::new().await;
    for name in ["ab", "ac"] {
        world.create(CreateSecret::new(name)).await.unwrap();
    }
    let request = ListSecrets::new()
        .filter(Filter::new(FilterKey::Name, ["a"]))
        .filter(Filter::new(FilterKey::Name, ["ac", "b"]));
    assert_eq!(names(&world, request).await, ["ac"]);
}

#[tokio::test]
async fn only_replicated_secrets_have_a_primary_region() {
    let world = World::with_secret().await;
    assert_eq!(world.describe("s").await.unwrap().primary_region, None);
    let request = ListSecrets::new().filter(Filter::new(FilterKey::PrimaryRegion, ["us"]));
    assert!(names(&world, request).await.is_empty());
}

/// More than a page looks at, of which a filter leaves few: pages may be empty and go on all the same, in every order. The
/// four orders are all different.
#[tokio::test]
async fn pages_that_find_nothing_go_on() {
    let world = World::new().await;
    // Made in an order that is not that of the names; 1301 and 2600 have no common divisor.
    for n in (0..2600).map(|n| n * 1301 % 2600) {
        let mut request = CreateSecret::new(format!("n/{n:04}"));
        if [7, 1307, 2007].contains(&n) {
            request = request.tag("rare", "yes").value(text("v"));
        }
        world.create(request).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    let place = |n: u32| (0..2600).position(|k| k * 1301 % 2600 == n).unwrap();
    let mut created = [7, 1307, 2007];
    created.sort_by_key(|n| place(*n));
    assert_eq!(created, [1307, 2007, 7], "another order than that of the names");
    for name in ["n/2007", "n/0007", "n/1307"] {
        let request = strongroom_store::UpdateSecret::new(name).description("changed");
        world.engine.update_secret(&world.cx, request).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    for name in ["n/1307", "n/0007"] {
        world.get(GetSecretValue::new(name)).await.unwrap();
        world.clock.advance(DAY);
    }
    world.engine.maintain().await.unwrap();
    let rare = Filter::new(FilterKey::TagKey, ["rare"]);
    let all = Filter::new(FilterKey::Name, ["n/"]);
    let few = Filter::new(FilterKey::Name, ["n/13", "n/0007", "n/200"]);
    let some = Filter::new(FilterKey::Name, ["n/0", "n/13", "n/20"]);
    for (by, expected) in [
        (SortBy::CreatedDate, ["n/1307", "n/2007", "n/0007"]),
        (SortBy::Name, ["n/0007", "n/1307", "n/2007"]),
        (SortBy::LastChangedDate, ["n/2007", "n/0007", "n/1307"]),
        (SortBy::LastAccessedDate, ["n/2007", "n/1307", "n/0007"]),
    ] {
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            let mut expected = expected.map(str::to_owned);
            if order == SortOrder::Descending {
                expected.reverse();
            }
            for size in [1, 2, 100] {
                let request = || ListSecrets::new().sort(by, order).filter(rare.clone()).max_results(size);
                assert_eq!(names(&world, request()).await, expected, "{by:?} {order:?} {size}");
                for also in [&all, &few, &some] {
                    let found = names(&world, request().filter(also.clone())).await;
                    assert_eq!(found, expected, "{by:?} {order:?} {size} {also:?}");
                }
            }
        }
    }
    let request = ListSecrets::new().filter(Filter::new(FilterKey::TagKey, ["absent"]));
    let first = world.engine.list_secrets(&world.cx, request).await.unwrap();
    assert!(first.secrets.is_empty() && first.next_token.is_some(), "an empty page with a token");
}

/// A listing begun while few secrets have the name goes on when many have it, and the other way round.
#[tokio::test]
async fn a_token_holds_whichever_way_the_page_is_found() {
    let world = World::new().await;
    let create = |n: u32| CreateSecret::new(format!("p/{:04}", n * 7919 % 10_000));
    for n in 0..60 {
        world.create(create(n)).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    let stay = names(&world, ListSecrets::new()).await;
    let request = || ListSecrets::new().filter(Filter::new(FilterKey::Name, ["p/"])).max_results(20);
    let first = world.engine.list_secrets(&world.cx, request()).await.unwrap();
    for n in 60..400 {
        world.create(create(n)).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    let second = request().next_token(first.next_token.unwrap());
    let second = world.engine.list_secrets(&world.cx, second).await.unwrap();
    for n in 60..400 {
        let name = create(n).name;
        world.engine.delete_secret(&world.cx, DeleteSecret::new(name).force()).await.unwrap();
    }
    let third = request().next_token(second.next_token.unwrap());
    let third = world.engine.list_secrets(&world.cx, third).await.unwrap();
    let found: Vec<String> = [first.secrets, second.secrets, third.secrets]
        .concat()
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    assert_eq!(found, stay);
    assert_eq!(third.next_token, None);
}

#[tokio::test]
async fn versions_are_listed_with_a_value_only_and_deprecated_ones_when_asked_for() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    world.put(3, "3").await;
    let listed = |request: ListSecretVersionIds| async {
        let page = world.engine.list_secret_version_ids(&world.cx, request).await.unwrap();
        page.versions
            .iter()
            .map(|version| (version.version_id.clone(), version.stages.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(ListSecretVersionIds::new("s")).await, [(token(2), 1), (token(3), 1)]);
    let all = ListSecretVersionIds::new("s").include_deprecated();
    assert_eq!(listed(all).await, [(token(1), 0), (token(2), 1), (token(3), 1)]);
    let empty = World::new().await;
    empty.create(CreateSecret::new("s")).await.unwrap();
    let page = empty.engine.list_secret_version_ids(&empty.cx, ListSecretVersionIds::new("s")).await.unwrap();
    assert!(page.versions.is_empty());
}

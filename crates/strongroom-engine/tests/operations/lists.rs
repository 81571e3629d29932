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
    for bad in ["", "x", &token[1..], &"A".repeat(4097)] {
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

/// More than a page looks at, of which a filter leaves few: pages may be empty and go on all the same, in every order.
#[tokio::test]
async fn pages_that_find_nothing_go_on() {
    let world = World::new().await;
    for n in 0..2600 {
        let mut request = CreateSecret::new(format!("n/{n:04}"));
        if n % 1300 == 7 {
            request = request.tag("rare", "yes");
        }
        world.create(request).await.unwrap();
        world.clock.advance(Duration::from_millis(1));
    }
    let rare = Filter::new(FilterKey::TagKey, ["rare"]);
    let names_too = Filter::new(FilterKey::Name, ["n/"]);
    let few = Filter::new(FilterKey::Name, ["n/13", "n/0007"]);
    for by in [SortBy::CreatedDate, SortBy::Name, SortBy::LastChangedDate, SortBy::LastAccessedDate] {
        for (order, expected) in
            [(SortOrder::Ascending, ["n/0007", "n/1307"]), (SortOrder::Descending, ["n/1307", "n/0007"])]
        {
            let request = || ListSecrets::new().sort(by, order).filter(rare.clone()).max_results(1);
            assert_eq!(names(&world, request()).await, expected, "{by:?}");
            assert_eq!(names(&world, request().filter(names_too.clone())).await, expected, "{by:?}");
            assert_eq!(names(&world, request().filter(few.clone())).await, expected, "{by:?}");
        }
    }
    let request = ListSecrets::new().filter(Filter::new(FilterKey::TagKey, ["absent"]));
    let first = world.engine.list_secrets(&world.cx, request).await.unwrap();
    assert!(first.secrets.is_empty() && first.next_token.is_some(), "an empty page with a token");
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

//! Several values at once.

use super::{Fixture, assert_error, fresh};
use strongroom_store::{
    BatchGetSecretValue, CreateSecret, ErrorKind, Filter, FilterKey, GetRandomPassword, SecretValue, Stage,
};

/// Those that can be read, in the order asked for, and for the others why not; never both kinds of
/// asking.
pub async fn several_values_are_read_at_once(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let one = subject.create("batch", "1").await;
    let two = subject.create("batch", "2").await;
    subject.put(&two, 2, "newer").await;
    let absent = fresh("batch-absent");
    let request = BatchGetSecretValue::of([&two, &absent, &one, "a b"]);
    let page = store.batch_get_secret_value(cx, request).await.unwrap();
    let values: Vec<_> =
        page.values.iter().map(|value| (value.name.as_str(), value.expose_text().unwrap())).collect();
    assert_eq!(values, [(two.as_str(), "newer"), (one.as_str(), "1")]);
    assert!(page.values.iter().all(|value| value.stages.contains(&Stage::CURRENT)));
    let failed: Vec<_> = page.errors.iter().map(|failed| (failed.id.as_str(), failed.error.code())).collect();
    assert_eq!(failed, [(absent.as_str(), "ResourceNotFoundException"), ("a b", "ValidationException")]);
    assert_eq!(page.next_token, None);

    let either = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
    let none: [&str; 0] = [];
    let both = BatchGetSecretValue::of([&one]).filter(Filter::new(FilterKey::Name, ["x"]));
    for request in [BatchGetSecretValue::of(none), both] {
        let result = store.batch_get_secret_value(cx, request).await;
        assert_error(result, ErrorKind::InvalidParameter, either);
    }
    let sized = BatchGetSecretValue::of([&one]).max_results(5);
    let text = "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.";
    assert_error(store.batch_get_secret_value(cx, sized).await, ErrorKind::InvalidParameter, text);
    let many = BatchGetSecretValue::of(vec![one.as_str(); 21]);
    let error = store.batch_get_secret_value(cx, many).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    let twenty = BatchGetSecretValue::of(vec![one.as_str(); 20]);
    assert_eq!(store.batch_get_secret_value(cx, twenty).await.unwrap().values.len(), 20);
}

/// By filters, page by page.
pub async fn values_are_found_by_filters(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().filters {
        return;
    }
    let mark = fresh("found").rsplit('/').next().unwrap().to_owned();
    for n in 0..3 {
        let request =
            CreateSecret::new(format!("conformance/{mark}/{n}")).value(SecretValue::text(n.to_string()));
        store.create_secret(cx, request).await.unwrap();
    }
    store.create_secret(cx, CreateSecret::new(format!("conformance/{mark}/empty"))).await.unwrap();
    let filter = Filter::new(FilterKey::Name, [format!("conformance/{mark}/")]);
    let mut request = BatchGetSecretValue::matching(filter).max_results(2);
    let (mut values, mut errors) = (Vec::new(), 0);
    loop {
        let page = store.batch_get_secret_value(cx, request.clone()).await.unwrap();
        assert!(page.values.len() + page.errors.len() <= 2);
        values.extend(page.values.iter().map(|value| value.expose_text().unwrap().to_owned()));
        errors += page.errors.len();
        match page.next_token {
            Some(token) => request = request.next_token(token),
            None => break,
        }
    }
    assert_eq!((values, errors), (vec!["0".into(), "1".into(), "2".into()], 1), "one has no value");
    for size in [0, 21] {
        let request = request.clone().max_results(size);
        let error = store.batch_get_secret_value(cx, request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
}

/// Lengths, types and refusals of random passwords.
pub async fn passwords_are_as_asked_for(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let make = |request: GetRandomPassword| async {
        store.get_random_password(cx, request).await.map(|password| password.expose().to_owned())
    };
    let usual = make(GetRandomPassword::new()).await.unwrap();
    assert_eq!(usual.len(), 32);
    let types: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation(),
    ];
    assert!(types.iter().all(|is| usual.contains(is)), "one of each type");
    assert_ne!(usual, make(GetRandomPassword::new()).await.unwrap());
    for length in [1, 4096] {
        let password = make(GetRandomPassword::new().length(length).any_types()).await.unwrap();
        assert_eq!(i64::try_from(password.len()).unwrap(), length);
    }
    for length in [0, 4097] {
        let error = make(GetRandomPassword::new().length(length)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
    let digits = GetRandomPassword::new().exclude_lowercase().exclude_uppercase().exclude_punctuation();
    let digits = make(digits.exclude_characters("0123")).await.unwrap();
    assert!(digits.chars().all(|c| "456789".contains(c)), "only what is left");
    let short = make(GetRandomPassword::new().length(3)).await;
    let text = "Password length is too short based on the required types.";
    assert_error(short, ErrorKind::InvalidParameter, text);
    let nothing = GetRandomPassword::new()
        .exclude_lowercase()
        .exclude_uppercase()
        .exclude_punctuation()
        .exclude_numbers();
    let text = "All characters have been excluded from selection.";
    assert_error(make(nothing).await, ErrorKind::InvalidParameter, text);
}

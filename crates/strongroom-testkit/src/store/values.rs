//! Values: storing, reading, repeating, racing.

use std::thread;

use super::{Fixture, assert_error, fresh, stages, token};
use crate::runtime::Runtime;
use strongroom_store::{
    CreateSecret, ErrorKind, GetSecretValue, PutSecretValue, SecretValue, Stage, UpdateSecret,
};

/// Create with a value: the version is current; without one: there are no versions.
pub async fn a_secret_is_made_and_read(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("made"));
    let request = CreateSecret::new(&name).value(SecretValue::text("v")).token(token(1));
    let created = store.create_secret(cx, request).await.unwrap();
    assert_eq!((created.name.as_str(), created.version_id), (name.as_str(), Some(token(1))));
    let version = store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap();
    assert_eq!(
        (version.arn, version.name.as_str(), version.version_id),
        (created.arn, name.as_str(), token(1))
    );
    assert_eq!((version.stages, version.value), (stages(&["AWSCURRENT"]), SecretValue::text("v")));

    let empty = fresh("empty");
    let created = store.create_secret(cx, CreateSecret::new(&empty)).await.unwrap();
    assert_eq!(created.version_id, None);
    assert_eq!(subject.labels(&empty).await, []);
    let text = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    assert_error(subject.get(GetSecretValue::new(&empty)).await, ErrorKind::NotFound, text);
    // The first version becomes current whatever it is labelled.
    let request = PutSecretValue::new(&empty, SecretValue::text("first")).token(token(1)).stage("mine");
    let put = store.put_secret_value(cx, request).await.unwrap();
    assert_eq!(put.stages, stages(&["AWSCURRENT", "mine"]));
}

/// Text and binary, one byte to 65,536, kept byte for byte and kept apart.
pub async fn values_of_all_kinds_and_sizes_come_back(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let longest = store.capabilities().max_value_len;
    let name = subject.create("values", "{'not': \"json\"").await;
    let bytes: Vec<u8> = (0..=255u8).cycle().take(longest).collect();
    let values = [
        SecretValue::text("x"),
        SecretValue::text("ü".repeat(longest / 2)),
        SecretValue::binary(vec![0]),
        SecretValue::binary(bytes),
        SecretValue::text("{'single': 'quotes'}"),
    ];
    for value in values {
        store.put_secret_value(cx, PutSecretValue::new(&name, value.clone())).await.unwrap();
        let version = store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap();
        assert!(version.value == value, "a value changed on its way");
    }
    for (value, member) in [
        (SecretValue::text(""), "secretString"),
        (SecretValue::text("x".repeat(longest + 1)), "secretString"),
        (SecretValue::binary(Vec::new()), "secretBinary"),
        (SecretValue::binary(vec![0; longest + 1]), "secretBinary"),
    ] {
        let error = store.put_secret_value(cx, PutSecretValue::new(&name, value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains(member), "{error}");
    }
}

/// By id, by stage, by both; both must agree.
pub async fn versions_are_read_by_id_and_stage(subject: &Fixture) {
    let name = subject.create("both", "1").await;
    subject.put(&name, 2, "2").await;
    let by = |n: u32| GetSecretValue::new(&name).version_id(token(n));
    assert_eq!(subject.get(by(1)).await.unwrap(), "1");
    assert_eq!(subject.get(by(1).stage(Stage::PREVIOUS)).await.unwrap(), "1");
    assert_error(
        subject.get(by(1).stage(Stage::CURRENT)).await,
        ErrorKind::InvalidRequest,
        "You provided a VersionStage that is not associated to the provided VersionId.",
    );
    let text = format!("Secrets Manager can't find the specified secret value for VersionId: {}", token(9));
    assert_error(subject.get(by(9)).await, ErrorKind::NotFound, &text);
    let text = "Secrets Manager can't find the specified secret value for staging label: nobody";
    assert_error(subject.get(GetSecretValue::new(&name).stage("nobody")).await, ErrorKind::NotFound, text);
}

/// The same token and value: the same answer, nothing moved. Another value: refused by name.
pub async fn a_repeat_with_the_same_token_changes_nothing(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().token_is_version_id {
        return;
    }
    let name = subject.create("repeat", "1").await;
    subject.put(&name, 2, "2").await;
    let arn = store.describe_secret(cx, &name.as_str().into()).await.unwrap().arn;
    let before = subject.labels(&name).await;
    let create = |value: SecretValue| CreateSecret::new(&name).value(value).token(token(1));
    let put = |value: SecretValue| PutSecretValue::new(&name, value).token(token(1));
    let update = |value: SecretValue| UpdateSecret::new(&name).value(value).token(token(1));

    assert_eq!(
        store.create_secret(cx, create(SecretValue::text("1"))).await.unwrap().version_id,
        Some(token(1))
    );
    assert_eq!(store.put_secret_value(cx, put(SecretValue::text("1"))).await.unwrap().version_id, token(1));
    assert_eq!(
        store.update_secret(cx, update(SecretValue::text("1"))).await.unwrap().version_id,
        Some(token(1))
    );

    let used = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {arn}.",
        token(1)
    );
    for other in [SecretValue::text("other"), SecretValue::binary(b"1".to_vec())] {
        assert_error(store.create_secret(cx, create(other.clone())).await, ErrorKind::Exists, &used);
        assert_error(store.put_secret_value(cx, put(other.clone())).await, ErrorKind::Exists, &used);
        assert_error(store.update_secret(cx, update(other)).await, ErrorKind::Exists, &used);
    }
    assert_eq!(subject.labels(&name).await, before, "nothing moved");
    let taken = CreateSecret::new(&name).value(SecretValue::text("1")).token(token(7));
    let text = format!("The operation failed because the secret {name} already exists.");
    assert_error(store.create_secret(cx, taken).await, ErrorKind::Exists, &text);
}

/// Names, lengths, tokens, tags: each refused with its own error, and nothing made.
pub async fn bad_input_is_named_and_changes_nothing(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = fresh("bad");
    let text = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    for bad in ["a b", "a*", "é", " a"] {
        assert_error(store.create_secret(cx, CreateSecret::new(bad)).await, ErrorKind::Validation, text);
        assert_error(store.get_secret_value(cx, GetSecretValue::new(bad)).await, ErrorKind::Validation, text);
    }
    let error = store.create_secret(cx, CreateSecret::new("")).await.unwrap_err();
    assert!(error.message().contains("at 'name'"), "{error}");
    let requests = [
        (CreateSecret::new(&name).description("d".repeat(2049)), ErrorKind::Validation),
        (CreateSecret::new(&name).token("short"), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).token("t".repeat(65)), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).tag("", "v"), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("k".repeat(129), "v"), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("k", "v".repeat(257)), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("aws:k", "v"), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).tag("k", "v").tag("k", "w"), ErrorKind::InvalidParameter),
        (
            (0..51).fold(CreateSecret::new(&name), |r, n| r.tag(n.to_string(), "")),
            ErrorKind::InvalidParameter,
        ),
    ];
    for (request, kind) in requests {
        let request = request.value(SecretValue::text("v"));
        assert_eq!(store.create_secret(cx, request).await.expect_err("bad input").kind(), kind);
    }
    store.describe_secret(cx, &name.as_str().into()).await.expect_err("nothing was made");
}

/// Several threads put at once: every one succeeds, every version is there, one is current.
pub fn racing_puts_are_all_kept(subject: &Fixture) {
    const THREADS: u32 = 4;
    const EACH: u32 = 8;
    let runtime = &Runtime::current();
    let name = runtime.block_on(subject.create("racing", "0"));
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let name = &name;
            scope.spawn(move || {
                for n in 0..EACH {
                    runtime.block_on(subject.put(name, thread * 1000 + n, &format!("{thread}-{n}")));
                }
            });
        }
    });
    runtime.block_on(async {
        for thread in 1..=THREADS {
            for n in 0..EACH {
                let request = GetSecretValue::new(&name).version_id(token(thread * 1000 + n));
                assert_eq!(
                    subject.get(request).await.expect("a put that succeeded"),
                    format!("{thread}-{n}")
                );
            }
        }
        let labels = subject.labels(&name).await;
        let all: Vec<_> = labels.iter().flat_map(|(_, stages)| stages).collect();
        assert_eq!(all.len(), 2, "one current, one previous: {labels:?}");
    });
}

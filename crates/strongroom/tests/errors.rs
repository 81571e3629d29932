//! Errors name what they are about, and answer what programs ask of them.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use strongroom::{
    AccountId, Arn, CreateRole, EncryptionContext, Error, ErrorKind, Region, RootErrorKind, RootKey,
    Strongroom, chain,
};

async fn memory() -> Strongroom {
    Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap()
}

fn names(error: &Error, what: &str) {
    let shown = error.to_string();
    assert!(shown.contains(what), "{shown} does not name {what}");
    assert!(!shown.contains('\n'), "{shown}");
}

#[tokio::test]
async fn what_does_not_open_names_the_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("app.strongroom");
    let shown = directory.display().to_string();
    let open = |key: u8| Strongroom::builder().directory(&directory).root_key(RootKey::from_bytes([key; 32]));

    let missing = open(1).existing().open().await.unwrap_err();
    assert!(missing.is_not_found());
    names(&missing, &shown);
    open(1).open().await.unwrap();
    let wrong = open(2).open().await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Root(RootErrorKind::WrongRoot));
    names(&wrong, &shown);
    let elsewhere = open(1).region("eu-west-1".parse().unwrap()).open().await.unwrap_err();
    names(&elsewhere, &shown);
    names(&elsewhere, "eu-west-1");

    std::fs::write(temporary.path().join("file"), "").unwrap();
    let below = temporary.path().join("file").join("below");
    let unusable = Strongroom::builder().directory(&below).root_key(RootKey::from_bytes([1; 32]));
    names(&unusable.open().await.unwrap_err(), &below.display().to_string());

    let key = temporary.path().join("no.key");
    names(&RootKey::file(&key).unwrap_err().into(), &key.display().to_string());
}

#[test]
fn texts_that_do_not_parse_are_quoted_and_become_errors_of_the_facade() {
    fn parse(region: &str, account: &str, arn: &str) -> Result<(), Error> {
        let _: Region = region.parse()?;
        let _ = AccountId::parse(account)?;
        let _: Arn = arn.parse()?;
        Ok(())
    }
    parse("us-east-1", "111122223333", "arn:aws:iam::111122223333:root").unwrap();
    for (region, account, arn, named) in [
        ("Frankfurt", "", "", "\"Frankfurt\" is not a valid region"),
        ("us-east-1", "1234", "", "\"1234\" is not a valid account id"),
        ("us-east-1", "111122223333", "prod/db", "\"prod/db\" is not a valid ARN"),
    ] {
        let error = parse(region, account, arn).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Parse, "ValidationException"));
        names(&error, named);
    }
    let policy: Error = strongroom::policy::Policy::identity("{").unwrap_err().into();
    assert_eq!(policy.kind(), ErrorKind::Parse);
    let twice = EncryptionContext::from_pairs([("a", "1"), ("a", "2")]);
    assert!(twice.is_err_and(|error| Error::from(error).kind() == ErrorKind::Parse));
}

#[tokio::test]
async fn programs_ask_by_predicates() {
    let room = memory().await;
    let missing = room.get("prod/db").send().await.unwrap_err();
    assert!(missing.is_not_found() && !missing.is_exists() && !missing.is_access_denied());
    room.create("prod/db").text("v").send().await.unwrap();
    let taken = room.create("prod/db").text("v").send().await.unwrap_err();
    assert!(taken.is_exists() && !taken.is_not_found());

    let no_key = room.keys().describe("alias/nobody").await.unwrap_err();
    assert!(no_key.is_not_found());
    names(&no_key, "alias/nobody");
    room.keys().create("alias/orders", "").await.unwrap();
    assert!(room.keys().create("alias/orders", "").await.unwrap_err().is_exists());

    let alice = room.iam().create_user("alice").await.unwrap();
    assert!(room.iam().create_user("alice").await.unwrap_err().is_exists());
    assert!(room.iam().get(strongroom::IdentityRef::user("bob")).await.unwrap_err().is_not_found());
    let hers = room.as_caller(alice.caller().unwrap());
    assert!(hers.get("prod/db").send().await.unwrap_err().is_access_denied());
    assert!(hers.roots().list().await.unwrap_err().is_access_denied());
    let trust = r#"{"Version": "2012-10-17", "Statement": {}}"#;
    assert!(!room.iam().create_role(CreateRole::new("r", trust)).await.unwrap_err().is_not_found());

    room.delete("prod/db").send().await.unwrap();
    let marked = room.get("prod/db").send().await.unwrap_err();
    assert!(marked.is_marked_for_deletion() && !marked.is_not_found(), "{marked}");
    let marked = room.create("prod/db").text("v").send().await.unwrap_err();
    assert!(marked.is_marked_for_deletion() && !marked.is_exists(), "{marked}");
}

#[tokio::test]
async fn a_chain_shows_each_cause_once() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::write(temporary.path().join("file"), "").unwrap();
    let below = temporary.path().join("file").join("below");
    let opened = Strongroom::builder().directory(&below).root_key(RootKey::from_bytes([1; 32])).open().await;
    let shown = chain(&opened.unwrap_err()).to_string();
    let cause = std::fs::create_dir(&below).unwrap_err().to_string();
    assert_eq!(shown.matches(&cause).count(), 1, "{shown}");
}

//! Resource policies.

use super::{Fixture, assert_error, fresh};
use strongroom_store::{ErrorKind, PutResourcePolicy, SecretId, ValidateResourcePolicy};

/// Kept byte for byte, replaced, taken away; refused when they are none, or public where that is to
/// be refused. A store without policies says so.
pub async fn policies_are_kept_and_checked(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("policy", "v").await;
    let id = SecretId::new(&name);
    let policy = |principal: &str| {
        format!(
            r#"{{ "Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}] }}"#
        )
    };
    let (narrow, broad) = (policy(r#"{"AWS": "111122223333"}"#), policy(r#""*""#));
    if !store.capabilities().resource_policies {
        let put = store.put_resource_policy(cx, PutResourcePolicy::new(&name, &narrow)).await;
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Unsupported);
        let got = store.get_resource_policy(cx, &id).await;
        assert_eq!(got.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    let kept = || async { store.get_resource_policy(cx, &id).await.unwrap().policy };
    assert_eq!(kept().await, None);
    let before = store.describe_secret(cx, &id).await.unwrap().last_changed;
    for document in [&broad, &narrow] {
        let put = store.put_resource_policy(cx, PutResourcePolicy::new(&name, document)).await.unwrap();
        assert_eq!(put.name, name);
        assert_eq!(kept().await.as_ref(), Some(document));
    }
    assert!(store.describe_secret(cx, &id).await.unwrap().last_changed > before);
    let blocked = PutResourcePolicy::new(&name, &broad).block_public_policy();
    let error = store.put_resource_policy(cx, blocked).await.unwrap_err();
    assert_eq!(error.code(), "PublicPolicyException");
    let text = "This resource policy contains a syntax error.";
    for bad in ["{", "[]", r#"{"Statement": []}"#] {
        let put = store.put_resource_policy(cx, PutResourcePolicy::new(&name, bad)).await;
        assert_error(put, ErrorKind::MalformedPolicy, text);
        let validated = store.validate_resource_policy(cx, ValidateResourcePolicy::new(bad)).await;
        assert_error(validated, ErrorKind::MalformedPolicy, text);
    }
    for length in [0, 20_481] {
        let long = PutResourcePolicy::new(&name, "x".repeat(length));
        let error = store.put_resource_policy(cx, long).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
    assert_eq!(kept().await.as_ref(), Some(&narrow), "what was refused changed nothing");
    let verdict = |document: String| async {
        let request = ValidateResourcePolicy::new(document).secret(&name);
        store.validate_resource_policy(cx, request).await.unwrap()
    };
    assert!(verdict(narrow.clone()).await.passed);
    let public = verdict(broad).await;
    assert!(!public.passed && public.findings.len() == 1);
    for _ in 0..2 {
        store.delete_resource_policy(cx, &id).await.expect("fine when there is none, too");
        assert_eq!(kept().await, None);
    }
    let absent = SecretId::new(fresh("policy-absent"));
    assert_eq!(store.get_resource_policy(cx, &absent).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.delete_resource_policy(cx, &absent).await.unwrap_err().kind(), ErrorKind::NotFound);
}

//! The content of explanations.

#![cfg(test)]

use strongroom_policy::{Policies, Policy, Possible, Principal, Request};
use strongroom_types::Arn;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn alice() -> Principal {
    Principal::user(&Arn::parse("arn:aws:iam::111122223333:user/alice").unwrap()).unwrap()
}

fn statement(members: &str) -> Policy {
    Policy::identity(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{members}}}}}"#))
        .unwrap()
}

/// Why the one statement does not match.
fn why(members: &str) -> String {
    let request = Request::new(alice(), "kms:Decrypt", KEY).with("aws:SourceIp", "192.0.2.1");
    let policy = statement(members);
    let explained = Policies::new().identity(&policy).explain(&request);
    assert!(!explained.allowed && !explained.documents[0].statements[0].matches, "{explained}");
    explained.documents[0].statements[0].why.clone()
}

#[test]
fn the_whole_of_one() {
    let key = Policy::resource(
        "{\"Version\":\"2012-10-17\",\"Statement\":[\n{\"Sid\":\"account\",\"Effect\":\"Allow\",\
         \"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
    )
    .unwrap();
    let own = statement(r#""Sid":"write","Action":"kms:Encrypt","Resource":"*""#);
    let request = Request::new(alice(), "kms:Decrypt", KEY);
    let policies = Policies::new().key(&key).identity_named("Writers", &own);
    assert_eq!(
        policies.explain(&request).to_string(),
        "DENIED: kms:Decrypt by arn:aws:iam::111122223333:user/alice\n  \
           on arn:aws:kms:us-east-1:111122223333:key/1\n  \
           because no identity-based policy allows it, which is needed beside the key policy\n\
         key policy\n  \
           + statement 1 \"account\" (line 2), Allow: matches; names the account, which leaves it to the account's own policies\n\
         identity-based policy Writers\n  \
           - statement 1 \"write\" (line 1), Allow: does not match; Action: kms:Decrypt is not among kms:Encrypt\n\
         what would allow it, any one of:\n  \
           * add to an identity-based policy of arn:aws:iam::111122223333:user/alice: {\"Effect\": \"Allow\", \"Action\": \"kms:Decrypt\", \"Resource\": \"arn:aws:kms:us-east-1:111122223333:key/1\"}\n  \
           * add to the key policy: {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::111122223333:user/alice\"}, \"Action\": \"kms:Decrypt\", \"Resource\": \"*\"}\n  \
           * create a grant of the key for arn:aws:iam::111122223333:user/alice with the operation Decrypt\n"
    );
    let read = statement(r#""Action":"kms:D*","Resource":"*""#);
    let allowed = policies.identity_named("Readers", &read).explain(&request);
    assert!(allowed.allowed);
    assert_eq!(allowed.reason, "statement 1 of the identity-based policy Readers allows it");
    assert!(allowed.documents[2].statements[0].decides);
}

#[test]
fn each_element_that_may_not_match() {
    assert_eq!(why(r#""NotAction":"kms:D*","Resource":"*""#), "NotAction excepts kms:Decrypt: kms:D*");
    assert_eq!(
        why(r#""Action":"*","Resource":["arn:aws:kms:::a","arn:aws:kms:::b"]"#),
        format!("Resource: {KEY} is not like arn:aws:kms:::a, arn:aws:kms:::b")
    );
    assert_eq!(why(r#""Action":"*","NotResource":"*""#), format!("NotResource excepts {KEY}: *"));
    let condition = |condition: &str| why(&format!(r#""Action":"*","Resource":"*","Condition":{condition}"#));
    assert_eq!(
        condition(r#"{"StringEquals":{"kms:ViaService":"x"}}"#),
        "Condition StringEquals kms:ViaService: the request has no kms:ViaService"
    );
    assert_eq!(
        condition(r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","172.16.0.0/12"]}}"#),
        "Condition IpAddress aws:SourceIp: 192.0.2.1, not 10.0.0.0/8, 172.16.0.0/12"
    );
    assert_eq!(
        condition(r#"{"Null":{"aws:SourceIp":"true"}}"#),
        "Condition Null aws:SourceIp: the request has one, 192.0.2.1"
    );
    assert_eq!(
        condition(r#"{"StringLike":{"aws:SourceIp":"${aws:PrincipalTag/net}.*"}}"#),
        "Condition StringLike aws:SourceIp: a variable of ${aws:PrincipalTag/net}.* has no value in this request"
    );
}

#[test]
fn what_matches_because_a_variable_has_no_value_says_so() {
    let request = Request::new(alice(), "kms:Decrypt", KEY).with("aws:ResourceTag/team", "red");
    let policy = statement(
        r#""Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
    );
    let explained = Policies::new().identity(&policy).explain(&request);
    assert!(explained.allowed, "{explained}");
    assert_eq!(
        explained.documents[0].statements[0].why,
        "Condition StringNotEquals aws:ResourceTag/team: a variable of ${aws:PrincipalTag/team} has no value in this request, \
         so nothing is like it"
    );
    let request = request.with("aws:PrincipalTag/team", "blue");
    assert_eq!(Policies::new().identity(&policy).explain(&request).documents[0].statements[0].why, "");
}

#[test]
fn a_deny_with_not_principal_of_a_caller_with_a_boundary_says_so() {
    let all = statement(r#""Action":"*","Resource":"*""#);
    let others = Policy::resource(
        r#"{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},"Action":"*","Resource":"*"}}"#,
    )
    .unwrap();
    let request = Request::new(alice(), "secretsmanager:GetSecretValue", "*");
    let free = Policies::new().identity(&all).resource(&others);
    assert!(free.explain(&request).allowed && free.remedies(&request).is_empty());
    let bound = free.boundary(&all);
    let explained = bound.explain(&request);
    assert_eq!(explained.reason, "statement 1 of the resource-based policy denies it, whatever else allows");
    let told = &explained.documents[0].statements[0];
    assert_eq!(
        (told.matches, told.why.as_str()),
        (true, "NotPrincipal with Deny spares nobody who has a permissions boundary")
    );
    // The one remedy is to do without the statement.
    assert_eq!(explained.remedies.len(), 1, "{explained}");
    assert_eq!(bound.possible(&request), Possible::Never);
}

#[test]
fn what_reaches_a_federated_session_by_its_maker_says_so() {
    let session = Arn::parse("arn:aws:sts::111122223333:federated-user/tmp").unwrap();
    let maker = Arn::parse("arn:aws:iam::111122223333:user/alice").unwrap();
    let request = Request::new(Principal::federated_by(&session, &maker).unwrap(), "kms:Decrypt", KEY);
    let key = Policy::resource(
        r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"*","Resource":"*"}}"#,
    )
    .unwrap();
    let explained = Policies::new().key(&key).explain(&request);
    assert_eq!(
        explained.documents[0].statements[0].why,
        "names the user who made the session: boundary and session policies still count"
    );
    assert!(explained.allowed);
}

#[test]
fn principals_and_reasons() {
    let resource = |members: &str| {
        Policy::resource(&format!(r#"{{"Statement":{{{members},"Action":"*","Resource":"*"}}}}"#)).unwrap()
    };
    let request = Request::new(alice(), "kms:Decrypt", KEY);
    let other = resource(r#""Effect":"Allow","Principal":{"AWS":"444455556666"}"#);
    let explained = Policies::new().key(&other).explain(&request);
    assert_eq!(explained.reason, "no key policy allows it");
    assert_eq!(
        explained.documents[0].statements[0].why,
        "Principal: arn:aws:iam::111122223333:user/alice is not named"
    );
    let spared = resource(
        r#""Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]}"#,
    );
    let explained = Policies::new().key(&spared).explain(&request);
    assert_eq!(
        explained.documents[0].statements[0].why,
        "NotPrincipal spares arn:aws:iam::111122223333:user/alice"
    );
    let denied = resource(r#""Effect":"Deny","Principal":"*""#);
    let explained = Policies::new().key(&denied).granted(true).explain(&request);
    assert_eq!(explained.reason, "statement 1 of the key policy denies it, whatever else allows");
    assert_eq!(Policies::new().explain(&request).reason, "no identity-based policy allows it: there is none");
    let granted = Policies::new().key(&other).granted(true).explain(&request);
    assert_eq!((granted.allowed, granted.reason.as_str()), (true, "a grant of the key allows it"));
}

#[test]
fn programs_read_it_too() {
    let policy = statement(r#""Sid":"read","Action":"kms:Decrypt","Resource":"*""#);
    let request = Request::new(alice(), "kms:Decrypt", KEY);
    let told = serde_json::to_value(Policies::new().identity(&policy).explain(&request)).unwrap();
    assert_eq!(told["allowed"], true);
    assert_eq!(told["documents"][0]["statements"][0]["sid"], "read");
    assert_eq!(told["documents"][0]["statements"][0]["decides"], true);
}

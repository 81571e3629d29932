//! Policies: any text is read or refused with a place in it; what was read decides any request
//! without a panic, and the same each time; a policy that denies or limits too allows nothing more,
//! whoever asks; what the linter says of it has its place too.
//!
//! Input: a line `action|resource|condition key|value`, then the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_policy::{Policies, Policy, Possible, Principal, Request};
use strongroom_types::Arn;

/// One of every kind of principal.
fn asker(which: usize) -> Principal {
    let arn = |text: &str| Arn::parse(text).expect("an ARN");
    let (role, session) =
        ("arn:aws:iam::111122223333:role/app/Reader", "arn:aws:sts::111122223333:assumed-role/Reader/run-1");
    let made = match which % 8 {
        0 => Principal::user(&arn("arn:aws:iam::111122223333:user/alice")),
        1 => Principal::root(&arn("arn:aws:iam::111122223333:root")),
        2 => Principal::role_session(&arn(session), &arn(role)),
        3 => Principal::federated_user(&arn("arn:aws:sts::111122223333:federated-user/guest")),
        4 => Principal::user(&arn("arn:aws:iam::444455556666:user/bob")),
        5 => Principal::root(&arn("arn:aws:iam::444455556666:root")),
        6 => return Principal::service("rds.amazonaws.com"),
        _ => return Principal::anonymous(),
    };
    made.expect("a principal")
}

/// Findings have their places.
fn lints(policy: &Policy) {
    for finding in policy.lint() {
        assert!(finding.line >= 1 && !finding.text.is_empty(), "{finding}");
    }
}

fuzz_target!(|input: &str| {
    let (first, document) = input.split_once('\n').unwrap_or(("kms:Decrypt|*|aws:SourceIp|10.0.0.1", input));
    let mut parts = first.splitn(4, '|');
    let mut next = || parts.next().unwrap_or_default();
    let user = asker(document.len());
    let (action, resource, key, value) = (next(), next(), next(), next());
    let request =
        Request::new(user, action, resource).with(key, value).with_many("aws:TagKeys", [value, key]);
    let deny = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}"#;
    let deny = Policy::resource(deny).expect("a policy");
    match Policy::identity(document) {
        Ok(policy) => {
            lints(&policy);
            // As what limits, it lets no more through than there would be without it.
            let everything =
                Policy::identity(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
            let everything = everything.expect("a policy");
            let free = Policies::new().identity(&everything);
            let limits = [
                free.clone().boundary(&policy),
                free.clone().session(&policy),
                free.clone().service_control(&policy),
            ];
            for limited in limits {
                let limited = limited.decide(&request);
                assert!(free.decide(&request).is_allowed() || !limited.is_allowed());
            }
            let own = Policies::new().identity(&policy);
            let decision = own.decide(&request);
            assert_eq!(decision, own.decide(&request));
            assert_eq!(decision.is_allowed(), decision.denial(&request).is_empty());
            let less = own.clone().resource(&deny).decide(&request);
            assert!(decision.is_allowed() || !less.is_allowed());
            // Every remedy was tried; none is offered for what is allowed.
            let explained = own.explain(&request);
            assert_eq!(explained.allowed, decision.is_allowed());
            assert!(explained.remedies.is_empty() || !decision.is_allowed());
            match own.possible(&request) {
                Possible::Always => assert!(decision.is_allowed()),
                Possible::Never => assert!(!decision.is_allowed()),
                _ => {}
            }
            let also = Policies::new().identity(&policy).identity(&policy).decide(&request);
            assert_eq!(also.is_allowed(), decision.is_allowed());
        }
        Err(error) => {
            assert!((1..=document.lines().count() + 1).contains(&error.line()), "{error}");
            assert!(!error.reason().is_empty());
        }
    }
    if let Ok(policy) = Policy::resource(document) {
        lints(&policy);
        let decision = Policies::new().key(&policy).decide(&request);
        let granted = Policies::new().key(&policy).granted(true).decide(&request);
        assert!(granted.is_allowed() || !decision.is_allowed());
        let _ = (policy.allows_everybody(), policy.invalid_principals().count());
        let _ = (policy.named_identities().len(), Policies::new().key(&policy).explain(&request).to_string());
    }
    let _ = Policy::trust(document).map(|policy| lints(&policy));
});

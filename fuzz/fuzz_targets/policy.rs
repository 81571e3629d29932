//! Policies: any text is read or refused with a place in it; what was read decides any request without a panic, and the same each
//! time; a policy that denies too allows nothing more.
//!
//! Input: a line `action|resource|condition key|value`, then the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_policy::{Policies, Policy, Possible, Principal, Request};
use strongroom_types::Arn;

fuzz_target!(|input: &str| {
    let (first, document) = input.split_once('\n').unwrap_or(("kms:Decrypt|*|aws:SourceIp|10.0.0.1", input));
    let mut parts = first.splitn(4, '|');
    let mut next = || parts.next().unwrap_or_default();
    let user = Arn::parse("arn:aws:iam::111122223333:user/alice").expect("an ARN");
    let user = Principal::user(&user).expect("a user");
    let (action, resource, key, value) = (next(), next(), next(), next());
    let request =
        Request::new(user, action, resource).with(key, value).with_many("aws:TagKeys", [value, key]);
    let deny = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}"#;
    let deny = Policy::resource(deny).expect("a policy");
    match Policy::identity(document) {
        Ok(policy) => {
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
        let decision = Policies::new().key(&policy).decide(&request);
        let granted = Policies::new().key(&policy).granted(true).decide(&request);
        assert!(granted.is_allowed() || !decision.is_allowed());
        let _ = (policy.allows_everybody(), policy.invalid_principals().count());
        let _ = (policy.named_identities().len(), Policies::new().key(&policy).explain(&request).to_string());
    }
    let _ = Policy::trust(document).map(|policy| policy.lint());
});

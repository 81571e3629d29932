//! What each operation needs: the one table that execution and explanation share.

use strongroom_policy::Context;
use strongroom_store::Operation;

use crate::call::about::{About, Scope};
use crate::call::key_step::KeyStep;
use crate::call::parameters::Parameters;

/// Whose secrets an operation may be used on, where a service manages them for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Anyone's.
    Any,
    /// The account may use it on any secret, a service on its own only.
    Annotates,
    /// The account and each service only on their own.
    Changes,
}

/// What an operation needs before and while it does what it does.
#[derive(Debug)]
pub(crate) struct Needs {
    /// Permissions, in the order in which they are checked.
    permissions: &'static [(Operation, Scope)],
    /// What it does with keys.
    pub(crate) keys: &'static [KeyStep],
    /// What it does with keys in some states of the secret only.
    pub(crate) keys_at_times: &'static [KeyStep],
    /// Operations that it calls itself, for each secret. Each is a call with its own needs.
    pub(crate) calls: &'static [Operation],
    /// What only the owner may do, as a denial names it: AWS has no permission for it.
    pub(crate) owner_only: Option<&'static str>,
    pub(crate) ownership: Ownership,
    /// The condition keys that mirror the request.
    pub(crate) facts: Context,
}

impl Needs {
    /// The permissions, about the secret that was looked up.
    pub(crate) fn permissions<'a>(
        &self,
        about: About<'a>,
    ) -> impl Iterator<Item = (Operation, About<'a>)> + use<'a> {
        self.permissions.iter().map(move |(operation, scope)| match scope {
            Scope::Named | Scope::New => (*operation, about),
            Scope::Nothing => (*operation, About::Nothing),
        })
    }

    /// Whether a permission is about a secret that is to be made.
    pub(crate) fn makes(&self) -> bool {
        self.permissions.iter().any(|(_, scope)| *scope == Scope::New)
    }

    /// Whether the operation may do this with a key.
    pub(crate) fn allows(&self, step: KeyStep) -> bool {
        self.keys.contains(&step) || self.keys_at_times.contains(&step)
    }
}

/// What `operation` needs when it is asked for with these parameters.
///
/// Pure, and exhaustive: an operation that is not listed here does not compile.
pub(crate) fn needs(operation: Operation, request: &Parameters<'_>) -> Needs {
    use KeyStep::{Encrypt, Open, Seal};
    use Operation as Op;
    use Ownership::{Annotates, Changes};
    use Scope::{Named, New, Nothing};

    let plain = |permissions| Needs {
        permissions,
        keys: &[],
        keys_at_times: &[],
        calls: &[],
        owner_only: None,
        ownership: Ownership::Any,
        facts: request.facts(),
    };
    let on_owned = |permissions, ownership| Needs { ownership, ..plain(permissions) };
    let owner = |what| Needs { owner_only: Some(what), ..plain(&[]) };
    match operation {
        Op::CreateSecret => Needs {
            keys: keys_of_change(request),
            // A repeat compares its value.
            keys_at_times: &[Open],
            ..plain(if request.tags.is_empty() {
                &[(Op::CreateSecret, New)]
            } else {
                &[(Op::CreateSecret, New), (Op::TagResource, New)]
            })
        },
        Op::PutSecretValue => Needs {
            keys: &[Seal],
            // A repeat compares its value.
            keys_at_times: &[Open],
            ..on_owned(&[(Op::PutSecretValue, Named)], Changes)
        },
        Op::UpdateSecret => Needs {
            keys: keys_of_change(request),
            // A new key moves the labelled versions as far as the caller may; a repeat compares.
            keys_at_times: if request.key.is_some() { &[Open, Encrypt, Seal] } else { &[Open] },
            ..on_owned(&[(Op::UpdateSecret, Named)], Changes)
        },
        Op::GetSecretValue => Needs { keys: &[Open], ..plain(&[(Op::GetSecretValue, Named)]) },
        Op::BatchGetSecretValue => Needs {
            calls: if request.filters {
                &[Op::ListSecrets, Op::GetSecretValue]
            } else {
                &[Op::GetSecretValue]
            },
            ..plain(&[(Op::BatchGetSecretValue, Nothing)])
        },
        // Reads that a cache has opened already: the permission, but no key.
        Op::ReportReads => plain(&[(Op::GetSecretValue, Named)]),
        Op::DescribeSecret => plain(&[(Op::DescribeSecret, Named)]),
        Op::ListSecretVersionIds => plain(&[(Op::ListSecretVersionIds, Named)]),
        Op::ListSecrets => plain(&[(Op::ListSecrets, Nothing)]),
        Op::GetRandomPassword => plain(&[(Op::GetRandomPassword, Nothing)]),
        Op::UpdateSecretVersionStage => on_owned(&[(Op::UpdateSecretVersionStage, Named)], Changes),
        Op::DeleteSecret => on_owned(&[(Op::DeleteSecret, Named)], Changes),
        Op::RestoreSecret => on_owned(&[(Op::RestoreSecret, Named)], Changes),
        Op::TagResource => on_owned(&[(Op::TagResource, Named)], Annotates),
        Op::UntagResource => on_owned(&[(Op::UntagResource, Named)], Annotates),
        Op::GetResourcePolicy => plain(&[(Op::GetResourcePolicy, Named)]),
        Op::PutResourcePolicy => on_owned(&[(Op::PutResourcePolicy, Named)], Annotates),
        Op::DeleteResourcePolicy => on_owned(&[(Op::DeleteResourcePolicy, Named)], Annotates),
        Op::ValidateResourcePolicy => plain(if request.names_secret {
            &[(Op::ValidateResourcePolicy, Named), (Op::PutResourcePolicy, Named)]
        } else {
            &[(Op::ValidateResourcePolicy, Nothing), (Op::PutResourcePolicy, Nothing)]
        }),
        Op::ListKeyUses => owner("list the uses of a key"),
        Op::Rewrap => Needs { keys: &[Open, Seal], ..owner("rewrap") },
        Op::RetireMaterial => owner("retire key material"),
        Op::Maintain => owner("keep house"),
        Op::Verify => Needs { keys: &[Open], ..owner("verify the store") },
    }
}

/// What a request that may name a key and bring a value does with keys.
fn keys_of_change(request: &Parameters<'_>) -> &'static [KeyStep] {
    match (request.key.is_some(), request.value) {
        (true, true) => &[KeyStep::Probe, KeyStep::Seal],
        (true, false) => &[KeyStep::Probe],
        (false, true) => &[KeyStep::Seal],
        (false, false) => &[],
    }
}

#[cfg(test)]
mod tests {
    use strongroom_store::{Stage, Tag};

    use super::*;

    fn of(operation: Operation, request: Parameters<'_>) -> Needs {
        needs(operation, &request)
    }

    #[test]
    fn each_operation_of_aws_needs_its_own_permission_first() {
        for operation in Operation::ALL {
            let needs = of(*operation, Parameters { value: true, ..Parameters::default() });
            let asked: Vec<_> = needs.permissions(About::Nothing).map(|(one, _)| one).collect();
            assert_eq!(asked.first(), Some(operation));
            assert!(asked.iter().all(|one| one.is_of_aws()), "{operation}");
            assert_eq!(needs.owner_only, None, "{operation}");
        }
    }

    #[test]
    fn no_policy_is_asked_about_strongrooms_own_operations() {
        for operation in Operation::OWN {
            let needs = of(*operation, Parameters::default());
            assert!(needs.permissions(About::Nothing).all(|(one, _)| one.is_of_aws()), "{operation}");
            let by_reading = needs.permissions(About::Nothing).count() == 1;
            assert_ne!(by_reading, needs.owner_only.is_some(), "{operation}: a reader's or the owner's");
        }
    }

    #[test]
    fn what_a_request_brings_decides_what_it_needs() {
        let tags = [Tag::new("a", "b")];
        let tagged = Parameters { tags: &tags, ..Parameters::default() };
        let asked = |needs: &Needs| needs.permissions(About::Nothing).map(|(one, _)| one).collect::<Vec<_>>();
        let create = of(Operation::CreateSecret, tagged);
        assert_eq!(asked(&create), [Operation::CreateSecret, Operation::TagResource]);
        assert!(create.keys.is_empty() && create.facts.get("aws:RequestTag/a").is_some());

        let keyed = Parameters { key: Some("alias/own"), value: true, ..Parameters::default() };
        assert_eq!(of(Operation::CreateSecret, keyed).keys, [KeyStep::Probe, KeyStep::Seal]);
        assert!(of(Operation::UpdateSecret, keyed).allows(KeyStep::Encrypt));
        assert!(!of(Operation::UpdateSecret, Parameters::default()).allows(KeyStep::Seal));

        let filters = Parameters { filters: true, ..Parameters::default() };
        let batch = of(Operation::BatchGetSecretValue, filters);
        assert_eq!(batch.calls, [Operation::ListSecrets, Operation::GetSecretValue]);

        let stage = Stage::CURRENT;
        let read = of(Operation::GetSecretValue, Parameters { stage: Some(&stage), ..Parameters::default() });
        assert_eq!(read.facts.get("secretsmanager:VersionStage"), Some(&["AWSCURRENT".to_owned()][..]));
        assert_eq!(of(Operation::GetSecretValue, Parameters::default()).facts, Context::new());
    }
}

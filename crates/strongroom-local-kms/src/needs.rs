//! What an operation needs: the one table that execution and explanation read.

use strongroom_kms::{GrantOperation, Operation};

/// What a resource is to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The account: the caller's own policies decide alone.
    Account,
    /// The key; of ReEncrypt, the one that decrypts; of CreateKey, the one to be made.
    Key,
    /// The key that ReEncrypt encrypts under.
    Destination,
    /// The alias, which has no policy of its own.
    Alias,
    /// The tags of a key to be made.
    Tags,
    /// The policy of a key to be made: its author must be able to change it again.
    Policy,
}

/// A right on a resource, as policies and grants know it.
#[derive(Debug)]
pub(crate) struct Permission {
    /// As policies name it.
    pub(crate) action: &'static str,
    /// As grants name it, if they can give it.
    pub(crate) grant: Option<GrantOperation>,
    /// Whether another account may be allowed it.
    pub(crate) crosses_accounts: bool,
    /// Whether a service does it with its managed key.
    pub(crate) of_managed_use: bool,
    /// Whether policies see an encryption algorithm, of which there is one.
    pub(crate) encrypts: bool,
    /// Whether policies see for whom a grant is.
    pub(crate) about_grants: bool,
}

/// A permission and the resource it is needed on.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) role: Role,
    pub(crate) permission: Permission,
}

impl Need {
    const fn new(role: Role, operation: Operation) -> Self {
        Self::named(role, operation.action())
    }

    const fn named(role: Role, action: &'static str) -> Self {
        Self {
            role,
            permission: Permission {
                action,
                grant: None,
                crosses_accounts: false,
                of_managed_use: false,
                encrypts: false,
                about_grants: false,
            },
        }
    }

    const fn key(operation: Operation) -> Self {
        Self::new(Role::Key, operation)
    }

    const fn account(operation: Operation) -> Self {
        Self::new(Role::Account, operation)
    }

    /// A grant can give it.
    const fn granted(mut self, grant: GrantOperation) -> Self {
        self.permission.grant = Some(grant);
        self
    }

    /// Another account may be allowed it.
    const fn across(mut self) -> Self {
        self.permission.crosses_accounts = true;
        self
    }

    /// A service does it with its managed key.
    const fn managed(mut self) -> Self {
        self.permission.of_managed_use = true;
        self
    }

    /// Encrypts or decrypts, for whomever a grant or policy lets.
    const fn encrypts(mut self, grant: GrantOperation) -> Self {
        self.permission.encrypts = true;
        self.granted(grant).across().managed()
    }

    const fn about_grants(mut self) -> Self {
        self.permission.about_grants = true;
        self.across()
    }
}

/// The permissions that an operation needs, each with the resource it is needed on.
///
/// The match has no wildcard: a new operation is executed and explained by its own line or does not
/// compile.
#[allow(clippy::enum_glob_use, reason = "a table")]
pub(crate) const fn needs(operation: Operation) -> &'static [Need] {
    use GrantOperation as Grant;
    use Operation::*;
    match operation {
        Encrypt => const { &[Need::key(Encrypt).encrypts(Grant::Encrypt)] },
        Decrypt => const { &[Need::key(Decrypt).encrypts(Grant::Decrypt)] },
        ReEncrypt => {
            const {
                &[
                    Need::named(Role::Key, "kms:ReEncryptFrom").encrypts(Grant::ReEncryptFrom),
                    Need::named(Role::Destination, "kms:ReEncryptTo").encrypts(Grant::ReEncryptTo),
                ]
            }
        }
        GenerateDataKey => const { &[Need::key(GenerateDataKey).encrypts(Grant::GenerateDataKey)] },
        GenerateDataKeyWithoutPlaintext => {
            const { &[Need::key(GenerateDataKeyWithoutPlaintext).encrypts(Grant::GenerateDataKeyWithoutPlaintext)] }
        }
        GenerateMac => const { &[Need::key(GenerateMac).granted(Grant::GenerateMac).across()] },
        VerifyMac => const { &[Need::key(VerifyMac).granted(Grant::VerifyMac).across()] },
        GenerateRandom => const { &[Need::account(GenerateRandom)] },
        DescribeKey => const { &[Need::key(DescribeKey).granted(Grant::DescribeKey).across().managed()] },
        CreateKey => {
            const {
                &[
                    Need::account(CreateKey),
                    Need::new(Role::Tags, TagResource),
                    Need::new(Role::Policy, PutKeyPolicy),
                    Need::new(Role::Alias, CreateAlias),
                    Need::key(CreateAlias),
                ]
            }
        }
        ListKeys => const { &[Need::account(ListKeys)] },
        UpdateKeyDescription => const { &[Need::key(UpdateKeyDescription)] },
        EnableKey => const { &[Need::key(EnableKey)] },
        DisableKey => const { &[Need::key(DisableKey)] },
        ScheduleKeyDeletion | RetireMaterial => const { &[Need::key(ScheduleKeyDeletion)] },
        CancelKeyDeletion => const { &[Need::key(CancelKeyDeletion)] },
        CreateAlias => const { &[Need::new(Role::Alias, CreateAlias), Need::key(CreateAlias)] },
        UpdateAlias => const { &[Need::new(Role::Alias, UpdateAlias), Need::key(UpdateAlias)] },
        DeleteAlias => const { &[Need::new(Role::Alias, DeleteAlias), Need::key(DeleteAlias)] },
        ListAliases => const { &[Need::account(ListAliases)] },
        RotateKeyOnDemand => const { &[Need::key(RotateKeyOnDemand)] },
        EnableKeyRotation => const { &[Need::key(EnableKeyRotation)] },
        DisableKeyRotation => const { &[Need::key(DisableKeyRotation)] },
        GetKeyRotationStatus => const { &[Need::key(GetKeyRotationStatus).across()] },
        ListKeyRotations => const { &[Need::key(ListKeyRotations)] },
        TagResource => const { &[Need::key(TagResource)] },
        UntagResource => const { &[Need::key(UntagResource)] },
        ListResourceTags => const { &[Need::key(ListResourceTags)] },
        GetKeyPolicy => const { &[Need::key(GetKeyPolicy)] },
        PutKeyPolicy => const { &[Need::key(PutKeyPolicy)] },
        ListKeyPolicies => const { &[Need::key(ListKeyPolicies)] },
        CreateGrant => {
            const { &[Need::key(CreateGrant).granted(Grant::CreateGrant).managed().about_grants()] }
        }
        ListGrants => const { &[Need::key(ListGrants).about_grants()] },
        ListRetirableGrants => const { &[Need::account(ListRetirableGrants)] },
        RetireGrant => const { &[Need::key(RetireGrant).granted(Grant::RetireGrant).across()] },
        RevokeGrant => const { &[Need::key(RevokeGrant).about_grants()] },
        GetParametersForImport => const { &[Need::key(GetParametersForImport)] },
        ImportKeyMaterial => const { &[Need::key(ImportKeyMaterial)] },
        DeleteImportedKeyMaterial => const { &[Need::key(DeleteImportedKeyMaterial)] },
    }
}

/// The need that a grant of this operation meets.
pub(crate) fn need_of(grant: GrantOperation) -> Option<&'static Need> {
    needs(grant.operation()).iter().find(|need| need.permission.grant == Some(grant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_needs_something_and_no_resource_stands_twice() {
        for operation in Operation::ALL {
            let needed = needs(*operation);
            assert!(!needed.is_empty(), "{operation}");
            for (index, need) in needed.iter().enumerate() {
                assert!(!needed[..index].iter().any(|earlier| earlier.role == need.role), "{operation}");
            }
        }
    }

    #[test]
    fn an_operation_needs_the_permission_of_its_own_name_unless_it_is_made_of_others() {
        for operation in Operation::ALL {
            let own = needs(*operation).iter().any(|need| need.permission.action == operation.action());
            let of_others = matches!(operation, Operation::ReEncrypt | Operation::RetireMaterial);
            assert_eq!(own, !of_others, "{operation}");
        }
    }

    #[test]
    fn every_grant_meets_the_need_of_its_operation() {
        let words = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncryptFrom",
            "ReEncryptTo",
            "CreateGrant",
            "RetireGrant",
            "DescribeKey",
            "GenerateMac",
            "VerifyMac",
        ];
        for word in words {
            let need = need_of(GrantOperation::from_word(word).unwrap()).unwrap();
            assert_eq!(need.permission.action, format!("kms:{word}"));
        }
        let given = Operation::ALL.iter().flat_map(|operation| needs(*operation));
        assert_eq!(given.filter(|need| need.permission.grant.is_some()).count(), words.len());
    }
}

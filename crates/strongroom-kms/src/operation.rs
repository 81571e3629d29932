//! The operations of a key service.

use std::fmt;

use strongroom_types::OperationName;

use crate::GrantOperation;

macro_rules! operations {
    ($($(#[$meta:meta])* $variant:ident,)+) => {
        /// An operation of [`crate::Kms`] or [`crate::KmsAdmin`], named as AWS names it.
        ///
        /// These are the operations that callers call. Policies and grants can distinguish further:
        /// ReEncrypt needs `kms:ReEncryptFrom` on one key and `kms:ReEncryptTo` on another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(clippy::exhaustive_enums, reason = "whoever decides by operation must see a new one")]
        pub enum Operation { $($(#[$meta])* $variant,)+ }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in errors, logs and audit: `GenerateDataKey`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// The action in policies: `kms:GenerateDataKey`.
            #[must_use]
            pub const fn action(self) -> &'static str {
                match self { $(Self::$variant => concat!("kms:", stringify!($variant)),)+ }
            }
        }
    };
}

operations!(
    /// [`crate::Kms::encrypt`].
    Encrypt,
    /// [`crate::Kms::decrypt`].
    Decrypt,
    /// [`crate::Kms::re_encrypt`].
    ReEncrypt,
    /// [`crate::Kms::generate_data_key`].
    GenerateDataKey,
    /// [`crate::Kms::generate_data_key_without_plaintext`].
    GenerateDataKeyWithoutPlaintext,
    /// [`crate::Kms::generate_mac`].
    GenerateMac,
    /// [`crate::Kms::verify_mac`].
    VerifyMac,
    /// [`crate::Kms::generate_random`].
    GenerateRandom,
    /// [`crate::Kms::describe_key`].
    DescribeKey,
    /// [`crate::KmsAdmin::create_key`].
    CreateKey,
    /// [`crate::KmsAdmin::list_keys`].
    ListKeys,
    /// [`crate::KmsAdmin::update_key_description`].
    UpdateKeyDescription,
    /// [`crate::KmsAdmin::enable_key`].
    EnableKey,
    /// [`crate::KmsAdmin::disable_key`].
    DisableKey,
    /// [`crate::KmsAdmin::schedule_key_deletion`].
    ScheduleKeyDeletion,
    /// [`crate::KmsAdmin::cancel_key_deletion`].
    CancelKeyDeletion,
    /// [`crate::KmsAdmin::create_alias`].
    CreateAlias,
    /// [`crate::KmsAdmin::update_alias`].
    UpdateAlias,
    /// [`crate::KmsAdmin::delete_alias`].
    DeleteAlias,
    /// [`crate::KmsAdmin::list_aliases`].
    ListAliases,
    /// [`crate::KmsAdmin::rotate_key_on_demand`].
    RotateKeyOnDemand,
    /// [`crate::KmsAdmin::enable_key_rotation`].
    EnableKeyRotation,
    /// [`crate::KmsAdmin::disable_key_rotation`].
    DisableKeyRotation,
    /// [`crate::KmsAdmin::get_key_rotation_status`].
    GetKeyRotationStatus,
    /// [`crate::KmsAdmin::list_key_rotations`].
    ListKeyRotations,
    /// [`crate::KmsAdmin::tag_resource`].
    TagResource,
    /// [`crate::KmsAdmin::untag_resource`].
    UntagResource,
    /// [`crate::KmsAdmin::list_resource_tags`].
    ListResourceTags,
    /// [`crate::KmsAdmin::get_key_policy`].
    GetKeyPolicy,
    /// [`crate::KmsAdmin::put_key_policy`].
    PutKeyPolicy,
    /// [`crate::KmsAdmin::list_key_policies`].
    ListKeyPolicies,
    /// [`crate::KmsAdmin::create_grant`].
    CreateGrant,
    /// [`crate::KmsAdmin::list_grants`].
    ListGrants,
    /// [`crate::KmsAdmin::list_retirable_grants`].
    ListRetirableGrants,
    /// [`crate::KmsAdmin::retire_grant`].
    RetireGrant,
    /// [`crate::KmsAdmin::revoke_grant`].
    RevokeGrant,
    /// [`crate::KmsAdmin::get_parameters_for_import`].
    GetParametersForImport,
    /// [`crate::KmsAdmin::import_key_material`].
    ImportKeyMaterial,
    /// [`crate::KmsAdmin::delete_imported_key_material`].
    DeleteImportedKeyMaterial,
    /// Destroying the material of an old generation, which AWS does not have: no policy grants it
    /// by this name, it needs `kms:ScheduleKeyDeletion`.
    RetireMaterial,
);

impl OperationName for Operation {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn action(self) -> &'static str {
        Self::action(self)
    }

    fn event_source(self) -> &'static str {
        "kms.amazonaws.com"
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl GrantOperation {
    /// The operation that calls on such a grant. Two of them are halves of ReEncrypt.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Decrypt => Operation::Decrypt,
            Self::Encrypt => Operation::Encrypt,
            Self::GenerateDataKey => Operation::GenerateDataKey,
            Self::GenerateDataKeyWithoutPlaintext => Operation::GenerateDataKeyWithoutPlaintext,
            Self::ReEncryptFrom | Self::ReEncryptTo => Operation::ReEncrypt,
            Self::CreateGrant => Operation::CreateGrant,
            Self::RetireGrant => Operation::RetireGrant,
            Self::DescribeKey => Operation::DescribeKey,
            Self::GenerateMac => Operation::GenerateMac,
            Self::VerifyMac => Operation::VerifyMac,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_stands_in_all_once_under_its_own_name() {
        let names: HashSet<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
            assert_eq!(operation.action(), format!("kms:{operation}"));
            assert_eq!(format!("{operation:?}"), operation.name());
        }
    }
}

//! Which operation a key's state allows: the table of the specification as data.

use strongroom_kms::{Error, ErrorKind, KeyState};
use strongroom_types::Arn;

/// An operation on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Encrypt,
    Decrypt,
    ReEncryptFrom,
    ReEncryptTo,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    DescribeKey,
    UpdateKeyDescription,
    EnableKey,
    DisableKey,
    ScheduleKeyDeletion,
    CancelKeyDeletion,
    CreateAlias,
    UpdateAlias,
    RotateKeyOnDemand,
    GenerateMac,
    VerifyMac,
    EnableKeyRotation,
    DisableKeyRotation,
    GetKeyRotationStatus,
    ListKeyRotations,
    TagResource,
    UntagResource,
    ListResourceTags,
    GetKeyPolicy,
    PutKeyPolicy,
    ListKeyPolicies,
    CreateGrant,
    ListGrants,
    RetireGrant,
    RevokeGrant,
    DeleteAlias,
    GetParametersForImport,
    ImportKeyMaterial,
    DeleteImportedKeyMaterial,
    // Those of no key come last: they have no row.
    CreateKey,
    ListKeys,
    ListAliases,
    ListRetirableGrants,
    GenerateRandom,
}

impl Operation {
    /// As a policy calls it.
    pub(crate) fn action(self) -> String {
        format!("kms:{self:?}")
    }

    /// As grants call it.
    pub(crate) fn plain_name(self) -> String {
        format!("{self:?}")
    }

    /// As errors call it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::ReEncryptFrom | Self::ReEncryptTo => "ReEncrypt".to_owned(),
            other => other.plain_name(),
        }
    }

    /// Whether it takes an encryption algorithm, of which there is one.
    pub(crate) fn encrypts(self) -> bool {
        matches!(self, Self::Encrypt | Self::Decrypt | Self::ReEncryptFrom | Self::ReEncryptTo)
    }

    pub(crate) fn makes_data_keys(self) -> bool {
        matches!(self, Self::GenerateDataKey | Self::GenerateDataKeyWithoutPlaintext)
    }

    /// Whether another account may be allowed it.
    pub(crate) fn crosses_accounts(self) -> bool {
        matches!(
            self,
            Self::CreateGrant
                | Self::Decrypt
                | Self::DescribeKey
                | Self::Encrypt
                | Self::GenerateDataKey
                | Self::GenerateDataKeyWithoutPlaintext
                | Self::GenerateMac
                | Self::VerifyMac
                | Self::GetKeyRotationStatus
                | Self::ListGrants
                | Self::ReEncryptFrom
                | Self::ReEncryptTo
                | Self::RetireGrant
                | Self::RevokeGrant
        )
    }

    /// What a service does with its managed key.
    pub(crate) fn is_of_managed_use(self) -> bool {
        matches!(
            self,
            Self::Encrypt
                | Self::Decrypt
                | Self::ReEncryptFrom
                | Self::ReEncryptTo
                | Self::GenerateDataKey
                | Self::GenerateDataKeyWithoutPlaintext
                | Self::CreateGrant
                | Self::DescribeKey
        )
    }
}

/// What a state answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// DisabledException `<ARN> is disabled.`
    Disabled,
    /// KMSInvalidStateException `<ARN> is pending deletion.`
    PendingDeletion,
    /// KMSInvalidStateException `<ARN> is not pending deletion.`
    NotPendingDeletion,
    /// KMSInvalidStateException `<ARN> is pending import.`
    PendingImport,
}

use Verdict::{
    Disabled as X1, NotPendingDeletion as X4, Ok as OK, PendingDeletion as X3, PendingImport as X5,
};

/// Operation; Enabled, Disabled, PendingDeletion, PendingImport.
const TABLE: [(Operation, [Verdict; 4]); 35] = [
    (Operation::Encrypt, [OK, X1, X3, X5]),
    (Operation::Decrypt, [OK, X1, X3, X5]),
    (Operation::ReEncryptFrom, [OK, X1, X3, X5]),
    (Operation::ReEncryptTo, [OK, X1, X3, X5]),
    (Operation::GenerateDataKey, [OK, X1, X3, X5]),
    (Operation::GenerateDataKeyWithoutPlaintext, [OK, X1, X3, X5]),
    (Operation::DescribeKey, [OK, OK, OK, OK]),
    (Operation::UpdateKeyDescription, [OK, OK, X3, OK]),
    (Operation::EnableKey, [OK, OK, X3, X5]),
    (Operation::DisableKey, [OK, OK, X3, X5]),
    (Operation::ScheduleKeyDeletion, [OK, OK, X3, OK]),
    (Operation::CancelKeyDeletion, [X4, X4, OK, X4]),
    (Operation::CreateAlias, [OK, OK, X3, OK]),
    (Operation::UpdateAlias, [OK, OK, X3, OK]),
    (Operation::RotateKeyOnDemand, [OK, X1, X3, X5]),
    (Operation::GenerateMac, [OK, X1, X3, X5]),
    (Operation::VerifyMac, [OK, X1, X3, X5]),
    (Operation::EnableKeyRotation, [OK, X1, X3, OK]),
    (Operation::DisableKeyRotation, [OK, X1, X3, OK]),
    (Operation::GetKeyRotationStatus, [OK, OK, OK, OK]),
    (Operation::ListKeyRotations, [OK, OK, OK, OK]),
    (Operation::TagResource, [OK, OK, X3, OK]),
    (Operation::UntagResource, [OK, OK, X3, OK]),
    (Operation::ListResourceTags, [OK, OK, OK, OK]),
    (Operation::GetKeyPolicy, [OK, OK, OK, OK]),
    (Operation::PutKeyPolicy, [OK, OK, OK, OK]),
    (Operation::ListKeyPolicies, [OK, OK, OK, OK]),
    (Operation::CreateGrant, [OK, X1, X3, X5]),
    (Operation::ListGrants, [OK, OK, OK, OK]),
    (Operation::RetireGrant, [OK, OK, OK, OK]),
    (Operation::RevokeGrant, [OK, OK, OK, OK]),
    (Operation::DeleteAlias, [OK, OK, OK, OK]),
    (Operation::GetParametersForImport, [OK, OK, X3, OK]),
    (Operation::ImportKeyMaterial, [OK, OK, X3, OK]),
    (Operation::DeleteImportedKeyMaterial, [OK, OK, OK, OK]),
];

/// All operations on a key, in the table's order.
#[cfg(test)]
pub(crate) const EVERY_OPERATION: [Operation; TABLE.len()] = {
    let mut all = [Operation::Encrypt; TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        all[index] = TABLE[index].0;
        index += 1;
    }
    all
};

/// Whether a key in `state` allows `operation`.
pub(crate) fn check(operation: Operation, state: KeyState, arn: &Arn) -> Result<(), Error> {
    let column = match state {
        KeyState::Enabled => 0,
        KeyState::Disabled => 1,
        KeyState::PendingDeletion => 2,
        KeyState::PendingImport => 3,
        _ => return Err(Error::new(ErrorKind::InvalidState, format!("{arn} is unavailable."))),
    };
    let verdict = TABLE.iter().find(|(row, _)| *row == operation).map_or(X3, |(_, row)| row[column]);
    match verdict {
        Verdict::Ok => Ok(()),
        Verdict::Disabled => Err(Error::new(ErrorKind::Disabled, format!("{arn} is disabled."))),
        Verdict::PendingDeletion => {
            Err(Error::new(ErrorKind::InvalidState, format!("{arn} is pending deletion.")))
        }
        Verdict::NotPendingDeletion => {
            Err(Error::new(ErrorKind::InvalidState, format!("{arn} is not pending deletion.")))
        }
        Verdict::PendingImport => {
            Err(Error::new(ErrorKind::InvalidState, format!("{arn} is pending import.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_stands_in_the_table_once() {
        for (index, (operation, _)) in TABLE.iter().enumerate() {
            assert!(
                !TABLE[..index].iter().any(|(earlier, _)| earlier == operation),
                "{operation:?} stands twice"
            );
        }
        // One line per variant that is about a key: the last one's discriminant counts them.
        assert_eq!(TABLE.len(), Operation::DeleteImportedKeyMaterial as usize + 1);
    }

    #[test]
    fn texts_are_those_of_aws() {
        let arn = strongroom_types::Realm::default().arn("kms", "key/1234");
        let text = |operation, state| check(operation, state, &arn).unwrap_err().message().to_owned();
        assert_eq!(text(Operation::Decrypt, KeyState::Disabled), format!("{arn} is disabled."));
        assert_eq!(
            text(Operation::EnableKey, KeyState::PendingDeletion),
            format!("{arn} is pending deletion.")
        );
        assert_eq!(
            text(Operation::CancelKeyDeletion, KeyState::Enabled),
            format!("{arn} is not pending deletion.")
        );
        assert_eq!(text(Operation::Encrypt, KeyState::PendingImport), format!("{arn} is pending import."));
    }
}

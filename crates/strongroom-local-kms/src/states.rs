//! Which operation a key's state allows: the table of the specification as data.

use strongroom_kms::{Error, ErrorKind, KeyState, Operation};
use strongroom_types::Arn;

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

/// What the states Enabled, Disabled, PendingDeletion and PendingImport answer; `None` for an
/// operation that is not about one key.
#[allow(clippy::enum_glob_use, reason = "a table")]
const fn row(operation: Operation) -> Option<[Verdict; 4]> {
    use Operation::*;
    use Verdict::{
        Disabled as X1, NotPendingDeletion as X4, Ok as OK, PendingDeletion as X3, PendingImport as X5,
    };
    Some(match operation {
        Encrypt
        | Decrypt
        | ReEncrypt
        | GenerateDataKey
        | GenerateDataKeyWithoutPlaintext
        | GenerateMac
        | VerifyMac
        | RotateKeyOnDemand
        | CreateGrant => [OK, X1, X3, X5],
        EnableKey | DisableKey => [OK, OK, X3, X5],
        EnableKeyRotation | DisableKeyRotation => [OK, X1, X3, OK],
        UpdateKeyDescription
        | ScheduleKeyDeletion
        | CreateAlias
        | UpdateAlias
        | TagResource
        | UntagResource
        | GetParametersForImport
        | ImportKeyMaterial
        | RetireMaterial => [OK, OK, X3, OK],
        CancelKeyDeletion => [X4, X4, OK, X4],
        DescribeKey
        | GetKeyRotationStatus
        | ListKeyRotations
        | ListResourceTags
        | GetKeyPolicy
        | PutKeyPolicy
        | ListKeyPolicies
        | ListGrants
        | RetireGrant
        | RevokeGrant
        | DeleteAlias
        | DeleteImportedKeyMaterial => [OK, OK, OK, OK],
        CreateKey | ListKeys | ListAliases | ListRetirableGrants | GenerateRandom => return None,
    })
}

/// Whether a key in `state` allows `operation`.
pub(crate) fn check(operation: Operation, state: KeyState, arn: &Arn) -> Result<(), Error> {
    let column = match state {
        KeyState::Enabled => 0,
        KeyState::Disabled => 1,
        KeyState::PendingDeletion => 2,
        KeyState::PendingImport => 3,
        _ => return Err(Error::new(ErrorKind::InvalidState, format!("{arn} is unavailable."))),
    };
    match row(operation).map_or(Verdict::PendingDeletion, |row| row[column]) {
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

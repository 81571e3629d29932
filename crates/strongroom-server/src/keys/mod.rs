//! KMS: one file per operation, and the table of all operations.

mod call;
mod cancel_key_deletion;
mod create_alias;
mod create_grant;
mod create_key;
mod decrypt;
mod delete_alias;
mod delete_imported_key_material;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod enable_key;
mod enable_key_rotation;
mod encrypt;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod generate_mac;
mod generate_random;
mod get_key_policy;
mod get_key_rotation_status;
mod get_parameters_for_import;
mod import_key_material;
mod list_aliases;
mod list_grants;
mod list_key_policies;
mod list_key_rotations;
mod list_keys;
mod list_resource_tags;
mod list_retirable_grants;
mod put_key_policy;
mod re_encrypt;
mod retire_grant;
mod revoke_grant;
mod rotate_key_on_demand;
mod schedule_key_deletion;
mod shapes;
mod shapes_crypto;
mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_key_description;
mod verify_mac;
mod words;

use bytes::Bytes;

use self::call::{KeysCall, KeysOperation};
use crate::answer::{ApiError, not_here};
use crate::api::{Api, ApiRequest, Protocol, Running, failed};
use crate::operation::Operation;

/// The declaration of each operation.
static OPERATIONS: [KeysOperation; 39] = [
    cancel_key_deletion::OPERATION,
    create_alias::OPERATION,
    create_grant::OPERATION,
    create_key::OPERATION,
    decrypt::OPERATION,
    delete_alias::OPERATION,
    delete_imported_key_material::OPERATION,
    describe_key::OPERATION,
    disable_key::OPERATION,
    disable_key_rotation::OPERATION,
    enable_key::OPERATION,
    enable_key_rotation::OPERATION,
    encrypt::OPERATION,
    generate_data_key::OPERATION,
    generate_data_key_without_plaintext::OPERATION,
    generate_mac::OPERATION,
    generate_random::OPERATION,
    get_key_policy::OPERATION,
    get_key_rotation_status::OPERATION,
    get_parameters_for_import::OPERATION,
    import_key_material::OPERATION,
    list_aliases::OPERATION,
    list_grants::OPERATION,
    list_key_policies::OPERATION,
    list_key_rotations::OPERATION,
    list_keys::OPERATION,
    list_resource_tags::OPERATION,
    list_retirable_grants::OPERATION,
    put_key_policy::OPERATION,
    re_encrypt::OPERATION,
    retire_grant::OPERATION,
    revoke_grant::OPERATION,
    rotate_key_on_demand::OPERATION,
    schedule_key_deletion::OPERATION,
    tag_resource::OPERATION,
    untag_resource::OPERATION,
    update_alias::OPERATION,
    update_key_description::OPERATION,
    verify_mac::OPERATION,
];

/// Operations of AWS that this server does not implement: asymmetric keys, key pairs, custom key
/// stores, replicas.
const NOT_HERE: [&str; 17] = [
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "Decapsulate",
    "DeleteCustomKeyStore",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "Encapsulate",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
    "ReplicateKey",
    "Sign",
    "UpdateCustomKeyStore",
    "UpdatePrimaryRegion",
    "Verify",
    "GetKeyLastUsage",
];

/// AWS KMS.
pub(crate) struct Keys;

fn find(name: &str) -> Option<&'static KeysOperation> {
    OPERATIONS.iter().find(|entry| entry.operation.name == name)
}

impl Api for Keys {
    fn protocol(&self) -> Protocol {
        Protocol::Json("TrentService")
    }

    fn scopes(&self) -> &'static [&'static str] {
        &["kms"]
    }

    fn arn_service(&self) -> Option<&'static str> {
        Some("kms")
    }

    fn operation(&self, name: &str) -> Option<&'static Operation> {
        find(name).map(|entry| &entry.operation)
    }

    #[cfg(test)]
    fn operations(&self) -> Vec<(&'static Operation, Vec<String>)> {
        OPERATIONS.iter().map(|entry| (&entry.operation, entry.operation.sent_members())).collect()
    }

    fn run<'a>(&self, request: ApiRequest<'a>) -> Running<'a> {
        let keys = request.admitted.room.keys();
        // A strongroom over another store has no key service: that store manages its own keys.
        let Ok(kms) = keys.service() else { return failed(not_here(request.operation)) };
        match find(request.operation) {
            Some(entry) => (entry.run)(KeysCall {
                kms,
                keys,
                cx: &request.admitted.cx,
                body: request.body,
                rooms: request.rooms,
                own: &request.admitted.own,
                there: &request.admitted.there,
            }),
            None if NOT_HERE.contains(&request.operation) => failed(not_here(request.operation)),
            None => failed(ApiError::unknown_operation()),
        }
    }

    fn render_error(&self, error: ApiError, _id: &str) -> (u16, Bytes) {
        (error.status, Bytes::from(error.body(false).to_string()))
    }
}

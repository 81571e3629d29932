//! Secrets Manager: one file per operation, and the table of all operations.

mod batch_get_secret_value;
mod call;
mod create_secret;
mod delete_resource_policy;
mod delete_secret;
mod describe_secret;
mod get_random_password;
mod get_resource_policy;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod put_resource_policy;
mod put_secret_value;
mod restore_secret;
mod rotate_secret;
mod shapes;
mod tag_resource;
mod untag_resource;
mod update_secret;
mod update_secret_version_stage;
mod validate_resource_policy;

use bytes::Bytes;

use self::call::{SecretsCall, SecretsOperation};
use crate::answer::{ApiError, not_here};
use crate::api::{Api, ApiRequest, Protocol, Running, failed};
use crate::operation::Operation;

/// The declaration of each operation.
static OPERATIONS: [SecretsOperation; 19] = [
    batch_get_secret_value::OPERATION,
    create_secret::OPERATION,
    delete_resource_policy::OPERATION,
    delete_secret::OPERATION,
    describe_secret::OPERATION,
    get_random_password::OPERATION,
    get_resource_policy::OPERATION,
    get_secret_value::OPERATION,
    list_secret_version_ids::OPERATION,
    list_secrets::OPERATION,
    put_resource_policy::OPERATION,
    put_secret_value::OPERATION,
    restore_secret::OPERATION,
    rotate_secret::OPERATION,
    tag_resource::OPERATION,
    untag_resource::OPERATION,
    update_secret::OPERATION,
    update_secret_version_stage::OPERATION,
    validate_resource_policy::OPERATION,
];

/// Operations of AWS that this server does not implement.
const NOT_HERE: [&str; 7] = [
    "AssociateCrossAccountReplica",
    "CancelRotateSecret",
    "DisassociateCrossAccountReplica",
    "ListResourcePolicies",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "StopReplicationToReplica",
];

/// AWS Secrets Manager.
pub(crate) struct Secrets;

fn find(name: &str) -> Option<&'static SecretsOperation> {
    OPERATIONS.iter().find(|entry| entry.operation.name == name)
}

impl Api for Secrets {
    fn protocol(&self) -> Protocol {
        Protocol::Json("secretsmanager")
    }

    fn scopes(&self) -> &'static [&'static str] {
        &["secretsmanager"]
    }

    fn arn_service(&self) -> Option<&'static str> {
        Some("secretsmanager")
    }

    fn operation(&self, name: &str) -> Option<&'static Operation> {
        find(name).map(|entry| &entry.operation)
    }

    #[cfg(test)]
    fn operations(&self) -> Vec<(&'static Operation, Vec<String>)> {
        OPERATIONS.iter().map(|entry| (&entry.operation, entry.operation.sent_members())).collect()
    }

    fn run<'a>(&self, request: ApiRequest<'a>) -> Running<'a> {
        match find(request.operation) {
            Some(entry) => (entry.run)(SecretsCall {
                store: request.admitted.room.store(),
                cx: &request.admitted.cx,
                body: request.body,
                rooms: request.rooms,
                own: &request.admitted.own,
            }),
            None if NOT_HERE.contains(&request.operation) => failed(not_here(request.operation)),
            None => failed(ApiError::unknown_operation()),
        }
    }

    fn render_error(&self, error: ApiError, _id: &str) -> (u16, Bytes) {
        (error.status, Bytes::from(error.body(true).to_string()))
    }
}

//! IAM: one file per noun, with its operations and their request members.

mod access_keys;
mod account;
mod policies;
mod roles;
mod shapes;
mod users;

use super::call::QueryOperation;

/// The operations of all nouns.
pub(super) static TABLES: [&[QueryOperation]; 5] = [
    &users::OPERATIONS,
    &roles::OPERATIONS,
    &policies::OPERATIONS,
    &access_keys::OPERATIONS,
    &account::OPERATIONS,
];

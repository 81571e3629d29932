//! What the tests share.

#![allow(dead_code, unused_imports, reason = "each test takes what it needs")]

pub(crate) mod clients;
pub(crate) mod direct;
pub(crate) mod models;
pub(crate) mod process;
mod signer;

pub(crate) use signer::{Answer, Signer, call, exchange, request, stamp};

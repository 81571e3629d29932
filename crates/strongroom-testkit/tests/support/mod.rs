//! Backends for the tests of the suite.

pub(crate) mod log_records;

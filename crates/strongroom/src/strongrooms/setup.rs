//! Errors in the setup of strongrooms.

use std::path::Path;

use crate::{Error, ErrorKind};

pub(super) fn setup(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Setup, text.into())
}

pub(super) fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    setup(format!("{what} {}: {error}", path.display())).because(error)
}

//! Errors in a server's setup.

use strongroom::{Error, ErrorKind};

pub(crate) fn setup(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Setup, text.into())
}

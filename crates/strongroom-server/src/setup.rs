//! Errors about how a server was set up.

use strongroom::{Error, ErrorKind};

pub(crate) fn setup(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Setup, text.into())
}

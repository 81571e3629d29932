//! Parse errors of documents.

use std::fmt;

/// Why a text is not a policy: line, element and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    element: String,
    reason: String,
}

impl ParseError {
    pub(crate) fn new(line: usize, element: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { line, element: element.into(), reason: reason.into() }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The element, such as `Statement[0].Condition.StringEquals`; empty for the document as a
    /// whole.
    #[must_use]
    pub fn element(&self) -> &str {
        &self.element
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.element.is_empty() {
            write!(f, ", {}", self.element)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for ParseError {}

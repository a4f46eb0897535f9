//! What is wrong with a document, and where.

use std::fmt::{Display, Formatter};

/// An error of a document: a server of the tested versions would panic, refuse to start, lead nothing, or
/// lose what the key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShapeError {
    /// The JSON pointer of the place; empty for the document itself.
    pub path: String,
    /// The fault, to be read after the place. It never holds a value, which may be a secret.
    pub message: String,
}

impl ShapeError {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        ShapeError { path: path.into(), message: message.into() }
    }
}

impl Display for ShapeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let place = if self.path.is_empty() { "the document" } else { &self.path };
        write!(f, "{place} {}", self.message)
    }
}

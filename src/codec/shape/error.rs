//! What is wrong with a document, and where.

use std::fmt::{Display, Formatter};

use crate::model::FindingClass;

/// An error of a document: a server of the tested versions would panic, refuse to start, lead nothing, or
/// lose what the key holds; or no server writes it. No edit may add one, whatever the level of its class is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShapeError {
    /// The JSON pointer of the place; empty for the document itself.
    pub path: String,
    /// The fault, to be read after the place. It never holds a value, which may be a secret.
    pub message: String,
    /// What it is.
    pub class: FindingClass,
}

impl ShapeError {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        let class = FindingClass::ValueMalformed;
        ShapeError { path: path.into(), message: message.into(), class }
    }

    pub(super) fn of_class(self, class: FindingClass) -> Self {
        ShapeError { class, ..self }
    }
}

impl Display for ShapeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let place = if self.path.is_empty() { "the document" } else { &self.path };
        write!(f, "{place} {}", self.message)
    }
}

//! The name of a node where only that is known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A node, by id and by the name that it is known by, if any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct NodeLabel {
    /// The plain id.
    pub id: u64,
    /// The name; empty where it is not known.
    pub name: String,
}

impl fmt::Display for NodeLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.is_empty() {
            true => write!(f, "N{}", self.id),
            false => write!(f, "N{} ({})", self.id, self.name),
        }
    }
}

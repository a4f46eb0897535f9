//! The name of a store in documents and messages.

use std::fmt;

/// A store as documents name it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct StoreName {
    /// The type, as a `[metadata-client]` section has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Text without secrets.
    pub name: String,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

//! The name of a store in documents and messages.

use std::fmt;

use crate::model::StoppedMembers;

/// A store as documents name it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct StoreName {
    /// The type, as a `[metadata-client]` section has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Text without secrets.
    pub name: String,
    /// What is known of the members, where the store is folders of stopped nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StoppedMembers>,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

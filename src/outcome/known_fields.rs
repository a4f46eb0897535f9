//! The fields of a command that failed before its result was known.

use super::store_name::StoreName;

/// What a command that only reads knew when it failed; its document has these fields beside the error.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct KnownFields {
    /// The key that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The condition that was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
    /// The store, once it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// The source of a comparison, once it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<StoreName>,
    /// The target of a comparison, once it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<StoreName>,
}

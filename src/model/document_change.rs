//! The differences inside a value.

use serde_json::{Value as Json, json};

/// One difference between two documents, as an operation of a patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    /// Something is there in the target only.
    Add {
        /// Where.
        place: ChangedPlace,
        /// What.
        value: Json,
    },
    /// Something is there in the source only.
    Remove {
        /// Where.
        place: ChangedPlace,
        /// What.
        value: Json,
    },
    /// Something else is there.
    Replace {
        /// Where.
        place: ChangedPlace,
        /// What the source has.
        before: Json,
        /// What the target has.
        after: Json,
    },
}

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedPlace {
    /// The JSON pointer, when all operations before this one are carried out.
    pub pointer: String,
    /// The words of the document, such as `nodes[N2].current_generation`.
    pub words: String,
}

impl DocumentChange {
    /// Returns the operation of the patch from source to target.
    pub fn operation(&self) -> Json {
        match self {
            DocumentChange::Add { place, value } => {
                json!({"op": "add", "path": place.pointer, "value": value})
            }
            DocumentChange::Remove { place, .. } => json!({"op": "remove", "path": place.pointer}),
            DocumentChange::Replace { place, after, .. } => {
                json!({"op": "replace", "path": place.pointer, "value": after})
            }
        }
    }
}

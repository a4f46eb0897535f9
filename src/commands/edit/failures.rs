//! The failures of an edit, each with its hints.

use crate::model::{Key, Version};
use crate::outcome::{Code, Failure};
use crate::pipeline::edit::PatchFault;

const REDO_HINT: &str = "print the current value with `metadata get`, then redo the edit";

/// Returns the failure for a stored value that an edit can't keep intact.
pub(super) fn uneditable_value(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("failed to edit {key}: it {reason}"))
        .hint("save the stored bytes to a file: `metadata get --raw > FILE`, with the same store")
}

/// Returns the failure for a stored entry of which a part is missing.
pub(super) fn damaged_entry(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("failed to edit {key}: it {reason}"))
        .hint("save what is stored with `metadata backup --to FILE`, from the same store")
}

/// Returns the failure for a stored value that is not the one that the edit was made for.
pub(super) fn unexpected_version(message: String) -> Failure {
    Failure::new(Code::VersionMismatch, message).hint(REDO_HINT)
}

/// Returns the failure for a patch that can't be applied.
pub(super) fn failed_patch(key: &Key, version: Version, fault: &PatchFault) -> Failure {
    let code = match fault {
        // The operator asked for this check.
        PatchFault::Test { .. } => Code::VersionMismatch,
        PatchFault::Operation { .. } => Code::Usage,
    };
    Failure::new(code, format!("failed to patch {key} at version {version}: {fault}"))
        .hint("print the document that the patch applies to with `metadata get`")
}

/// Returns the failure for a patch of a key that does not exist.
pub(super) fn absent_key(key: &Key, store: &str) -> Failure {
    Failure::absent_key(key, store).hint("create the key with `metadata put`")
}

/// Returns the failure for a new value that the servers would not read.
pub(super) fn invalid_value(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("nothing was written: the new {key} {reason}"))
}

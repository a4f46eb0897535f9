//! Findings about a value alone: its bytes, and the document that they hold.

use super::subscriptions::find_stray_subscriptions;
use crate::codec::{self, CodecError, Tree};
use crate::model::{Entry, FindingClass, Key, MetadataFinding, Snapshot};

const NO_NODES_CONFIG: &str = "is missing: this is what an unfinished migration leaves. Finish it with the same command \
                               and --resume, or use another target; until then, start no fresh node with \
                               auto-provision = true on it: it would provision a new cluster on what lies there";

const NO_KEY: &str =
    "is missing: servers wait for it without an end (only the first start of a cluster makes one)";

/// Finds the keys without which no server runs. An empty store is not judged.
pub(super) fn find_missing_keys(snapshot: &Snapshot) -> Vec<MetadataFinding> {
    const NEEDED: [Key; 3] = [Key::NodesConfig, Key::Logs, Key::PartitionTable];
    let is_missing = |key: &Key| !snapshot.is_empty() && !snapshot.contains_key(key);
    let missing = NEEDED.into_iter().filter(is_missing).map(|key| {
        let message = if key == Key::NodesConfig { NO_NODES_CONFIG } else { NO_KEY };
        MetadataFinding::of_value(key, FindingClass::KeyMissing, message)
    });
    missing.collect()
}

/// Decodes the value of an entry if it is Restate's own, and checks that it can be read.
pub(super) fn decode_entry<'a>(
    key: &Key,
    entry: &'a Entry,
) -> (Option<Tree<'a>>, Result<(), CodecError>) {
    match entry.value() {
        Some(value) if key.is_known() => codec::decode_and_check(key, value),
        Some(value) => (None, codec::check(key, value)),
        None => (None, Ok(())),
    }
}

/// Finds what keeps a server from reading an entry, before its content counts.
///
/// Servers do not read a key that they do not know; what it holds is in the same warning.
pub(super) fn judge_entry(
    key: &Key,
    entry: &Entry,
    error: Option<&CodecError>,
) -> Option<MetadataFinding> {
    let fault = match entry {
        Entry::Damaged { reason, .. } => Some((FindingClass::EntryDamaged, reason.clone())),
        Entry::Intact(..) => error.map(|error| (class_of(error), error.to_string())),
    };
    if key.is_known() {
        return fault.map(|(class, reason)| MetadataFinding::of_value(key.clone(), class, reason));
    }
    let fault = fault.map(|(_, reason)| format!("; it {reason}")).unwrap_or_default();
    let message = format!("is not one of Restate's keys: servers do not read it{fault}");
    Some(MetadataFinding::of_value(key.clone(), FindingClass::KeyUnknown, message))
}

fn class_of(error: &CodecError) -> FindingClass {
    match error {
        CodecError::ForeignCodec { .. } => FindingClass::CodecNotAllowed,
        CodecError::VersionMismatch { .. }
        | CodecError::NoVersion { .. }
        | CodecError::InvalidVersion => FindingClass::VersionMisaligned,
        CodecError::Empty
        | CodecError::UnknownCodec(_)
        | CodecError::Length { .. }
        | CodecError::Payload { .. }
        | CodecError::Undecodable(_)
        | CodecError::NotEncodable { .. }
        | CodecError::Lossy(_) => FindingClass::ValueUndecodable,
    }
}

/// Finds the errors of a document that concern no other value.
pub(super) fn find_document_findings(key: &Key, document: &Tree<'_>) -> Vec<MetadataFinding> {
    let errors = codec::find_shape_errors(key, document).into_iter();
    let mut findings: Vec<_> = errors
        // The version is compared with the stored one already.
        .filter(|error| error.path != "/version")
        .map(|error| MetadataFinding {
            key: key.clone(),
            class: error.class,
            path: error.path,
            message: error.message,
        })
        .collect();
    if *key == Key::Schema {
        findings.extend(find_stray_subscriptions(document));
    }
    findings
}

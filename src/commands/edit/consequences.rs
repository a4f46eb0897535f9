//! What an edit would break, and what deserves attention about it.

use serde_json::Value as Json;

use crate::codec::{self, Tree};
use crate::model::{Key, MetadataFinding, Snapshot};
use crate::pipeline::soundness::{Documents, find_added_reference_errors};

/// Returns the errors between this value and those of `beside` that the edit adds.
pub(super) fn find_broken_references(
    edited: &Key,
    beside: &Snapshot,
    document: &Json,
    stored: Option<&Json>,
) -> Vec<MetadataFinding> {
    let others = beside.iter().filter(|(key, _)| *key != edited);
    let mut before = Documents::default();
    for (key, value) in others.filter_map(|(key, entry)| Some((key, entry.value()?))) {
        if let Ok(document) = codec::decode(key, &value.bytes) {
            before.add(key, document.into());
        }
    }
    let mut after = before.clone();
    after.add(edited, Tree::borrow(document));
    if let Some(stored) = stored {
        before.add(edited, Tree::borrow(stored));
    }
    find_added_reference_errors(&before, &after)
}

/// Returns what deserves attention about an edit, and stops nothing.
pub(super) fn find_warnings(key: &Key, old: Option<&Json>, document: &Json) -> Vec<String> {
    let mut warnings = Vec::new();
    if !key.is_known() {
        warnings.push(format!("{key} is not one of Restate's keys"));
    }
    let Some(old) = old else { return warnings };
    if *key == Key::NodesConfig && cluster_identity(old) != cluster_identity(document) {
        warnings.push(
            "the cluster's name or fingerprint changes: servers that are configured for the old one, \
             or remember it, refuse to start"
                .to_owned(),
        );
    }
    if without_version(old) == without_version(document) {
        warnings.push("the edit changes nothing but the version".to_owned());
    }
    warnings
}

fn cluster_identity(nodes_config: &Json) -> [Option<&Json>; 2] {
    ["cluster_name", "cluster_fingerprint"].map(|name| nodes_config.get(name))
}

/// Returns the document without the version inside it.
pub(super) fn without_version(document: &Json) -> Json {
    let mut document = document.clone();
    if let Json::Object(fields) = &mut document {
        fields.shift_remove("version");
    }
    document
}

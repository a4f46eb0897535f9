//! Merges two `nodes_config` values into the one that a cluster goes back with: the source's, in which the
//! nodes keep their place in the target, on which they run. Pure: no I/O, not async.
//!
//! A node's generation must never be used twice, whichever store it started on: the higher one is
//! kept. Its roles, address, version and its part in the metadata store are the target's, since there
//! it has started last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::codec;
use crate::model::{Entry, Key, KeyStatus, Snapshot, Value, Version};
use crate::pipeline::verify::compare;

/// The fields of a node that come from the target; all others are the source's.
const TARGET_FIELDS: [&str; 4] = ["roles", "address", "binary_version", "metadata_server_config"];

/// The fields that every write of the value changes.
const WRITE_FIELDS: [&str; 2] = ["version", "modified_at"];

const FINGERPRINT: &str = "cluster_fingerprint";

const TOMBSTONE: &str = "Tombstone";

/// The merged `nodes_config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The value to put: encoded as the target's is, its version above both.
    pub value: Value,
    /// `true` if the target's value already has the same content, but for its version.
    pub is_there: bool,
}

/// Merges the stored values.
///
/// # Errors
/// Every reason why they can't be merged: each a sentence.
pub fn merge(source: &Value, target: &Value) -> Result<Merged, Vec<String>> {
    let decoded = |whose: &str, value: &Value| {
        codec::check(&Key::NodesConfig, value)
            .and_then(|()| codec::decode(&Key::NodesConfig, &value.bytes))
            .map_err(|fault| vec![format!("nodes_config of the {whose} {fault}")])
    };
    let (ours, theirs) = (decoded("source", source)?, decoded("target", target)?);
    let merged = merge_documents(&ours, &theirs)?;
    let one = |reason: String| vec![reason];
    let above = source.version.max(target.version).0.checked_add(1);
    let version = above.ok_or_else(|| one("nodes_config has no higher version".to_owned()))?;
    let version = Version(version);
    let refused = |fault| one(format!("the merged nodes_config {fault}"));
    let encoding = codec::encoding(&target.bytes).map_err(refused)?;
    let bytes = codec::encode(&Key::NodesConfig, encoding, &merged, version).map_err(refused)?;
    let is_there = without_write_fields(&merged) == without_write_fields(&theirs);
    Ok(Merged { value: Value { version, bytes }, is_there })
}

/// How far a target has what a roll-back brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackState {
    /// Something is left to do.
    Open,
    /// The target has the merge and every other key of the source: a finished roll-back.
    Done,
    /// The target has the merge, and other keys that are newer: a cluster that has run since it was rolled
    /// back, or one that never was and has diverged. Versions can't tell which.
    Newer,
}

/// Returns the content that the target is to have: the source, with a merged `nodes_config`, or with the
/// target's own if nothing is left to do.
///
/// # Errors
/// As [`merge`].
pub fn desired_snapshot(
    source: &Snapshot,
    target: &Snapshot,
) -> Result<(Snapshot, RollbackState), Vec<String>> {
    let key = Key::NodesConfig;
    let (Some(ours), Some(Entry::Intact(theirs, tag))) =
        (source.get(&key).and_then(Entry::value), target.get(&key))
    else {
        return Err(vec!["nodes_config is absent or damaged".to_owned()]);
    };
    let merged = merge(ours, theirs)?;
    let state = match merged.is_there {
        true => compare_others(source, target),
        false => RollbackState::Open,
    };
    let value = if state == RollbackState::Done { theirs.clone() } else { merged.value };
    let mut wanted = source.clone();
    wanted.insert(key, Entry::Intact(value, tag.clone()));
    Ok((wanted, state))
}

/// Compares all keys but `nodes_config`, of which the target has the merge.
fn compare_others(source: &Snapshot, target: &Snapshot) -> RollbackState {
    let comparison = compare(source, target);
    let mut others = comparison.rows.iter().filter(|row| row.key != Key::NodesConfig);
    if others.clone().all(|row| row.status == KeyStatus::Same) {
        return RollbackState::Done;
    }
    let is_kept = |status| matches!(status, KeyStatus::Same | KeyStatus::Newer | KeyStatus::Extra);
    let has_newer = others.clone().any(|row| row.status == KeyStatus::Newer);
    match has_newer && others.all(|row| is_kept(row.status)) {
        true => RollbackState::Newer,
        false => RollbackState::Open,
    }
}

/// Nodes by id, tombstones as `None`.
type Nodes<'a> = BTreeMap<u32, Option<&'a Map<String, Json>>>;

fn merge_documents(source: &Json, target: &Json) -> Result<Json, Vec<String>> {
    let mut faults = Vec::new();
    for (field, name) in [("cluster_name", "name"), (FINGERPRINT, "fingerprint")] {
        let (ours, theirs) = (source.get(field), target.get(field));
        let is_absent = |value: Option<&Json>| value.is_none_or(Json::is_null);
        // A cluster that is older than fingerprints has none: the check of the cluster asks for it.
        if field == FINGERPRINT && (is_absent(ours) || is_absent(theirs)) {
            continue;
        }
        if ours != theirs || is_absent(ours) {
            let shown = |value: Option<&Json>| value.map_or("none".to_owned(), Json::to_string);
            let (ours, theirs) = (shown(ours), shown(theirs));
            faults.push(format!(
                "the cluster's {name} is {theirs} in the target, {ours} in the source"
            ));
        }
    }
    let (ours, theirs) = (nodes_by_id(source, "source")?, nodes_by_id(target, "target")?);
    let ids: BTreeSet<u32> = ours.keys().chain(theirs.keys()).copied().collect();
    let (mut merged, mut names) = (Vec::new(), Map::new());
    for id in ids {
        match merge_node(id, &ours, &theirs) {
            Ok(Some(node)) => {
                names.insert(name(&node).to_owned(), id.into());
                merged.push(json!([id, {"Node": node}]));
            }
            Ok(None) => merged.push(json!([id, TOMBSTONE])),
            Err(fault) => faults.push(fault),
        }
    }
    // A node under another id is met under both.
    faults.dedup();
    let Some(fields) = source.as_object().filter(|_| faults.is_empty()) else { return Err(faults) };
    let mut document = fields.clone();
    document.insert("nodes".to_owned(), Json::Array(merged));
    document.insert("name_lookup".to_owned(), Json::Object(names));
    if let (None | Some(Json::Null), Some(known)) =
        (document.get(FINGERPRINT), target.get(FINGERPRINT))
    {
        document.insert(FINGERPRINT.to_owned(), known.clone());
    }
    Ok(Json::Object(document))
}

fn nodes_by_id<'a>(document: &'a Json, whose: &str) -> Result<Nodes<'a>, Vec<String>> {
    let refused = |reason: String| vec![format!("nodes_config of the {whose} {reason}")];
    codec::nodes_configuration(document).map_err(refused)?;
    let pairs = document.get("nodes").and_then(Json::as_array).into_iter().flatten();
    let mut nodes = Nodes::new();
    for pair in pairs {
        let id = pair.get(0).and_then(Json::as_u64).and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| refused("has a node without an id".to_owned()))?;
        let node = pair.pointer("/1/Node").and_then(Json::as_object);
        if node.is_some_and(|node| generation(node).is_none()) {
            return Err(refused(format!("has N{id} without a generation")));
        }
        if nodes.insert(id, node).is_some() {
            return Err(refused(format!("has N{id} twice")));
        }
    }
    Ok(nodes)
}

/// Returns the merged node; `None` for a tombstone, as one on either side stays one.
fn merge_node(
    id: u32,
    ours: &Nodes<'_>,
    theirs: &Nodes<'_>,
) -> Result<Option<Map<String, Json>>, String> {
    let (source, target) = match (ours.get(&id), theirs.get(&id)) {
        (Some(None), _) | (_, Some(None)) => return Ok(None),
        (Some(Some(source)), Some(Some(target))) => (*source, *target),
        (Some(Some(node)), None) => {
            return Err(describe_unmatched(id, node, Side::Source, theirs));
        }
        (None, Some(Some(node))) => {
            return Err(describe_unmatched(id, node, Side::Target, ours));
        }
        (None, None) => return Ok(None),
    };
    if name(source) != name(target) {
        let (ours, theirs) = (name(source), name(target));
        return Err(format!("N{id} is {theirs} in the target, {ours} in the source"));
    }
    let mut node = source.clone();
    for field in TARGET_FIELDS {
        match target.get(field) {
            Some(value) => node.insert(field.to_owned(), value.clone()),
            None => node.shift_remove(field),
        };
    }
    let generation = generation(source).max(generation(target));
    node.insert("current_generation".to_owned(), json!([id, generation]));
    Ok(Some(node))
}

/// The side that knows a node which the other one does not.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

fn describe_unmatched(
    id: u32,
    node: &Map<String, Json>,
    known_to: Side,
    others: &Nodes<'_>,
) -> String {
    let own = name(node);
    let elsewhere = others.iter().find(|(_, node)| node.is_some_and(|node| name(node) == own));
    match (known_to, elsewhere) {
        (Side::Source, Some((elsewhere, _))) => {
            format!("{own} is N{elsewhere} in the target, N{id} in the source")
        }
        (Side::Target, Some((elsewhere, _))) => {
            format!("{own} is N{id} in the target, N{elsewhere} in the source")
        }
        (Side::Source, None) => {
            format!("N{id} ({own}) is known to the source, and not to the target")
        }
        (Side::Target, None) => {
            format!("N{id} ({own}) is known to the target, and not to the source")
        }
    }
}

fn name(node: &Map<String, Json>) -> &str {
    node.get("name").and_then(Json::as_str).unwrap_or_default()
}

fn generation(node: &Map<String, Json>) -> Option<u64> {
    node.get("current_generation")?.get(1)?.as_u64()
}

/// Returns the document without what every write changes, its nodes in the order of their ids.
fn without_write_fields(document: &Json) -> Json {
    let mut content = document.clone();
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|name, _| !WRITE_FIELDS.contains(&name.as_str()));
        if let Some(Json::Array(nodes)) = fields.get_mut("nodes") {
            nodes.sort_by_key(|pair| pair.get(0).and_then(Json::as_u64));
        }
    }
    content
}

#[cfg(test)]
mod tests;

//! References between values that a server needs: the nodes of a segment, the log of a partition, the nodes for a
//! replication. Seen with 1.7.12: where one of these is broken, a partition is led nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::{Documents, ids_of, living_nodes};
use super::epochs::find_lost_placements;
use crate::codec::Tree;
use crate::model::{FindingClass, Key, MetadataFinding};

const REPLICATION: &str = "/config/default_provider/replicated/replication_property";

/// Returns the keys that values of this key refer to, or are referred to by, as far as a server needs that.
pub fn referenced_keys(key: &Key) -> &'static [Key] {
    match key {
        Key::NodesConfig => &[Key::Logs],
        Key::Logs => &[Key::NodesConfig, Key::PartitionTable],
        Key::PartitionTable => &[Key::Logs],
        _ => &[],
    }
}

/// Returns the errors between values that were not there before.
///
/// A place may have moved, as the elements of a list do: only what an error says counts.
pub fn find_added_reference_errors(
    before: &Documents<'_>,
    after: &Documents<'_>,
) -> Vec<MetadataFinding> {
    let content = |finding: &MetadataFinding| (finding.key.clone(), finding.message.clone());
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for finding in find_errors_of_edit(before) {
        *counts.entry(content(&finding)).or_default() += 1;
    }
    let mut added = find_errors_of_edit(after);
    added.retain(|finding| match counts.get_mut(&content(finding)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => finding.is_error(),
    });
    added
}

/// Returns what an edit may break: of the epochs only the edited one is known.
fn find_errors_of_edit(documents: &Documents<'_>) -> Vec<MetadataFinding> {
    let nodes = documents.get(&Key::NodesConfig);
    let lost = nodes.and_then(|nodes| find_lost_placements(documents, &living_nodes(nodes)));
    find_broken_references(documents).into_iter().chain(lost).collect()
}

/// Returns the errors between values, as far as both sides of a reference are known.
pub(super) fn find_broken_references(documents: &Documents<'_>) -> Vec<MetadataFinding> {
    let [nodes, logs, table] =
        [Key::NodesConfig, Key::Logs, Key::PartitionTable].map(|key| documents.get(&key));
    let mut findings = Vec::new();
    if let (Some(nodes), Some(logs)) = (nodes, logs) {
        findings.extend(find_absent_nodes(logs, nodes));
        findings.extend(find_unmet_replication(logs, nodes));
    }
    if let (Some(logs), Some(table)) = (logs, table) {
        findings.extend(find_absent_logs(table, logs, documents));
    }
    findings
}

fn of_logs(class: FindingClass, path: String, message: String) -> MetadataFinding {
    MetadataFinding { key: Key::Logs, class, path, message }
}

/// Finds segments on nodes that `nodes_config` never had, and logs whose last segment is on removed nodes only. A
/// removed node may have served an old segment.
fn find_absent_nodes(logs: &Tree<'_>, nodes: &Tree<'_>) -> Vec<MetadataFinding> {
    let (known, living) = (ids_of(nodes, "/nodes"), living_nodes(nodes));
    let mut findings = Vec::new();
    for (index, log) in logs.elements("/logs").iter().enumerate() {
        let chain = log.elements("/1/chain");
        for (position, segment) in chain.iter().enumerate() {
            let nodeset = nodeset_of(segment);
            let is_last = position + 1 == chain.len();
            let message = match (name_nodes(nodeset.difference(&known)), is_last) {
                (Some(absent), _) => format!("names {absent}, which nodes_config does not have"),
                (None, true) if nodeset.is_disjoint(&living) => match name_nodes(&nodeset) {
                    Some(removed) => format!("names only removed nodes: {removed}"),
                    None => continue,
                },
                _ => continue,
            };
            let path = format!("/logs/{index}/1/chain/{position}/1/params");
            findings.push(of_logs(FindingClass::NodesetMissing, path, message));
        }
    }
    findings
}

/// Returns the names of nodes; `None` if there are none.
fn name_nodes<'a>(ids: impl IntoIterator<Item = &'a u64>) -> Option<String> {
    let names: Vec<_> = ids.into_iter().map(|id| format!("N{id}")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Returns the nodes of a replicated segment.
fn nodeset_of(segment: &Tree<'_>) -> BTreeSet<u64> {
    let params = segment.at("/1/params").and_then(Tree::as_str);
    let params = params
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
        .map(Tree::from);
    params.iter().flat_map(|params| params.elements("/nodeset")).filter_map(Tree::as_u64).collect()
}

/// Finds a replication for new segments that the nodes can't meet.
fn find_unmet_replication(logs: &Tree<'_>, nodes: &Tree<'_>) -> Option<MetadataFinding> {
    let living = living_nodes(nodes).len();
    let copies = logs.at(REPLICATION).and_then(Tree::as_str).and_then(parse_node_copies)?;
    (copies > living).then(|| {
        let message = format!("requires {copies} nodes, and nodes_config has {living}");
        of_logs(FindingClass::ReplicationUnmet, REPLICATION.to_owned(), message)
    })
}

/// Reads the number of nodes from a replication such as `{node: 2}`.
fn parse_node_copies(replication: &str) -> Option<usize> {
    let inside = replication.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut scopes = inside.split(',').filter_map(|scope| scope.split_once(':'));
    scopes.find(|(name, _)| name.trim() == "node")?.1.trim().parse().ok()
}

/// Finds partitions whose log does not exist: one that they name, or their own if they were led before. For a partition
/// that never was, the servers make it.
fn find_absent_logs(
    table: &Tree<'_>,
    logs: &Tree<'_>,
    documents: &Documents<'_>,
) -> Vec<MetadataFinding> {
    let known = ids_of(logs, "/logs");
    let partitions = table.elements("/partitions").iter().enumerate();
    let absent = partitions.filter_map(|(index, pair)| {
        let id = pair.element(0)?.as_u64()?;
        let named = pair.at("/1/log_id").and_then(Tree::as_u64);
        let (path, message) = match named {
            Some(log) => (format!("/partitions/{index}/1/log_id"), format!("is {log}")),
            None if was_led(id, documents) => {
                (format!("/partitions/{index}"), format!("was led, and its log is {id}"))
            }
            None => return None,
        };
        (!known.contains(&named.unwrap_or(id))).then(|| MetadataFinding {
            key: Key::PartitionTable,
            class: FindingClass::LogMissing,
            path,
            message: format!("{message}, which bifrost_config does not have"),
        })
    });
    absent.collect()
}

fn was_led(partition: u64, documents: &Documents<'_>) -> bool {
    let key = u16::try_from(partition).map(Key::PartitionEpoch);
    key.is_ok_and(|key| documents.epochs.get(&key).is_some_and(|epoch| epoch.was_led))
}

//! What has to hold between the fields of a document, whose forms the shapes say.
//!
//! A rule passes over what is not of its form: the shapes report that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::error::ShapeError;
use super::kinds::REPLICATED_PARAMS;
use super::text::MOST_NODES;
use super::walk::find_mismatches;
use crate::codec::Tree;
use crate::model::{FindingClass, Key};

/// Returns each place at which fields contradict each other.
pub(super) fn find_broken_rules(key: &Key, document: &Tree<'_>) -> Vec<ShapeError> {
    match key {
        Key::NodesConfig => find_node_errors(document),
        Key::PartitionTable => find_partition_errors(document),
        Key::Logs => find_log_errors(document),
        Key::Schema => find_deployment_errors(document),
        _ => Vec::new(),
    }
}

/// Maps whose keys are numbers are lists of pairs: no key may be there twice.
fn find_duplicates(list: &str, pairs: &[Tree<'_>], what: &str) -> Vec<ShapeError> {
    // Of two nodes with one id, a server dies; of two partitions or logs it keeps one.
    let class = match what {
        "node" => FindingClass::NodeIdentity,
        _ => FindingClass::EntryDuplicate,
    };
    let mut seen = BTreeSet::new();
    let ids = pairs
        .iter()
        .enumerate()
        .filter_map(|(index, pair)| Some((index, pair.element(0)?.as_u64()?)));
    ids.filter(|(_, id)| !seen.insert(*id))
        .map(|(index, _)| {
            let message = format!("is a second {what} of the same id");
            ShapeError::new(format!("{list}/{index}"), message).of_class(class)
        })
        .collect()
}

/// Of two deployments with one id, the servers keep one.
fn find_deployment_errors(document: &Tree<'_>) -> Vec<ShapeError> {
    let mut seen = BTreeSet::new();
    let deployments = document.elements("/deployments_v2").iter().enumerate();
    let ids = deployments.filter_map(|(index, found)| Some((index, found.get("id")?.as_str()?)));
    ids.filter(|(_, id)| !seen.insert(*id))
        .map(|(index, _)| {
            ShapeError::new(format!("/deployments_v2/{index}/id"), "is that of another deployment")
                .of_class(FindingClass::EntryDuplicate)
        })
        .collect()
}

/// Nodes are found by name through a table of its own.
fn find_node_errors(document: &Tree<'_>) -> Vec<ShapeError> {
    let pairs = document.elements("/nodes");
    let mut errors = find_duplicates("/nodes", pairs, "node");
    let mut names = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        let (Some(id), Some(node)) = (pair.element(0).and_then(Tree::as_u64), pair.at("/1/Node"))
        else {
            continue;
        };
        if node.at("/current_generation/0").is_some_and(|own| own.as_u64() != Some(id)) {
            let place = format!("/nodes/{index}/1/Node/current_generation");
            errors.push(of_identity(place, "is of another node"));
        }
        if let Some(name) = node.get("name").and_then(Tree::as_str)
            && names.insert(name, id).is_some()
        {
            let place = format!("/nodes/{index}/1/Node/name");
            errors.push(of_identity(place, "is the name of another node too"));
        }
    }
    errors.extend(find_lookup_errors(document, &names));
    errors
}

fn find_lookup_errors(document: &Tree<'_>, names: &BTreeMap<&str, u64>) -> Vec<ShapeError> {
    let Some(Tree::Object(lookup)) = document.get("name_lookup") else { return Vec::new() };
    let lookup: BTreeMap<&str, &Tree<'_>> =
        lookup.iter().map(|(name, id)| (name.as_ref(), id)).collect();
    let place = |name: &str| format!("/name_lookup/{}", name.replace('~', "~0").replace('/', "~1"));
    let missing = names
        .iter()
        .filter(|(name, id)| lookup.get(**name).and_then(|id| id.as_u64()) != Some(**id));
    let missing = missing.map(|(name, id)| {
        of_identity(place(name), format!("does not lead to node {id}, which has the name"))
    });
    let stray = lookup.keys().filter(|name| !names.contains_key(*name));
    let stray = stray.map(|name| {
        ShapeError::new(place(name), "is the name of no node").of_class(FindingClass::LookupStray)
    });
    missing.chain(stray).collect()
}

fn of_identity(path: String, message: impl Into<String>) -> ShapeError {
    ShapeError::new(path, message).of_class(FindingClass::NodeIdentity)
}

fn find_partition_errors(document: &Tree<'_>) -> Vec<ShapeError> {
    let pairs = document.elements("/partitions");
    let count = document.get("num_partitions").and_then(Tree::as_u64);
    let mut errors = find_duplicates("/partitions", pairs, "partition");
    if document.at("/replication/limit").is_some_and(names_no_scope) {
        errors.push(ShapeError::new("/replication/limit", "names no scope"));
    }
    if pairs.is_empty() {
        if count == Some(0) {
            let error = ShapeError::new("/num_partitions", "is 0, and there are no /partitions");
            errors.push(error.of_class(FindingClass::PartitionsMissing));
        }
        return errors;
    }
    if count.is_some_and(|count| count != pairs.len() as u64) {
        let error = ShapeError::new("/num_partitions", "is not the number of partitions");
        errors.push(error.of_class(FindingClass::PartitionCount));
    }
    errors.extend(find_range_errors(pairs));
    errors
}

/// Each key belongs to one partition at most.
fn find_range_errors(pairs: &[Tree<'_>]) -> Vec<ShapeError> {
    let ranges = pairs.iter().enumerate().filter_map(|(index, pair)| {
        let range = pair.at("/1/key_range")?;
        Some((range.get("start")?.as_u64()?, range.get("end")?.as_u64()?, index))
    });
    let (mut ranges, backwards): (Vec<_>, Vec<_>) =
        ranges.partition(|(start, end, _)| start <= end);
    let mut errors: Vec<_> = backwards
        .into_iter()
        .map(|(_, _, index)| of_range(index, "starts after its end"))
        .collect();
    ranges.sort_unstable();
    let overlaps = ranges.iter().zip(ranges.iter().skip(1)).filter(|(one, next)| one.1 >= next.0);
    errors.extend(
        overlaps.map(|(_, (_, _, index))| of_range(*index, "overlaps that of another partition")),
    );
    errors
}

fn of_range(index: usize, message: &str) -> ShapeError {
    ShapeError::new(format!("/partitions/{index}/1/key_range"), message)
        .of_class(FindingClass::KeyRangeInvalid)
}

/// Checks the logs, and the parameters of their segments, whose form depends on the kind.
fn find_log_errors(document: &Tree<'_>) -> Vec<ShapeError> {
    let logs = document.elements("/logs");
    let mut errors = find_duplicates("/logs", logs, "log");
    for (index, log) in logs.iter().enumerate() {
        for (position, segment) in log.elements("/1/chain").iter().enumerate() {
            let text = |path| segment.at(path).and_then(Tree::as_str);
            if let (Some(kind), Some(params)) = (text("/1/kind"), text("/1/params")) {
                let place = || format!("/logs/{index}/1/chain/{position}/1/params");
                let faults = find_params_faults(kind, params).into_iter();
                errors.extend(faults.map(|fault| ShapeError::new(place(), fault)));
            }
        }
    }
    errors
}

/// Returns whether a replication in the form of an object is empty: the servers panic on it.
fn names_no_scope(replication: &Tree<'_>) -> bool {
    matches!(replication, Tree::Object(scopes) if scopes.is_empty())
}

fn find_params_faults(kind: &str, params: &str) -> Vec<String> {
    match kind {
        "replicated" => match serde_json::from_str::<Json>(params) {
            Err(_) => vec!["is not valid JSON".to_owned()],
            Ok(params) => {
                let params = Tree::from(params);
                let mismatches = find_mismatches(&REPLICATED_PARAMS, &params).into_iter();
                let mut faults: Vec<_> =
                    mismatches.map(|error| format!("is JSON of which {error}")).collect();
                if params.get("replication").is_some_and(names_no_scope) {
                    faults.push("is JSON of which /replication names no scope".to_owned());
                }
                if params.elements("/nodeset").len() as u64 > MOST_NODES {
                    faults.push(format!(
                        "is JSON of which /nodeset has more than {MOST_NODES} nodes"
                    ));
                }
                faults
            }
        },
        "local" | "in-memory" if params.parse::<u64>().is_err() => {
            vec![format!("is not a whole number, as a segment of kind {kind} has it")]
        }
        _ => Vec::new(),
    }
}

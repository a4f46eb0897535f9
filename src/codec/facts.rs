//! The facts that decisions are made on, read from decoded values. Fields that are not
//! needed are not looked at, so that newer servers can add some.

use serde_json::Value as Json;

use super::decode::{decode, decode_with};
use super::flexbuffer;
use super::tree::Tree;
use crate::model::{Entry, Key, Snapshot, Value};

/// The part of `nodes_config` that decisions are made on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodesConfiguration {
    /// The version inside the value.
    pub version: u64,
    /// The cluster's name.
    pub cluster_name: String,
    /// The number that tells two clusters of the same name apart.
    pub fingerprint: Option<u64>,
    /// The nodes that were not removed; tombstones are left out.
    pub nodes: Vec<Node>,
}

impl NodesConfiguration {
    /// Returns whether both may be of one cluster: clusters of older servers got their fingerprint later.
    pub fn may_be_same_cluster(&self, other: &NodesConfiguration) -> bool {
        let own = (self.cluster_name.as_str(), self.fingerprint);
        may_be_same_cluster(own, (other.cluster_name.as_str(), other.fingerprint))
    }
}

/// Returns whether two names with fingerprints may be those of one cluster.
pub fn may_be_same_cluster(one: (&str, Option<u64>), other: (&str, Option<u64>)) -> bool {
    one.0 == other.0 && one.1.zip(other.1).is_none_or(|(one, other)| one == other)
}

/// One node of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The plain id, without generation.
    pub id: u32,
    /// The configured name.
    pub name: String,
    /// The address of its fabric services.
    pub address: String,
    /// The roles it last started with.
    pub roles: Vec<String>,
    /// The server version it last started with.
    pub binary_version: Option<String>,
    /// The number of its starts.
    pub generation: u32,
    /// `true` if it was seen to serve as a worker or log server: outside migration mode it has such a role.
    pub has_served: bool,
}

impl Node {
    /// Returns whether it last started with this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "N{} ({}, {})", self.id, self.name, self.address)
    }
}

/// Reads a decoded `nodes_config`.
///
/// # Errors
/// What is missing or of another form.
pub fn nodes_configuration(decoded: &Json) -> Result<NodesConfiguration, String> {
    let pairs = decoded.get("nodes").and_then(Json::as_array).ok_or("has no list of nodes")?;
    let mut nodes: Vec<Node> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (id, state) =
            id_and_state(pair).ok_or("has a node that is not a pair of id and state")?;
        let id = u32::try_from(id).map_err(|_| format!("has a node with the id {id}"))?;
        // A removed node is the plain text "Tombstone".
        if state.as_str() != Some("Tombstone") {
            let fields =
                state.get("Node").ok_or_else(|| format!("has N{id} in an unknown state"))?;
            nodes.push(parse_node(id, fields)?);
        }
    }
    // The server's map has no order.
    nodes.sort_by_key(|node| node.id);
    Ok(NodesConfiguration {
        version: decoded.get("version").and_then(Json::as_u64).unwrap_or_default(),
        cluster_name: text_field(decoded, "cluster_name").ok_or("has no cluster name")?,
        fingerprint: decoded.get("cluster_fingerprint").and_then(Json::as_u64),
        nodes,
    })
}

/// Returns name and fingerprint of the cluster that a store belongs to, if its `nodes_config` has
/// them.
pub fn cluster_of(snapshot: &Snapshot) -> Option<(String, Option<u64>)> {
    let nodes = nodes_of(snapshot)?;
    Some((nodes.cluster_name, nodes.fingerprint))
}

/// Reads the `nodes_config` of a store, if it is there and intact.
pub fn nodes_of(snapshot: &Snapshot) -> Option<NodesConfiguration> {
    nodes_in(snapshot.get(&Key::NodesConfig).and_then(Entry::value)?)
}

/// Reads a stored `nodes_config`; `None` if it can't be decoded.
pub fn nodes_in(value: &Value) -> Option<NodesConfiguration> {
    nodes_configuration(&decode(&Key::NodesConfig, &value.bytes).ok()?).ok()
}

/// Reads the partition ids from a stored `partition_table`, without looking at what else it says of them.
///
/// # Errors
/// As [`decode`]'s, or what is missing, in words.
pub fn partition_ids_in(table: &[u8]) -> Result<Vec<u16>, String> {
    // The list stands at depth 1, its pairs at 2, the ids at 3.
    let decoded = decode_with(&Key::PartitionTable, table, |buffer| flexbuffer::outline(buffer, 3));
    partition_ids(&decoded.map_err(|error| error.to_string())?)
}

/// Reads the partition ids from a decoded `partition_table`.
///
/// A cluster that was begun with 1.0 has no list of them, only their number: the ids are then 0 and up.
///
/// # Errors
/// What is missing or of another form.
pub fn partition_ids(decoded: &Tree<'_>) -> Result<Vec<u16>, String> {
    let pairs = match decoded.get("partitions") {
        Some(Tree::List(pairs)) if !pairs.is_empty() => pairs,
        None | Some(Tree::Null | Tree::List(_)) => return counted_partitions(decoded),
        Some(_) => return Err("has no list of partitions".to_owned()),
    };
    pairs
        .iter()
        .map(|pair| {
            let id = match pair.as_list() {
                Some([id, _]) => id.as_u64(),
                _ => None,
            };
            let id = id.ok_or("has a partition that is not a pair of id and state")?;
            u16::try_from(id).map_err(|_| format!("has a partition with the id {id}"))
        })
        .collect()
}

fn counted_partitions(decoded: &Tree<'_>) -> Result<Vec<u16>, String> {
    let count = decoded.get("num_partitions").and_then(Tree::as_u64);
    let count = count.ok_or("has neither a list of partitions nor their number")?;
    let count = u16::try_from(count).map_err(|_| format!("has {count} partitions"))?;
    Ok((0..count).collect())
}

fn parse_node(id: u32, fields: &Json) -> Result<Node, String> {
    let roles = fields
        .get("roles")
        .and_then(Json::as_array)
        .ok_or_else(|| format!("has N{id} without roles"))?;
    Ok(Node {
        id,
        name: text_field(fields, "name").unwrap_or_default(),
        address: text_field(fields, "address").unwrap_or_default(),
        roles: roles
            .iter()
            .map(|role| Some(role.as_str()?.to_owned()))
            .collect::<Option<_>>()
            .ok_or_else(|| format!("has N{id} with a role that is not text"))?,
        binary_version: text_field(fields, "binary_version"),
        generation: fields
            .pointer("/current_generation/1")
            .and_then(Json::as_u64)
            .and_then(|generation| u32::try_from(generation).ok())
            .unwrap_or_default(),
        has_served: has_served(fields),
    })
}

/// Returns whether the cluster has ever given the node partitions or logs; it keeps that in every mode.
fn has_served(fields: &Json) -> bool {
    let state = |pointer| fields.pointer(pointer).and_then(Json::as_str);
    let is_worker = matches!(state("/worker_config/worker_state"), Some("active" | "draining"));
    let has_logs = matches!(
        state("/log_server_config/storage_state"),
        Some("read-only" | "read-write" | "data-loss")
    );
    is_worker || has_logs
}

/// Maps whose keys are numbers are stored as lists of pairs.
fn id_and_state(pair: &Json) -> Option<(u64, &Json)> {
    match pair.as_array()?.as_slice() {
        [id, state] => Some((id.as_u64()?, state)),
        _ => None,
    }
}

fn text_field(object: &Json, field: &str) -> Option<String> {
    object.get(field).and_then(Json::as_str).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn partition_ids(decoded: &Json) -> Result<Vec<u16>, String> {
        super::partition_ids(&Tree::borrow(decoded))
    }

    #[test]
    fn nodes_are_read_and_tombstones_left_out() {
        let decoded = json!({"version": 4, "cluster_name": "demo", "cluster_fingerprint": u64::MAX,
            "nodes": [[1, {"Node": {"name": "a", "address": "http://a:1", "roles": ["admin"],
                "binary_version": "1.7.12", "new_field": 1}}], [2, "Tombstone"]]});
        let config = nodes_configuration(&decoded).unwrap();
        assert_eq!(config.fingerprint, Some(u64::MAX));
        assert_eq!(config.nodes.len(), 1);
        assert_eq!(config.nodes[0].to_string(), "N1 (a, http://a:1)");
        assert!(config.nodes[0].has_role("admin") && !config.nodes[0].has_role("worker"));
    }

    #[test]
    fn nodes_config_of_another_form_is_refused_with_its_fault() {
        for (decoded, reason) in [
            (json!([]), "has no list of nodes"),
            (json!({"nodes": [7]}), "has a node that is not a pair of id and state"),
            (json!({"nodes": [[7, "Gone"]]}), "has N7 in an unknown state"),
            (json!({"nodes": [[7, {"Node": {}}]]}), "has N7 without roles"),
            (
                json!({"nodes": [[7, {"Node": {"roles": [1]}}]]}),
                "has N7 with a role that is not text",
            ),
            (json!({"nodes": []}), "has no cluster name"),
        ] {
            assert_eq!(nodes_configuration(&decoded).unwrap_err(), reason);
        }
        assert_eq!(partition_ids(&json!({"partitions": [[0, {}], [3, {}]]})), Ok(vec![0, 3]));
        assert!(partition_ids(&json!({"partitions": [[65536, {}]]})).is_err());
        for absent in [json!({"num_partitions": 3}), json!({"num_partitions": 3, "partitions": []})]
        {
            assert_eq!(partition_ids(&absent), Ok(vec![0, 1, 2]));
        }
        for wrong in [json!({}), json!({"num_partitions": 65536}), json!({"partitions": 5})] {
            assert!(partition_ids(&wrong).is_err(), "{wrong}");
        }
    }
}

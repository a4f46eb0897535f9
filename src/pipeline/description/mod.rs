//! What the values of a store say, read from their documents. Pure: no I/O, not async.
//!
//! A field that is absent or of another form is left out: a description judges nothing, see `soundness` for that.

mod cluster_parts;
mod fields;
mod schema_parts;

use serde_json::Value as Json;

use crate::codec;
use crate::model::{Entry, Key, Snapshot};
use crate::outcome::Description;
use cluster_parts::{describe_logs, describe_nodes, describe_partitions};
use schema_parts::{describe_deployments, describe_rules, describe_subscriptions};

/// Describes a store.
pub fn describe_store(snapshot: &Snapshot) -> Description {
    let mut undescribed = Vec::new();
    let mut read = |key: Key| decode(&key, snapshot.get(&key)?, &mut undescribed);
    let nodes = read(Key::NodesConfig);
    let table = read(Key::PartitionTable);
    let logs = read(Key::Logs);
    let schema = read(Key::Schema).map(hide_credentials);
    let rules = read(Key::RuleBook);
    let partitions = table.map(|table| {
        let epoch_of = |id| {
            let key = Key::PartitionEpoch(id);
            decode(&key, snapshot.get(&key)?, &mut undescribed)
        };
        describe_partitions(&table, epoch_of)
    });
    Description {
        nodes: nodes.as_ref().map(describe_nodes),
        partitions,
        logs: logs.as_ref().map(describe_logs),
        deployments: schema.as_ref().map(describe_deployments),
        subscriptions: schema.as_ref().map(describe_subscriptions),
        rules: rules.as_ref().map(describe_rules),
        undescribed,
    }
}

/// Decodes an entry; what can't be decoded is added to `undescribed`.
fn decode(key: &Key, entry: &Entry, undescribed: &mut Vec<(Key, String)>) -> Option<Json> {
    let decoded = match entry {
        Entry::Damaged { reason, .. } => Err(reason.clone()),
        Entry::Intact(value, _) => {
            codec::decode(key, &value.bytes).map_err(|error| error.to_string())
        }
    };
    decoded.map_err(|reason| undescribed.push((key.clone(), reason))).ok()
}

fn hide_credentials(mut schema: Json) -> Json {
    super::hidden_values::hide_as_digests(&mut schema);
    schema
}

#[cfg(test)]
mod tests;

//! A backup file of a small cluster that runs nowhere.

use std::path::Path;

use restatectl::backends::backup::{BackupOrigin, Destination, save_backup};
use restatectl::codec::{self, Encoding, cluster_of};
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use serde_json::{Value as Json, json};

/// Writes the backup; this is the name of the cluster, of its node, and of a key that Restate does not use.
pub fn write_small_backup(file: &Path, name: &str, fingerprint: u64) {
    let node = json!({"name": name, "address": "http://127.0.0.1:1/", "location": name,
        "roles": ["admin", "metadata-server", name],
        "current_generation": [1, 3], "binary_version": "1.7.12",
        "metadata_server_config": {"metadata_server_state": "standby"}});
    let nodes = json!({"cluster_name": name, "cluster_fingerprint": fingerprint,
        "nodes": [[1, {"Node": node}]], "name_lookup": {name: 1}});
    let documents = [
        (Key::NodesConfig, nodes.clone()),
        (Key::Logs, json!({"logs": [], "config": {"default_provider": "in-memory"}})),
        (
            Key::PartitionTable,
            json!({"num_partitions": 1, "partitions": [[0, {"key_range": {"start": 0, "end": u64::MAX}}]]}),
        ),
        (Key::Unknown(name.to_owned()), nodes),
    ];
    let entry = |(key, document): (Key, Json)| {
        let version = Version(4);
        let bytes = codec::encode(&key, Encoding::Flexbuffers, &document, version).unwrap();
        (key, Entry::Intact(Value { version, bytes }, CasToken::Version(version)))
    };
    let snapshot: Snapshot = documents.into_iter().map(entry).collect();
    let cluster = cluster_of(&snapshot);
    let origin = BackupOrigin {
        store: name,
        cluster,
        complete: true,
        data_loss: None,
        overwritten_with: None,
    };
    save_backup(&Destination::File(file.to_owned()), &origin, &snapshot).unwrap();
}

//! A store with generated content, as a backup file: a source that needs no server.

use restatectl::backends::backup::{BackupOrigin, Destination, save_backup};
use restatectl::codec::{self, Encoding, cluster_of};
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// Returns a different document for each key, some of them large.
fn generate_document(key: &Key, epochs: u16) -> (Encoding, Json) {
    let flexbuffers = |document| (Encoding::Flexbuffers, document);
    match key {
        Key::NodesConfig => {
            let node = json!({"name": "n1", "address": "http://127.0.0.1:1/", "roles": ["admin"],
                "current_generation": [1, 3], "binary_version": "1.7.12",
                "metadata_server_config": {"metadata_server_state": "standby"}});
            flexbuffers(json!({"cluster_name": "generated", "cluster_fingerprint": FINGERPRINT,
                "nodes": [[1, {"Node": node}], [2, "Tombstone"]], "name_lookup": {"n1": 1}}))
        }
        Key::PartitionTable => {
            let range = |n: u64| match n + 1 == u64::from(epochs) {
                true => json!({"start": n, "end": u64::MAX}),
                false => json!({"start": n, "end": n}),
            };
            let partitions: Vec<_> =
                (0..epochs).map(|n| json!([n, {"key_range": range(n.into())}])).collect();
            flexbuffers(json!({"num_partitions": epochs, "partitions": partitions}))
        }
        Key::Logs => flexbuffers(json!({"logs": [], "config": {"default_provider": "in-memory"}})),
        Key::Schema => flexbuffers(json!({"deployments_v2": [], "subscriptions": [],
            "deployments": vec!["x".repeat(1_000); 200]})),
        Key::RuleBook => {
            let rule = json!({"version": 3, "limits": {"concurrency": 5}, "description": "é",
                "disabled": false, "last_modified_millis_since_epoch": 1_795_516_144_045_u64});
            (Encoding::Bilrost, json!({"rules": {"scope/*": rule}}))
        }
        Key::PartitionEpoch(n) => flexbuffers(json!({"epoch": n, "fill": "y".repeat(*n as usize)})),
        _ => flexbuffers(json!({"chains": [1, 2, 3]})),
    }
}

/// Returns words that the value of no partition before this one has.
pub fn value_of_epoch(partition: u16) -> String {
    "y".repeat(partition.into())
}

/// The fingerprint of the generated cluster.
pub const FINGERPRINT: u64 = u64::MAX - 7;

/// Returns a whole store with so many partitions.
pub fn generate_snapshot(epochs: u16) -> Snapshot {
    generate_cluster(epochs, FINGERPRINT, 1)
}

/// Returns the store of the cluster with this fingerprint, whose first key has this version.
pub fn generate_cluster(epochs: u16, fingerprint: u64, first_version: u32) -> Snapshot {
    let keys = Key::FIXED.into_iter().chain((0..epochs).map(Key::PartitionEpoch));
    keys.enumerate()
        .map(|(place, key)| {
            let version = Version(u32::try_from(place).unwrap() * 7 + first_version);
            let (encoding, mut document) = generate_document(&key, epochs);
            if key == Key::NodesConfig {
                document["cluster_fingerprint"] = fingerprint.into();
            }
            let bytes = codec::encode(&key, encoding, &document, version).unwrap();
            let entry = Entry::Intact(Value { version, bytes }, CasToken::Version(version));
            (key, entry)
        })
        .collect()
}

/// Saves the snapshot to `generated.jsonl` in the folder and returns its path.
pub fn save_generated(folder: &TempDir, snapshot: &Snapshot) -> String {
    let path = folder.path().join("generated.jsonl");
    let origin = BackupOrigin {
        store: "nowhere",
        cluster: cluster_of(snapshot),
        complete: true,
        data_loss: None,
        overwritten_with: None,
    };
    save_backup(&Destination::File(path.clone()), &origin, snapshot).unwrap();
    path.to_str().unwrap().to_owned()
}

//! Copies of 500 generated keys between every pair of stores, compared byte by byte.

use std::collections::BTreeMap;

use restatectl::codec::{self, Encoding};
use restatectl::model::{Key, Version};
use serde_json::json;
use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::restate::{Cluster, put_value};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

const EPOCHS: u16 = 495;

/// Returns the version and the digest of every key.
fn read_digests(store: &str) -> BTreeMap<String, (u64, String)> {
    let listed = restatectl(&["metadata", "list", "--from", store, "-o", "json"]).expect(0).json();
    let keys = listed["keys"].as_array().unwrap().iter();
    keys.map(|row| {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        (text("key"), (row["version"].as_u64().unwrap(), text("sha256")))
    })
    .collect()
}

#[test]
fn copies_between_every_pair_of_stores_are_byte_equal() {
    let (folder, generated) = (TempDir::new().unwrap(), generate_snapshot(EPOCHS));
    assert_eq!(generated.len(), 500);
    let backup = save_generated(&folder, &generated);
    let expected = read_digests(&backup);
    assert_eq!(expected.len(), 500);

    let bucket = seaweed().bucket();
    let mut etcds = Vec::new();
    let mut empty = |kind: &str, name: &str| {
        let section = match kind {
            "etcd" => {
                etcds.push(Etcd::start());
                etcds.last().unwrap().section()
            }
            "s3" => bucket.section(name),
            _ => create_table().section(name),
        };
        write_file(&folder, &format!("{name}.toml"), &section)
    };
    let mut sources = vec![("backup", backup)];
    for kind in ["etcd", "s3", "dynamo"] {
        let first = empty(kind, &format!("first-{kind}"));
        assert_copies(&sources[0].1, &first, &expected);
        sources.push((kind, first));
    }
    for (from, source) in &sources[1..] {
        for to in ["etcd", "s3", "dynamo"] {
            let target = empty(to, &format!("{from}-{to}"));
            assert_copies(source, &target, &expected);
        }
    }
}

fn assert_copies(source: &str, target: &str, expected: &BTreeMap<String, (u64, String)>) {
    let args = ["metadata", "migrate", "--from", source, "--toml", target];
    let run = restatectl(&args).expect(0);
    println!("{source} to {target}: {}", run.err.lines().last().unwrap_or_default());
    assert_eq!(&read_digests(target), expected, "{source} to {target}");
    restatectl(&["metadata", "verify", "--from", source, "--toml", target]).expect(0);
}

/// Returns another valid value of an epoch, at the stored version.
fn encode_other_epoch() -> Vec<u8> {
    let document = json!({"epoch": 9, "current": {"replica_set": [1]}, "next": null});
    let key = Key::PartitionEpoch(3);
    codec::encode(&key, Encoding::Flexbuffers, &document, Version(1)).unwrap().to_vec()
}

#[test]
fn copies_between_a_running_cluster_and_every_store_are_byte_equal() {
    let cluster = Cluster::large(497);
    let (address, folder) = (cluster.address(), TempDir::new().unwrap());
    let home = cluster.replicated_toml("home.toml", std::slice::from_ref(&address));
    let (etcd, bucket, table) = (Etcd::start(), seaweed().bucket(), create_table());
    let file = folder.path().join("backup.jsonl").to_str().unwrap().to_owned();
    restatectl(&["-s", &address, "metadata", "backup", "--to", &file]).expect(0);
    let mut stores = vec![file];
    for (name, section) in
        [("etcd", etcd.section()), ("s3", bucket.section("p")), ("dynamo", table.section("p"))]
    {
        let toml = write_file(&folder, name, &section);
        restatectl(&["-s", &address, "metadata", "migrate", "--toml", &toml]).expect(0);
        restatectl(&["-s", &address, "metadata", "verify", "--toml", &toml]).expect(0);
        stores.push(toml);
    }
    for store in &stores {
        let expected = read_digests(store);
        assert_eq!(expected.len(), 500);
        put_value(&address, "pp_epoch_3", 1, &encode_other_epoch());
        let backups = folder.path().to_str().unwrap();
        let back = ["metadata", "migrate", "--from", store, "--toml", &home, "--force", "-y"];
        restatectl(&[&back[..], &["--backup-dir", backups]].concat()).expect(0);
        let mut now = read_digests(&home);
        // It is a merge, above both.
        assert!(now["nodes_config"].0 > expected["nodes_config"].0);
        now.insert("nodes_config".to_owned(), expected["nodes_config"].clone());
        assert_eq!(now, expected, "{store}");
    }
}

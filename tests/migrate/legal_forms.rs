//! Values that servers store or run on, and that are easily taken for damage.

use restatectl::codec::{self, Encoding};
use restatectl::model::{Key, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::edit::{ADD_RULE_PATCH, EditedStore};
use crate::support::etcd::Etcd;
use crate::support::migration::{migrate, source_values};
use crate::support::restate::{Cluster, Mode, get_value, put_value};
use crate::support::tool::{assert_refused, restatectl};

/// Puts the value of a key in another form, at the next version.
fn change_value(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Json)) {
    let (key, address) = (Key::parse(name), cluster.address());
    let (version, bytes) = get_value(&address, name).unwrap();
    let mut document = codec::decode(&key, &bytes).unwrap();
    change(&mut document);
    let next = Version(version + 1);
    let bytes = codec::encode(&key, Encoding::Flexbuffers, &document, next).unwrap();
    put_value(&address, name, next.0, &bytes);
}

/// Starts a cluster in migration mode whose keys are all of a rare form.
fn start_cluster_with_rare_forms() -> Cluster {
    let mut cluster = Cluster::single(2);
    cluster.delete_rule("nothing/*");
    cluster.restart(&Mode::Migration);
    assert_eq!(get_value(&cluster.address(), "rule_book"), Some((0, vec![6])));
    change_value(&cluster, "partition_table", |table| {
        table.as_object_mut().unwrap().remove("partitions");
    });
    change_value(&cluster, "pp_epoch_0", |epoch| epoch["current"]["replica_set"] = json!([]));
    change_value(&cluster, "nodes_config", |nodes| {
        nodes.as_object_mut().unwrap().remove("cluster_fingerprint");
    });
    cluster
}

#[test]
fn rare_forms_move_and_servers_start_on_them() {
    let mut cluster = start_cluster_with_rare_forms();
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let (address, toml) = (cluster.address(), etcd.toml());
    let file = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    let values = source_values(&cluster);
    let keys: Vec<_> = values.keys().map(String::as_str).collect();
    let all = [
        "bifrost_config",
        "nodes_config",
        "partition_table",
        "pp_epoch_0",
        "pp_epoch_1",
        "rule_book",
    ];
    assert_eq!(keys, all);
    for command in [&["list"][..], &["backup", "--to", &file]] {
        let run = restatectl(&[&["-s", &address, "metadata"], command].concat()).expect(0);
        assert!(!run.err.contains("warning"), "{}", run.err);
    }
    migrate(&cluster, &toml, &[]).expect(0);
    for source in [&["--from", &file][..], &["-s", &address]] {
        restatectl(&[&["metadata", "verify", "--toml", &toml], source].concat()).expect(0);
    }
    for (key, (version, bytes)) in &values {
        assert_eq!(etcd.content()[key], *bytes, "{key}");
        assert_eq!(etcd.content()[&format!("{key}::version")], version.to_le_bytes(), "{key}");
    }
    // All of them can be edited.
    let store = EditedStore::toml(&toml, &folder);
    assert_eq!(store.patch("rule_book", ADD_RULE_PATCH).expect(0).json()["version"], 1);
    for key in ["partition_table", "pp_epoch_0", "nodes_config"] {
        store.patch(key, r#"[{"op": "add", "path": "/added_by_the_test", "value": 1}]"#).expect(0);
    }
    cluster.restart(&Mode::External(etcd.section()));
    cluster.wait_for_rules(&["scope2/*"]);
}

#[test]
fn cluster_without_fingerprint_is_replaced_only_by_its_name() {
    let mut cluster = Cluster::ready_to_migrate(2);
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let (toml, backups) = (etcd.toml(), folder.path().to_str().unwrap());
    migrate(&cluster, &toml, &[]).expect(0);
    // Not on the replicated store: a metadata server that knew a fingerprint refuses to lose it.
    let (document, version) = without_fingerprint(&etcd);
    let bytes = codec::encode(&Key::NodesConfig, Encoding::Flexbuffers, &document, version);
    etcd.put("nodes_config", bytes.unwrap().to_vec());
    etcd.put("nodes_config::version", version.0.to_le_bytes());
    cluster.restart(&Mode::External(etcd.section()));
    cluster.wait_for_rules(&["scope1/*"]);
    cluster.restart(&Mode::Migration);
    let address = cluster.address();
    let options = ["--force", "-y", "--overwrite-newer", "--backup-dir", backups];
    let named = ["--overwrite-cluster", "demo"];
    let forward = ["-s", &address, "metadata", "migrate", "--toml", &toml];
    let forward = [&forward[..], &options].concat();
    let words = [
        "cluster_fingerprint is missing in nodes_config of the target",
        "--overwrite-cluster demo",
    ];
    assert_refused(&forward, 5, "target-other-cluster", &words);

    // The way back.
    let home = cluster.replicated_toml("home.toml", std::slice::from_ref(&address));
    let back = ["metadata", "migrate", "--from", &toml, "--toml", &home];
    let back = [&back[..], &options].concat();
    let words = [
        "cluster_fingerprint is missing in nodes_config of the source",
        "--overwrite-cluster demo",
    ];
    assert_refused(&back, 5, "target-other-cluster", &words);
    restatectl(&[&back[..], &named].concat()).expect(0);
    cluster.restart(&Mode::Normal);
    cluster.wait_for_rules(&["scope1/*"]);
    cluster.restart(&Mode::Migration);
    restatectl(&[&forward[..], &named].concat()).expect(0);
}

/// Returns the `nodes_config` of a store without its fingerprint, and the next version.
fn without_fingerprint(etcd: &Etcd) -> (Json, Version) {
    let content = etcd.content();
    let mut document = codec::decode(&Key::NodesConfig, &content["nodes_config"]).unwrap();
    document.as_object_mut().unwrap().remove("cluster_fingerprint").unwrap();
    let version = content["nodes_config::version"].as_slice().try_into().unwrap();
    (document, Version(u32::from_le_bytes(version) + 1))
}

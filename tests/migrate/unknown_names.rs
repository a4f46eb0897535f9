//! Keys of names that Restate does not use: they are copied, read back and resumed by name, also to a store that
//! does not list them.

use restatectl::backends::backup::{BackupOrigin, Destination, save_backup};
use restatectl::codec::{self, Encoding, cluster_of};
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};

const UNKNOWN: &str = "nodes_config.bak";

/// Writes a backup of a cluster that has a key of an unknown name.
fn write_backup(folder: &TempDir, unknown: &str) -> String {
    let node = json!({"name": "n1", "address": "http://127.0.0.1:1/", "roles": ["admin"],
        "current_generation": [1, 3], "binary_version": "1.7.12",
        "metadata_server_config": {"metadata_server_state": "standby"}});
    let nodes = json!({"cluster_name": "demo", "cluster_fingerprint": 7, "nodes": [[1, {"Node": node}]],
        "name_lookup": {"n1": 1}});
    let table = json!({"num_partitions": 1, "partitions": [[0, {"key_range": {"start": 0, "end": u64::MAX}}]]});
    let documents = [
        (Key::NodesConfig, nodes.clone()),
        (Key::Logs, json!({"logs": [], "config": {"default_provider": "in-memory"}})),
        (Key::PartitionTable, table),
        (Key::Unknown(unknown.to_owned()), nodes),
    ];
    let entry = |(key, document): (Key, Json)| {
        let version = Version(4);
        let bytes = codec::encode(&key, Encoding::Flexbuffers, &document, version).unwrap();
        (key, Entry::Intact(Value { version, bytes }, CasToken::Version(version)))
    };
    let snapshot: Snapshot = documents.into_iter().map(entry).collect();
    let origin = BackupOrigin {
        store: "nowhere",
        cluster: cluster_of(&snapshot),
        complete: true,
        data_loss: None,
        overwritten_with: None,
    };
    let file = folder.path().join("source.jsonl");
    save_backup(&Destination::File(file.clone()), &origin, &snapshot).unwrap();
    file.to_str().unwrap().to_owned()
}

fn action_of_unknown(document: &Json) -> String {
    let mut keys = document["keys"].as_array().unwrap().iter();
    keys.find(|key| key["key"] == UNKNOWN).unwrap()["action"].as_str().unwrap().to_owned()
}

fn check<'a>(document: &'a Json, name: &str) -> &'a Json {
    document["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap()
}

/// Asserts that the run warns of the key: servers do not read it, whatever the target is.
#[track_caller]
fn assert_names_unknown(document: &Json) {
    let finding = check(document, "consistency");
    let words = format!("{UNKNOWN} is not one of Restate's keys");
    assert_eq!(finding["status"], "warning", "{finding:#}");
    assert!(finding["detail"].as_str().unwrap().contains(&words), "{finding:#}");
}

#[test]
fn unknown_name_in_etcd_is_written_verified_and_resumed_and_foreign_content_never_touched() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let (source, toml) = (write_backup(&folder, UNKNOWN), etcd.toml());
    let backups = folder.path().to_str().unwrap();
    let migrate = |more: &[&str]| {
        let args = ["metadata", "migrate", "--from", &source, "--toml", &toml, "-o", "json"];
        restatectl(&[&args[..], &["--backup-dir", backups, "-y"], more].concat())
    };
    let verify = || restatectl(&["metadata", "verify", "--from", &source, "--toml", &toml]);
    let done = migrate(&[]).expect(0).json();
    assert_names_unknown(&done);
    assert_eq!(check(&done, "target-keys")["status"], "warning");
    assert!(check(&done, "target-keys")["detail"].to_string().contains("cannot list it"));
    let whole = etcd.content();
    assert!(whole.contains_key(UNKNOWN) && whole.contains_key("nodes_config.bak::version"));
    verify().expect(0);
    for more in [&["--resume"][..], &["--force"], &["--resume", "--force"]] {
        let again = migrate(more).expect(0).json();
        assert_eq!(action_of_unknown(&again), "skip", "{more:?}");
    }
    assert_eq!(action_of_unknown(&migrate(&[]).expect(5).json()), "conflict");

    // Anything else of that name may be another program's.
    let other_value = || etcd.put(UNKNOWN, "somebody's");
    let no_version = || etcd.delete("nodes_config.bak::version");
    let changes: [&dyn Fn(); 2] = [&other_value, &no_version];
    for change in changes {
        change();
        let found = etcd.content();
        verify().expect(4);
        for more in [&[][..], &["--force"], &["--resume", "--force"]] {
            let refused = migrate(more).expect(5).json();
            assert_eq!(refused["error"]["code"], "target-keys-exist", "{refused:#}");
            assert_eq!(action_of_unknown(&refused), "conflict");
            let hints = refused["error"]["hints"].to_string();
            assert!(hints.contains("rename or remove nodes_config.bak"), "{hints}");
            assert_eq!(etcd.content(), found);
        }
    }
    etcd.delete(UNKNOWN);
    let again = migrate(&["--resume", "--force"]).expect(0).json();
    assert_eq!(action_of_unknown(&again), "create");
    assert_eq!(etcd.content()[UNKNOWN], whole[UNKNOWN]);
}

#[test]
fn name_that_etcd_keeps_a_version_under_is_refused() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let source = write_backup(&folder, "nodes_config::version");
    let migrate = ["metadata", "migrate", "--from", &source, "--toml", &etcd.toml()];
    let words = ["nodes_config::version has a name that ends as those", "rename or remove"];
    assert_refused(&migrate, 5, "value-too-large", &words);
    assert!(etcd.content().is_empty());
}

#[test]
fn unknown_name_in_a_table_is_copied_and_replaced() {
    let folder = TempDir::new().unwrap();
    let (table, source) = (create_table(), write_backup(&folder, UNKNOWN));
    let backups = folder.path().to_str().unwrap();
    let toml = write_file(&folder, "table.toml", &table.section("p"));
    let args = ["metadata", "migrate", "--from", &source, "--toml", &toml, "-o", "json"];
    assert_names_unknown(&restatectl(&args).expect(0).json());
    let verify = ["metadata", "verify", "--from", &source, "--toml", &toml];
    restatectl(&verify).expect(0);
    let patch = r#"[{"op": "add", "path": "/x", "value": 1}]"#;
    let edit = ["metadata", "patch", "-k", UNKNOWN, "--patch", patch, "--from", &toml];
    restatectl(&[&edit[..], &["-y", "--backup-dir", backups]].concat()).expect(0);
    restatectl(&verify).expect(4);
    let force = ["--force", "-y", "--overwrite-newer", "--backup-dir", backups];
    let forced = restatectl(&[&args[..], &force].concat()).expect(0).json();
    assert_eq!(action_of_unknown(&forced), "overwrite");
    restatectl(&verify).expect(0);
}

#[test]
fn unknown_name_goes_to_the_replicated_store_and_is_asked_for_there() {
    let cluster = Cluster::ready_to_migrate(1);
    let (folder, table) = (TempDir::new().unwrap(), create_table());
    let toml = write_file(&folder, "table.toml", &table.section(""));
    let (address, backups) = (cluster.address(), folder.path().to_str().unwrap());
    restatectl(&["-s", &address, "metadata", "migrate", "--toml", &toml]).expect(0);
    let item = restatectl(&["metadata", "get", "-k", "pp_epoch_0", "--from", &toml]).expect(0);
    let document = write_file(&folder, "value.json", &item.out);
    let put = ["metadata", "put", "-k", "future_key", &document, "--from", &toml, "-y"];
    restatectl(&[&put[..], &["--backup-dir", backups]].concat()).expect(0);
    // The table has it, and the cluster does not.
    let verify = ["-s", &address, "metadata", "verify", "--toml", &toml];
    restatectl(&verify).expect(4);
    let home = cluster.replicated_toml("home.toml", std::slice::from_ref(&address));
    let back = ["metadata", "migrate", "--from", &toml, "--toml", &home, "--force", "-y"];
    let back = [&back[..], &["--backup-dir", backups, "-o", "json"]].concat();
    let done = restatectl(&back).expect(0).json();
    assert_eq!(check(&done, "target-keys")["status"], "warning", "{done:#}");
    let get = ["-s", &address, "metadata", "get", "-k", "future_key"];
    assert_eq!(restatectl(&get).expect(0).json()["version"], 1);
}

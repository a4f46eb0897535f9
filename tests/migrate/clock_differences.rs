//! A `nodes_config` that differs only in its clock and in the order of its nodes, as the members of the
//! replicated store hold it after a change of members.

use restatectl::codec;
use restatectl::model::{Key, Version};
use serde_json::{Value as Json, json};

use crate::support::etcd::Etcd;
use crate::support::migration::migrate;
use crate::support::restate::{ALL_ROLES, Cluster, Mode, get_value};
use crate::support::tool::{Run, official, restatectl};

const SERVER: &[&str] = &["metadata-server", "admin"];

fn verify(cluster: &Cluster, etcd: &Etcd, more: &[&str]) -> Run {
    let args = ["-s", &cluster.addresses(), "metadata", "verify", "--toml", &etcd.toml()];
    restatectl(&[&args[..], more].concat())
}

/// Returns the row of `nodes_config` in a document.
fn nodes_config_row(document: &Json) -> &Json {
    let keys = document["keys"].as_array().unwrap();
    keys.iter().find(|row| row["key"] == "nodes_config").unwrap()
}

/// Returns the bytes with another clock, and their nodes in the reverse order.
fn with_other_clock(version: u32, bytes: &[u8]) -> Vec<u8> {
    let mut document = codec::decode(&Key::NodesConfig, bytes).unwrap();
    assert!(document["modified_at"].is_u64(), "{document:#}");
    document["modified_at"] = json!(document["modified_at"].as_u64().unwrap() + 12_345);
    document["nodes"].as_array_mut().unwrap().reverse();
    let encoding = codec::encoding(bytes).unwrap();
    codec::encode(&Key::NodesConfig, encoding, &document, Version(version)).unwrap().to_vec()
}

#[test]
fn clock_difference_is_no_difference() {
    let mut cluster = Cluster::start(&[ALL_ROLES, SERVER], 2);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    migrate(&cluster, &etcd.toml(), &[]).expect(0);
    let (version, bytes) = get_value(&cluster.address(), "nodes_config").unwrap();
    let other = with_other_clock(version, &bytes);
    assert_ne!(other, bytes);
    etcd.put("nodes_config", other.clone());
    let document = verify(&cluster, &etcd, &["-o", "json"]).expect(0).json();
    let row = nodes_config_row(&document);
    assert_eq!((&row["status"], &row["note"]), (&json!("same"), &json!("clock")), "{row:#}");
    assert_ne!(row["source"]["sha256"], row["target"]["sha256"]);
    let others = document["keys"].as_array().unwrap().iter();
    assert!(others.filter(|row| row.get("note").is_some()).count() == 1, "{document:#}");
    let text = verify(&cluster, &etcd, &[]).expect(0);
    assert!(text.out.contains("same (clock)"), "{}", text.out);
    // Nothing is left to do, and nothing is written.
    let refused = migrate(&cluster, &etcd.toml(), &["-o", "json"]).expect(5).json();
    assert!(refused["error"]["hints"].to_string().contains("already holds all of the source"));
    let folder = tempfile::TempDir::new().unwrap();
    let report = folder.path().join("report.json").display().to_string();
    let epoch = etcd.content()["pp_epoch_0"].clone();
    etcd.delete_pair("pp_epoch_0", &epoch);
    let resume = ["--resume", "-o", "json", "--report", &report];
    let resumed = migrate(&cluster, &etcd.toml(), &resume).expect(0).json();
    assert_eq!(nodes_config_row(&resumed)["action"], "skip", "{resumed:#}");
    assert_eq!(etcd.content()["nodes_config"], other);
    // What was skipped is what the target has, so the run can be taken back.
    let undo = ["metadata", "undo", "-y", "--toml", &etcd.toml(), "--report", &report];
    restatectl(&[&undo[..], &["--single-address", &cluster.address()]].concat()).expect(0);
    assert!(!etcd.content().contains_key("pp_epoch_0"));
    migrate(&cluster, &etcd.toml(), &["--resume"]).expect(0);
    // Another difference is one, whatever the clock.
    let mut document = codec::decode(&Key::NodesConfig, &other).unwrap();
    let at = document["nodes"].as_array().unwrap().len() - 1;
    document["nodes"][at][1]["Node"]["location"] = json!("elsewhere");
    let encoding = codec::encoding(&other).unwrap();
    let changed = codec::encode(&Key::NodesConfig, encoding, &document, Version(version)).unwrap();
    etcd.put("nodes_config", changed.to_vec());
    let document = verify(&cluster, &etcd, &["-o", "json"]).expect(4).json();
    assert_eq!(nodes_config_row(&document)["status"], "different");
    assert!(nodes_config_row(&document).get("note").is_none());
    migrate(&cluster, &etcd.toml(), &["--resume"]).expect(5);
}

#[test]
fn change_of_members_and_of_the_leader_is_no_change_of_the_source() {
    let mut cluster = Cluster::start(&[ALL_ROLES, SERVER, SERVER, SERVER], 2);
    cluster.restart(&Mode::Migration);
    let removed = cluster.nodes[(cluster.leader() + 1) % 4].name.clone();
    let get = ["-s", &cluster.addresses(), "metadata", "get", "-k", "nodes_config"];
    let id = restatectl(&get).expect(0).json()["name_lookup"][&removed].to_string();
    let run = official(&["-s", &cluster.addresses(), "metadata-server", "remove-node", &id]);
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    let etcd = Etcd::start();
    migrate(&cluster, &etcd.toml(), &[]).expect(0);
    let before = verify(&cluster, &etcd, &["-o", "json"]).expect(0).json();
    cluster.kill_node(cluster.leader());
    let after = verify(&cluster, &etcd, &["-o", "json"]).expect(0).json();
    assert!(nodes_config_row(&before).get("note").is_none(), "{before:#}");
    // The next leader holds the same version, as it has written it itself.
    assert_eq!(nodes_config_row(&after)["note"], "clock", "{after:#}");
}

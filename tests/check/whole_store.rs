//! `check`, `describe` and `verify --changes` on a real cluster with content in every key, and on its backup.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::edit::EditedStore;
use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::tool::{Run, restatectl};

const HEADER: &str = "header-that-nobody-may-see";
const OPTION: &str = "option-that-nobody-may-see";

/// Starts a cluster with rules, a deployment and a subscription. No broker runs: its address is only stored.
fn start_full_cluster() -> Cluster {
    let mut cluster = Cluster::single(3);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    let properties = json!({"bootstrap.servers": "127.0.0.1:1"});
    cluster.admin("POST", "/kafka-clusters", &json!({"name": "k", "properties": properties}));
    let subscription = json!({"source": "kafka://k/topic", "sink": "service://Counter/add",
        "options": {"sasl.password": OPTION}});
    cluster.admin("POST", "/subscriptions", &subscription);
    cluster
}

fn assert_hides(run: &Run) {
    for secret in [HEADER, OPTION] {
        assert!(!run.out.contains(secret) && !run.err.contains(secret), "{run:#?}");
    }
}

fn describe(store: &str) -> Json {
    let run = restatectl(&["metadata", "describe", "--from", store, "-o", "json"]).expect(0);
    assert_hides(&run);
    run.json()
}

fn find_codes(run: &Run) -> Vec<String> {
    let document = run.json();
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn whole_store_is_checked_described_and_compared() {
    let cluster = start_full_cluster();
    let (folder, address) = (TempDir::new().unwrap(), cluster.address());
    let live = EditedStore::cluster(&cluster, &folder);
    let headers = json!([{"op": "add", "path": "/deployments_v2/0/delivery_options/additional_headers",
        "value": {"authorization": HEADER}}]);
    live.run("patch", "schema_registry", &["-y", "-p", &headers.to_string()]).expect(0);
    let sound = restatectl(&["-s", &address, "metadata", "check"]).expect(0);
    assert!(sound.out.contains("0 errors, 0 warnings"), "{}", sound.out);

    let backup = folder.path().join("before.jsonl");
    let backup = backup.to_str().unwrap();
    restatectl(&["-s", &address, "metadata", "backup", "--to", backup]).expect(0);
    assert_described(backup);
    assert_compared(backup, &folder);
}

/// Describes the backup, a store that no cluster runs on.
fn assert_described(backup: &str) {
    let described = describe(backup);
    println!("{described:#}");
    assert_eq!(described["nodes"][0]["metadata_server"], "member");
    assert_eq!(described["partitions"].as_array().unwrap().len(), 3);
    assert_eq!(described["partitions"][0]["replicas"], json!([1]));
    assert_eq!(described["logs"][0]["segments"][0]["kind"], "replicated");
    assert_eq!(described["deployments"][0]["services"][0]["name"], "Counter");
    let hidden = &described["deployments"][0]["headers"]["authorization"]["hidden"];
    assert_eq!(hidden.as_str().unwrap().len(), 64);
    assert_eq!(described["rules"][0]["concurrency"], 5);
    let text = restatectl(&["metadata", "describe", "--from", backup]).expect(0);
    assert_hides(&text);
    for title in ["Cluster demo", "1 node:", "3 partitions:", "1 subscription:", "1 rule:"] {
        assert!(text.out.contains(title), "{title}: {}", text.out);
    }
    assert!(text.out.lines().all(|line| line.chars().count() <= 100), "{}", text.out);
    for part in ["nodes", "partitions", "logs", "deployments", "rules"] {
        let run = restatectl(&["metadata", "describe", part, "--from", backup]).expect(0);
        assert!(!run.out.contains("Cluster demo") && run.out.lines().count() > 1, "{}", run.out);
    }
}

/// Compares the backup with a store in which values were edited.
fn assert_compared(backup: &str, folder: &TempDir) {
    let etcd = Etcd::start();
    let toml = etcd.toml();
    restatectl(&["metadata", "migrate", "--from", backup, "--toml", &toml]).expect(0);
    let store = EditedStore::toml(&toml, folder);
    let edit = |key: &str, patch: Json| {
        store.run("patch", key, &["-y", "-p", &patch.to_string()]).expect(0);
    };
    let generation = "/nodes/0/1/Node/current_generation/1";
    edit("nodes_config", json!([{"op": "replace", "path": generation, "value": 77}]));
    let header = "/deployments_v2/0/delivery_options/additional_headers/authorization";
    edit(
        "schema_registry",
        json!([{"op": "replace", "path": header, "value": OPTION},
        {"op": "remove", "path": "/deployments_v2/0/services/0"}]),
    );

    let compare = ["metadata", "verify", "--from", backup, "--toml", &toml, "--changes"];
    let text = restatectl(&compare).expect(4);
    assert_hides(&text);
    assert!(text.out.contains("\n  nodes[N1].current_generation: "), "{}", text.out);
    assert!(text.out.contains(" → 77\n"), "{}", text.out);
    let document = restatectl(&[&compare[..], &["-o", "json"]].concat()).expect(4);
    assert_hides(&document);
    let document = document.json();
    let row = |key: &str| {
        let keys = document["keys"].as_array().unwrap();
        keys.iter().find(|row| row["key"] == key).unwrap().clone()
    };
    let operations = row("nodes_config")["changes"].as_array().unwrap().clone();
    let operation = json!({"op": "replace", "path": generation, "value": 77});
    assert!(operations.contains(&operation), "{operations:#?}");
    assert!(row("schema_registry")["changes"].to_string().contains("{\"hidden\":"));
    assert!(row("rule_book").get("changes").is_none());

    // The subscription now sends to a service that no deployment has.
    let run = restatectl(&["metadata", "check", "--from", &toml, "-o", "json"]).expect(0);
    assert_eq!(find_codes(&run), ["subscription-stray"], "{}", run.out);
}

//! Refused edits, after which nothing is written.

use std::fs;
use std::process::Stdio;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::edit::{ADD_RULE_PATCH, EditedStore, start_full_cluster};
use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::store_toml::write_file;
use crate::support::terminal::run_on_terminal;
use crate::support::tool::{
    command, official, program, restatectl, restatectl_with_input, wait_for_exit,
};

#[test]
fn edit_that_would_break_the_servers_is_refused() {
    let mut cluster = start_full_cluster();
    let folder = TempDir::new().unwrap();
    let store = EditedStore::cluster(&cluster, &folder);
    let remove = |path: &str| json!([{"op": "remove", "path": path}]);
    let replace =
        |path: &str, value: Json| json!([{"op": "replace", "path": path, "value": value}]);
    // Each of these was written by the official tool to a real cluster, which then did not start, led
    // nothing, or had lost what the key holds.
    for (key, patch, place) in [
        ("nodes_config", remove("/cluster_name"), "/cluster_name is missing"),
        ("nodes_config", remove("/name_lookup"), "/name_lookup is missing"),
        ("nodes_config", remove("/nodes"), "/nodes is missing"),
        ("nodes_config", remove("/nodes/0/1/Node/address"), "/nodes/0/1/Node/address is missing"),
        ("nodes_config", replace("/nodes/0/1", json!("Gone")), "/nodes/0/1 is a text"),
        ("nodes_config", replace("/nodes/0/1/Node/roles/0", json!("x")), "roles/0 is a text"),
        (
            "nodes_config",
            replace("/cluster_fingerprint", json!(null)),
            "/cluster_fingerprint is missing",
        ),
        ("partition_table", remove("/num_partitions"), "/num_partitions is missing"),
        ("partition_table", remove("/partitions/1/1/key_range"), "key_range is missing"),
        ("partition_table", replace("/replication", json!("x")), "/replication is a text"),
        ("bifrost_config", remove("/logs"), "/logs is missing"),
        ("bifrost_config", remove("/config"), "/config is missing"),
        ("bifrost_config", replace("/logs/0/1/chain", json!([])), "/logs/0/1/chain is a list of 0"),
        (
            "bifrost_config",
            replace("/logs/0/1/chain/0/1/params", json!("x")),
            "params is not valid JSON",
        ),
        ("schema_registry", remove("/subscriptions"), "/subscriptions is missing"),
        ("schema_registry", remove("/deployments_v2/0/id"), "/deployments_v2/0/id is missing"),
        ("pp_epoch_0", replace("/epoch", json!("2")), "/epoch is a text"),
        ("pp_epoch_0", remove("/current/context"), "/current/context is missing"),
        ("pp_epoch_0", replace("/current/replica_set/0", json!("N1")), "replica_set/0 is a text"),
        (
            "rule_book",
            replace("/rules/scope1~1*/limits", json!({"rate": 1})),
            "unknown field `rate`",
        ),
        ("rule_book", json!([{"op": "replace", "path": "", "value": [1]}]), "is not an object"),
    ] {
        let before = store.get(key);
        let run = store.run("patch", key, &["-y", "-o", "json", "-p", &patch.to_string()]);
        let document = run.expect(5).json();
        assert_eq!(document["error"]["code"], "value-corrupt", "{key} {patch}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(place), "{place:?} is not in {message}");
        assert_eq!(
            (&document["written"], &document["store"]["type"]),
            (&json!(false), &json!("replicated"))
        );
        assert_eq!(store.get(key), before);
    }
    assert_eq!(store.backups(), 0);
    // One of them as the official tool does it: the servers start, and know no deployment any more.
    let patch = remove("/subscriptions").to_string();
    let address = cluster.address();
    official(&["-s", &address, "metadata", "patch", "-k", "schema_registry", "-p", &patch])
        .expect(0);
    cluster.restart(&Mode::Normal);
    assert!(cluster.services().is_empty(), "a server reads a schema without subscriptions now");
    let log = fs::read_to_string(cluster.folder.path().join("node-1.log")).unwrap();
    assert!(log.contains("missing field `subscriptions`"), "the server does not miss it any more");
    // What is there can be repaired, and the cluster is whole again.
    let repair = json!([{"op": "add", "path": "/subscriptions", "value": []}]).to_string();
    store.run("patch", "schema_registry", &["-y", "-p", &repair]).expect(0);
    cluster.restart(&Mode::Normal);
    assert_eq!(cluster.services(), ["Counter"]);
}

#[test]
fn edit_writes_nothing_when_version_or_test_differs() {
    let (cluster, folder) = (Cluster::ready_to_migrate(1), TempDir::new().unwrap());
    let store = EditedStore::cluster(&cluster, &folder);
    let before = store.get("rule_book");
    let mismatch = |more: &[&str], words: &[&str]| {
        let error = store.run("patch", "rule_book", more).expect(5).json()["error"].clone();
        assert_eq!(error["code"], "version-mismatch");
        for word in words {
            assert!(error["message"].as_str().unwrap().contains(word), "{word} is not in {error}");
        }
    };
    mismatch(&["-o", "json", "--version", "4", "-p", "[]"], &["is at version 1, not at version 4"]);
    let test = r#"[{"op": "test", "path": "/rules/scope1~1*/limits/concurrency", "value": 6}]"#;
    mismatch(&["-o", "json", "-p", test], &["operation 1", "/rules/scope1~1*/limits/concurrency"]);
    let document = r#"{"rules": {}}"#;
    let args = store.args("put", "rule_book", &["--version", "4", "-"]);
    let run = restatectl_with_input(&args, document).expect(5);
    assert!(
        run.err.contains("-  \"rules\": {}") && run.err.contains("+    \"scope1/*\""),
        "{}",
        run.err
    );
    assert_eq!((store.get("rule_book"), store.backups()), (before, 0));
    // One that holds.
    store.run("patch", "rule_book", &["--version", "1", "-p", ADD_RULE_PATCH]).expect(0);
    // A patch that changes nothing moves the version, as with the official tool, and is told so.
    let nothing = store.run("patch", "rule_book", &["-p", "[]"]).expect(0);
    assert!(nothing.err.contains("changes nothing but the version"), "{}", nothing.err);
    assert_eq!(store.get("rule_book")["version"], 3);
}

#[test]
fn edit_of_a_running_cluster_needs_confirmation() {
    let (cluster, folder) = (Cluster::single(1), TempDir::new().unwrap());
    cluster.set_rule("scope1/*", 5);
    let store = EditedStore::cluster(&cluster, &folder);
    let refused = store.patch("rule_book", ADD_RULE_PATCH).expect(5).json();
    assert_eq!(refused["error"]["code"], "not-in-migration-mode");
    assert!(
        refused["error"]["message"].as_str().unwrap().contains("runs in its normal roles"),
        "{refused}"
    );
    let dry = store.run("patch", "rule_book", &["-n", "-p", ADD_RULE_PATCH]).expect(0);
    assert!(
        dry.err.contains("Nothing was written") && dry.err.contains("+    \"scope2/*\""),
        "{dry:?}"
    );
    assert_eq!((store.get("rule_book")["version"].clone(), store.backups()), (json!(1), 0));
    // On a terminal it asks.
    let (answer, code) =
        run_on_terminal(&store.args("patch", "rule_book", &["-p", ADD_RULE_PATCH]), "n\n");
    assert_eq!(code, 5, "{answer}");
    assert!(answer.contains("Write rule_book at version 2 (now 1) anyway? [y/N]"), "{answer}");
    assert_eq!(store.get("rule_book")["version"], 1);
    let (answer, code) =
        run_on_terminal(&store.args("patch", "rule_book", &["-p", ADD_RULE_PATCH]), "what\ny\n");
    assert_eq!(code, 0, "{answer}");
    assert_eq!(store.get("rule_book")["version"], 2);
    store.run("patch", "rule_book", &["-y", "-p", "[]"]).expect(0);
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
}

#[test]
fn invalid_edit_input_is_refused_before_any_request() {
    let folder = TempDir::new().unwrap();
    let wrong = |args: &[&str], words: &str| {
        let run = restatectl(
            &[&["metadata"], args, &["-o", "json", "-s", "http://127.0.0.1:1"]].concat(),
        );
        let error = run.expect(2).json()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(words), "{words} is not in {error}");
    };
    let broken = write_file(&folder, "broken.json", "{\"a\": 1,}");
    wrong(&["patch", "-k", "rule_book", "-p", "{}"], "--patch is not a JSON patch");
    wrong(
        &["patch", "-k", "rule_book", "-p", "[{\"op\": \"shift\"}]"],
        "operation 1 needs op, one of add",
    );
    wrong(&["patch", "-k", "rule_book", "-p", "[", "-n"], "line 1 column");
    wrong(&["patch", "-k", "rule_book"], "--patch");
    wrong(&["put", "-k", "rule_book", &broken], "broken.json is not a JSON document");
    wrong(&["put", "-k", "rule_book", "/no/such/file"], "failed to read DOC from");
    wrong(&["put", "-k", "rule_book", "-", "--from", "-"], "only one of DOC and --from");

    // Stores of their own; a patch that has no place is told once the document is read.
    let etcd = Etcd::start();
    etcd.create_pair("rule_book", b"\x06\x04\x01");
    let toml = etcd.toml();
    wrong(
        &[
            "patch",
            "-k",
            "rule_book",
            "--toml",
            &toml,
            "-p",
            "[{\"op\": \"remove\", \"path\": \"/x\"}]",
        ],
        "at /x",
    );
    let backup = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    restatectl(&["metadata", "backup", "--from", &toml, "--to", &backup]).expect(0);
    wrong(
        &["patch", "-k", "rule_book", "--from", &backup, "-p", "[]"],
        "a backup file is never changed",
    );
    // A backup that can't be saved stops the edit.
    let store = EditedStore::toml(&toml, &folder);
    let unsaved = ["-p", "[]", "--backup-dir", "/no/such/folder", "-o", "json"];
    let args: Vec<_> = ["metadata", "patch", "-k", "rule_book", "--from", &toml]
        .into_iter()
        .chain(unsaved)
        .collect();
    assert_eq!(restatectl(&args).expect(5).json()["error"]["code"], "backup-failed");
    assert_eq!(store.get("rule_book")["version"], 1);
    // Nobody reads what it prints: written all the same, and no complaint.
    let args = store.args("patch", "rule_book", &["-p", "[]"]);
    let mut child =
        command(&program(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = wait_for_exit(child).expect(0);
    assert!(!run.err.contains("panicked") && !run.err.contains("error"), "{}", run.err);
    assert_eq!(store.get("rule_book")["version"], 2);
    // It is encoded as it was, where the servers read that.
    assert_eq!(etcd.content()["rule_book"][0], 6);
    etcd.create_pair("pp_epoch_0", b"\x05{\"version\":1}");
    store.patch("pp_epoch_0", "[]").expect(0);
    assert_eq!(etcd.content()["pp_epoch_0"][0], 5);
}

#[test]
fn value_with_two_errors_is_mended_one_at_a_time() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let store = EditedStore::toml(&etcd.toml(), &folder);
    let epoch = r#"{"version":1,"current":{"version":1,"replica_set":["N1"],"replication":"x","modified_at":1,"context":{}}}"#;
    etcd.create_pair("pp_epoch_0", format!("\x05{epoch}").as_bytes());
    let replace = |path: &str, value: Json| {
        let patch = json!([{"op": "replace", "path": path, "value": value}]).to_string();
        store.patch("pp_epoch_0", &patch)
    };
    let error = replace("/current/modified_at", json!("x")).expect(5).json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("/current/modified_at") && !message.contains("replica"), "{message}");
    replace("/current/replica_set", json!([1])).expect(0);
    replace("/current/replication", json!("{node: 1}")).expect(0);
    replace("/current/replication", json!("x")).expect(5);
}

#[test]
fn value_that_cannot_be_edited_without_loss_is_refused() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let store = EditedStore::toml(&etcd.toml(), &folder);
    // A rule book of a newer server: version 1, and a tag 3 that is not known.
    etcd.create_pair("rule_book", &[6, 4, 1, 8, 42]);
    etcd.create_pair("bifrost_config", &[1, 8, 1]);
    etcd.put("partition_table", "half");
    for (key, words) in [
        ("rule_book", "fields that this program does not know"),
        ("bifrost_config", "encoded as protobuf"),
        ("partition_table", "has bytes but no partition_table::version"),
    ] {
        let error = store.patch(key, "[]").expect(5).json()["error"].clone();
        // What is damaged can't be printed, but saved.
        let hint =
            if key == "partition_table" { "metadata backup --to" } else { "metadata get --raw" };
        assert!(error["hints"].to_string().contains(hint), "{error}");
        assert_eq!(error["code"], "value-corrupt");
        assert!(error["message"].as_str().unwrap().contains(words), "{words} is not in {error}");
    }
    // A key that is too large for the store.
    let large = json!({"version": 1, "text": "x".repeat(3 << 20)}).to_string();
    let file = write_file(&folder, "large.json", &large);
    let error = store.run("put", "some_key", &["-o", "json", &file]).expect(5).json();
    assert_eq!(error["error"]["code"], "value-too-large");
}

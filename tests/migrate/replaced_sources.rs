//! A source that was lost after a run had saved it, and another in its place: the file of `--backup` stays.

use std::fs;
use std::process::Stdio;

use restatectl::codec;
use restatectl::model::{Key, Snapshot, Version};
use serde_json::json;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{FINGERPRINT, generate_cluster, save_generated};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, wait_for_exit};

/// Makes the store hold exactly this.
fn fill(etcd: &Etcd, content: &Snapshot) {
    let folder = TempDir::new().unwrap();
    etcd.clear();
    let file = save_generated(&folder, content);
    restatectl(&["metadata", "migrate", "--from", &file, "--toml", &etcd.toml()]).expect(0);
}

/// Runs a migration, and makes this change when it is about to write the rules.
fn run_beside(proxy: &HoldingProxy, args: &[&str], change: impl FnOnce()) -> Run {
    proxy.hold_at("rule_book::version");
    let mut migrating = command(&program(), args);
    let migrating = migrating.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    change();
    proxy.release();
    wait_for_exit(migrating)
}

#[test]
fn only_backup_of_a_lost_cluster_is_never_replaced() {
    let (source, etcd, folder) = (Etcd::start(), Etcd::start(), TempDir::new().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (from, file, report) = (source.toml(), path("before.jsonl"), path("migrate.json"));
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "target.toml", &etcd_section(&[proxy.address()]));
    let stores = ["--toml", &toml, "--report", &report, "-o", "json"];
    let source_options = ["metadata", "migrate", "--from", &from, "--resume", "--backup", &file];
    let args = [&source_options[..], &stores].concat();

    fill(&source, &generate_cluster(5, FINGERPRINT, 3));
    let mut killed = command(&program(), &args);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    proxy.wait_until_holding();
    killed.kill().unwrap();
    killed.wait().unwrap();
    proxy.discard();
    let folder_option = path("");
    let undo = ["metadata", "undo", "-y", "--backup-dir", &folder_option];
    restatectl(&[&undo[..], &stores].concat()).expect(0);
    let saved = fs::read(&file).unwrap();

    for (content, words) in [
        // Made anew at the same address.
        (generate_cluster(2, 7, 3), "and the source now cluster generated with fingerprint 7"),
        (generate_cluster(5, 7, 30), "and the source now cluster generated with fingerprint 7"),
        // Restored from what was older, or has lost a key.
        (generate_cluster(5, FINGERPRINT, 2), "replaced by newer ones: nodes_config, "),
        (generate_cluster(4, FINGERPRINT, 4), "replaced by newer ones: pp_epoch_4"),
    ] {
        fill(&source, &content);
        for more in [&["--dry-run"][..], &[]] {
            let refused = restatectl(&[&args[..], more].concat()).expect(5).json();
            assert_eq!(refused["error"]["code"], "backup-failed");
            let message = refused["error"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{message}");
            assert_eq!(fs::read(&file).unwrap(), saved);
            assert!(etcd.content().is_empty());
        }
    }

    // The same cluster, which has moved on.
    fill(&source, &generate_cluster(6, FINGERPRINT, 4));
    let document = restatectl(&args).expect(0).json();
    assert_eq!(document["source_backup"], file.as_str());
    assert_ne!(fs::read(&file).unwrap(), saved);
    restatectl(&["metadata", "verify", "--from", &file, "--toml", &from]).expect(0);
}

#[test]
fn copy_of_a_source_that_is_replaced_during_the_run_stays() {
    let (source, etcd, folder) = (Etcd::start(), Etcd::start(), TempDir::new().unwrap());
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "target.toml", &etcd_section(&[proxy.address()]));
    let from = source.toml();
    let args = ["metadata", "migrate", "--from", &from, "--toml", &toml, "-o", "json"];
    let copied = generate_cluster(5, FINGERPRINT, 3);
    for (now, words) in [
        (None, "now a cluster without a name"),
        (Some(generate_cluster(5, 7, 30)), "now cluster generated with fingerprint 7"),
        (Some(generate_cluster(5, FINGERPRINT, 2)), "replaced by newer ones: nodes_config, "),
        (Some(generate_cluster(4, FINGERPRINT, 4)), "replaced by newer ones: pp_epoch_4"),
    ] {
        fill(&source, &copied);
        let whole = source.content();
        etcd.clear();
        let run = run_beside(&proxy, &args, || match &now {
            Some(content) => fill(&source, content),
            None => source.clear(),
        });
        let document = run.expect(4).json();
        assert_eq!(document["error"]["code"], "source-changed", "{document:#}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert!(etcd.content() == whole, "{words}: {:?}", etcd.content().keys());
    }

    // A later state of the same cluster is copied.
    fill(&source, &copied);
    etcd.clear();
    let newer = generate_cluster(6, FINGERPRINT, 4);
    run_beside(&proxy, &args, || fill(&source, &newer)).expect(0);
    assert!(etcd.content() == source.content());
}

#[test]
fn newer_values_of_another_cluster_are_no_copy() {
    let [source, target] = [(); 2].map(|()| Etcd::start());
    fill(&source, &generate_cluster(5, FINGERPRINT, 3));
    let (from, toml) = (source.toml(), target.toml());
    let verify = ["metadata", "verify", "--from", &from, "--toml", &toml, "--allow-newer"];
    fill(&target, &generate_cluster(5, FINGERPRINT, 30));
    restatectl(&verify).expect(0);
    fill(&target, &generate_cluster(5, 7, 30));
    let run = restatectl(&verify).expect(4);
    assert!(run.err.contains("they hold two clusters"), "{}", run.err);
}

/// Puts a `nodes_config` with one more node, which runs this version.
fn add_node(etcd: &Etcd, binary_version: &str) {
    let found = etcd.content();
    let mut document = codec::decode(&Key::NodesConfig, &found["nodes_config"]).unwrap();
    let version = u32::from_le_bytes(found["nodes_config::version"][..4].try_into().unwrap()) + 1;
    let node = json!({"name": "late", "address": "http://127.0.0.1:2/", "roles": ["metadata-server"],
        "current_generation": [3, 1], "binary_version": binary_version,
        "metadata_server_config": {"metadata_server_state": "member"}});
    document["nodes"].as_array_mut().unwrap().push(json!([3, {"Node": node}]));
    document["name_lookup"]["late"] = json!(3);
    let encoding = codec::encoding(&found["nodes_config"]).unwrap();
    let bytes = codec::encode(&Key::NodesConfig, encoding, &document, Version(version)).unwrap();
    etcd.put("nodes_config", bytes.to_vec());
    etcd.put("nodes_config::version", version.to_le_bytes());
}

#[test]
fn node_that_joins_during_the_run_is_checked_and_named() {
    let (source, etcd, folder) = (Etcd::start(), Etcd::start(), TempDir::new().unwrap());
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "target.toml", &etcd_section(&[proxy.address()]));
    let from = source.toml();
    let args = ["metadata", "migrate", "--from", &from, "--toml", &toml, "-o", "json"];
    let migrate_beside = |binary_version: &str| {
        fill(&source, &generate_cluster(5, FINGERPRINT, 3));
        etcd.clear();
        run_beside(&proxy, &args, || add_node(&source, binary_version))
    };
    let steps = migrate_beside("1.7.12").expect(0).json()["next_steps"].to_string();
    assert_eq!(steps.matches("N3 late").count(), 2, "{steps}");
    // Nodes can be skipped where none is asked, but only those of the cluster.
    for (id, code) in [("N3", 0), ("N9", 2)] {
        restatectl(&[&args[..], &["--resume", "--dry-run", "--ignore-node", id]].concat())
            .expect(code);
    }
    let refused = migrate_beside("1.99.0").expect(7).json();
    assert_eq!(refused["error"]["code"], "server-version", "{refused:#}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("the source changed during the run: check failed"), "{message}");
}

#[test]
fn skipped_key_that_changes_during_a_resumed_run_can_be_taken_back() {
    let (source, etcd, folder) = (Etcd::start(), Etcd::start(), TempDir::new().unwrap());
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "target.toml", &etcd_section(&[proxy.address()]));
    let (from, path) = (source.toml(), |name: &str| folder.path().join(name).display().to_string());
    let (report, backups) = (path("report.json"), path(""));
    let files = ["--toml", &toml, "--report", &report, "--backup-dir", &backups, "-o", "json"];
    fill(&source, &generate_cluster(5, FINGERPRINT, 3));
    fill(&etcd, &generate_cluster(5, FINGERPRINT, 3));
    etcd.delete_pair("rule_book", &etcd.content()["rule_book"]);
    let before = etcd.content();
    assert!(!before.contains_key("rule_book"));

    let resume = [&["metadata", "migrate", "--from", &from, "--resume"][..], &files].concat();
    let run = run_beside(&proxy, &resume, || add_node(&source, "1.7.12"));
    let document = run.expect(0).json();
    assert!(document["backup"].is_string(), "{document:#}");
    assert!(etcd.content() == source.content());
    restatectl(&[&["metadata", "undo", "-y"][..], &files].concat()).expect(0);
    assert!(etcd.content() == before);
}

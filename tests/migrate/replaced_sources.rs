//! A source that was lost after a run had saved it, and another in its place: the file of `--backup` stays.

use std::fs;
use std::process::Stdio;

use restatectl::model::Snapshot;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{FINGERPRINT, generate_cluster, save_generated};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

/// Makes the store hold exactly this.
fn fill(etcd: &Etcd, content: &Snapshot) {
    let folder = TempDir::new().unwrap();
    etcd.clear();
    let file = save_generated(&folder, content);
    restatectl(&["metadata", "migrate", "--from", &file, "--toml", &etcd.toml()]).expect(0);
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
        proxy.hold_at("rule_book::version");
        let mut migrating = command(&program(), &args);
        let migrating = migrating.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        proxy.wait_until_holding();
        match &now {
            Some(content) => fill(&source, content),
            None => source.clear(),
        }
        proxy.release();
        let document = wait_for_exit(migrating).expect(4).json();
        assert_eq!(document["error"]["code"], "source-changed", "{document:#}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert!(etcd.content() == whole, "{words}: {:?}", etcd.content().keys());
    }

    // A later state of the same cluster is copied.
    fill(&source, &copied);
    etcd.clear();
    proxy.hold_at("rule_book::version");
    let mut migrating = command(&program(), &args);
    let migrating = migrating.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    fill(&source, &generate_cluster(6, FINGERPRINT, 4));
    proxy.release();
    wait_for_exit(migrating).expect(0);
    assert!(etcd.content() == source.content());
}

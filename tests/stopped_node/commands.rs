//! A cluster that loses two of its three metadata servers, from the loss to its life on etcd.

use serde_json::Value as Json;
use tempfile::TempDir;

use super::fixture::{lose_metadata, name_nodes, wait_for_members};
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};

/// Returns the finding of the check `data-loss`.
fn data_loss(document: &Json) -> &Json {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == "data-loss").unwrap()
}

/// Starts a cluster with rules, a deployment and the state of an object, of three metadata servers.
fn start_cluster() -> Cluster {
    let mut cluster = Cluster::start(&[ALL_ROLES, ALL_ROLES, ALL_ROLES], 2);
    wait_for_members(&cluster, 3);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster
}

#[test]
fn cluster_that_lost_its_majority_goes_on_from_one_folder() {
    let mut cluster = start_cluster();
    let base = cluster.base_folder(0);
    let list = ["metadata", "list", "--from", &base];
    assert_refused(&list, 5, "source-in-use", &["is in use: process ", "holds it open"]);
    // Every failed check is told, not only that of the source.
    let gone = write_file(&cluster.folder, "gone.toml", &etcd_section(&["127.0.0.1:1".to_owned()]));
    let migrate = ["metadata", "migrate", "--from", &base, "--toml", &gone];
    let words = ["failed to read the source: ", "holds it open", "can't be reached"];
    assert_refused(&migrate, 6, "source-in-use", &words);

    cluster.end_all("KILL");
    lose_metadata(&cluster, 1);
    lose_metadata(&cluster, 2);
    let run = restatectl(&list).expect(0);
    assert!(run.err.contains("without them there is no majority"), "{}", run.err);
    let listed = restatectl(&[&list[..], &["-o", "json"]].concat()).expect(0).json();
    assert_eq!(
        (&listed["complete"], &listed["store"]["stopped"]["complete"]),
        (&false.into(), &false.into())
    );
    let lost = listed["store"]["stopped"]["missing"].as_array().unwrap();
    let mut names: Vec<_> = lost.iter().map(|node| node["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["node-2", "node-3"]);
    let get = ["metadata", "get", "-k", "rule_book", "--from", &base];
    assert!(restatectl(&get).expect(0).err.contains("warning: not read: "));

    // What may be lost is not moved unless it is accepted, also by way of a backup.
    let (etcd, folder) = (Etcd::start(), cluster.folder.path().to_owned());
    let file = folder.join("rescued.jsonl").to_str().unwrap().to_owned();
    let backup = ["metadata", "backup", "--from", &base, "--to", &file, "-o", "json"];
    assert_eq!(restatectl(&backup).expect(0).json()["complete"], false);
    let header = std::fs::read_to_string(&file).unwrap();
    assert!(header.starts_with("{\"restatectl_backup\":2,"), "{header}");
    for from in [&base, &file] {
        let migrate = ["metadata", "migrate", "--from", from, "--toml", &etcd.toml()];
        let words: &[&str] = &["check failed: data-loss", "--accept-data-loss"];
        assert_refused(&migrate, 5, "data-loss", words);
        let dry = [&migrate[..], &["--dry-run", "--accept-data-loss", "-o", "json"]].concat();
        let document = restatectl(&dry).expect(0).json();
        assert_eq!(data_loss(&document)["status"], "warning");
    }
    assert!(etcd.content().is_empty());

    let migrate = ["metadata", "migrate", "--from", &base, "--toml", &etcd.toml()];
    let run = restatectl(&[&migrate[..], &["--accept-data-loss"]].concat()).expect(0);
    assert!(run.out.contains("Never start these nodes on it again"), "{}", run.out);
    assert!(run.out.contains("(node-2)") && run.out.contains("(node-3)"), "{}", run.out);
    restatectl(&["metadata", "verify", "--from", &base, "--toml", &etcd.toml()]).expect(0);

    cluster.restart(&Mode::External(etcd.section()));
    cluster.wait_for_rules(&["scope1/*"]);
    assert_eq!(cluster.services(), ["Counter"]);
    assert_eq!(cluster.count(2), 7);
    // A node that runs on the target, or on the source, is seen.
    assert_refused(&migrate, 5, "data-loss", &["target-keys"]);
}

#[test]
fn healthy_cluster_moves_to_s3_with_all_nodes_stopped() {
    let mut cluster = start_cluster();
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let section = bucket.section("restate/");
    let toml = write_file(&folder, "s3.toml", &section);
    cluster.end_all("TERM");
    let folders = name_nodes(&cluster, &[0, 1, 2]);
    let migrate = ["metadata", "migrate", "--from", &folders, "--toml", &toml, "-o", "json"];
    let document = restatectl(&migrate).expect(0).json();
    assert_eq!(document["outcome"], "migrated");
    // A follower may not have heard the last entry when it was stopped.
    let warnings = document["source"]["stopped"]["warnings"].as_array().unwrap();
    let lags = |warning: &Json| warning.as_str().unwrap().contains("lags behind");
    assert!(warnings.iter().all(lags), "{warnings:?}");
    let expected = if warnings.is_empty() { "ok" } else { "warning" };
    assert_eq!(data_loss(&document)["status"], expected);
    assert_eq!(document["source"]["stopped"]["members"].as_array().unwrap().len(), 3);
    cluster.restart(&Mode::External(section));
    cluster.wait_for_rules(&["scope1/*"]);
    assert_eq!(cluster.count(2), 7);
}

#[test]
fn survivor_that_still_runs_refuses_the_migration() {
    let roles: &[&str] = &["metadata-server"];
    let mut cluster = Cluster::start(&[roles; 3], 2);
    wait_for_members(&cluster, 3);
    cluster.kill_node(1);
    cluster.kill_node(2);
    let etcd = Etcd::start();
    let from = name_nodes(&cluster, &[1, 2]);
    let migrate = ["metadata", "migrate", "--from", &from, "--toml", &etcd.toml()];
    let run = restatectl(&migrate);
    assert_eq!(run.code, 5, "{} {}", run.out, run.err);
    assert!(run.err.contains("check failed: migration-mode"), "{}", run.err);
    assert!(run.err.contains("runs as a metadata server"), "{}", run.err);
}

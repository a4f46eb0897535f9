//! A store to edit, and the runs of the commands on it.

use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::restate::Cluster;
use super::tool::{Run, restatectl};

/// A patch that adds the rule `scope2/*`.
pub const ADD_RULE_PATCH: &str = r#"[{"op": "add", "path": "/rules/scope2~1*", "value": {"version": 2,
    "limits": {"concurrency": 7}, "last_modified_millis_since_epoch": 1795527049866}}]"#;

/// Starts a cluster with content in every key.
pub fn start_full_cluster() -> Cluster {
    let mut cluster = Cluster::single(2);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster
}

/// A store to edit, and the folder for its backups.
pub struct EditedStore<'a> {
    address_args: Vec<String>,
    backups: &'a TempDir,
}

impl<'a> EditedStore<'a> {
    pub fn cluster(cluster: &Cluster, backups: &'a TempDir) -> EditedStore<'a> {
        EditedStore { address_args: vec!["-s".to_owned(), cluster.address()], backups }
    }

    pub fn toml(toml: &str, backups: &'a TempDir) -> EditedStore<'a> {
        EditedStore { address_args: vec!["--from".to_owned(), toml.to_owned()], backups }
    }

    pub fn args(&self, command: &str, key: &str, more: &[&str]) -> Vec<String> {
        let backups = self.backups.path().to_str().unwrap();
        let mut args = vec!["metadata".to_owned(), command.to_owned(), "-k".to_owned()];
        args.push(key.to_owned());
        args.extend(self.address_args.iter().cloned());
        if command != "get" {
            args.extend(["--backup-dir".to_owned(), backups.to_owned()]);
        }
        args.extend(more.iter().map(|word| (*word).to_owned()));
        args
    }

    pub fn run(&self, command: &str, key: &str, more: &[&str]) -> Run {
        restatectl(&self.args(command, key, more))
    }

    pub fn patch(&self, key: &str, patch: &str) -> Run {
        self.run("patch", key, &["-o", "json", "-p", patch])
    }

    pub fn get(&self, key: &str) -> Json {
        self.run("get", key, &[]).expect(0).json()
    }

    pub fn backups(&self) -> usize {
        fs::read_dir(self.backups.path()).unwrap().count()
    }
}

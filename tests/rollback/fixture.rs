//! A cluster to roll back: it has run on etcd, and is in migration mode on its replicated store again.

use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{Cluster, Mode};
use crate::support::tool::{Run, command, program, restatectl};

/// A cluster that has run on etcd and is in migration mode on its replicated store again.
pub struct RollbackFixture {
    pub cluster: Cluster,
    pub etcd: Etcd,
    pub backups: TempDir,
}

/// The roles of a node that runs a metadata server and no worker.
pub const SERVER: &[&str] = &["metadata-server", "admin"];

impl RollbackFixture {
    pub fn new(roles: &[&[&'static str]]) -> RollbackFixture {
        RollbackFixture::with_etcd_starts(roles, 2)
    }

    /// Starts the cluster `times` times on etcd.
    pub fn with_etcd_starts(roles: &[&[&'static str]], times: usize) -> RollbackFixture {
        let mut cluster = Cluster::start(roles, 3);
        // Some tests start a node on the store that the cluster has left. Within a short interval it would lead
        // partitions there, and the logs would no longer be those of the other store.
        cluster.suspect_interval = "5s";
        cluster.set_rule("scope1/*", 5);
        cluster.restart(&Mode::Migration);
        let etcd = Etcd::start();
        let args = ["-s", &cluster.addresses(), "metadata", "migrate", "--toml", &etcd.toml()];
        restatectl(&args).expect(0);
        cluster.restart(&Mode::External(etcd.section()));
        cluster.set_rule("scope2/*", 7);
        for _ in 1..times {
            cluster.restart(&Mode::External(etcd.section()));
        }
        cluster.restart(&Mode::Migration);
        RollbackFixture { cluster, etcd, backups: TempDir::new().unwrap() }
    }

    pub fn args(&self, toml: &str, more: &[&str]) -> Vec<String> {
        let (from, backups) = (self.etcd.toml(), self.backups.path().to_str().unwrap().to_owned());
        let args = [
            "metadata",
            "migrate",
            "-y",
            "--from",
            &from,
            "--toml",
            toml,
            "--backup-dir",
            &backups,
        ];
        [&args, more].concat().into_iter().map(ToOwned::to_owned).collect()
    }

    /// Writes the TOML of the replicated store at every node.
    pub fn toml(&self) -> String {
        let addresses: Vec<_> = self.cluster.nodes.iter().map(|node| node.address()).collect();
        self.cluster.replicated_toml("replicated.toml", &addresses)
    }

    /// Writes the TOML of the replicated store behind this proxy.
    pub fn toml_through(&self, proxy: &HoldingProxy) -> String {
        self.cluster.replicated_toml("proxy.toml", &[format!("http://{}", proxy.address())])
    }

    pub fn migrate(&self, more: &[&str]) -> Run {
        restatectl(&self.args(&self.toml(), more))
    }

    pub fn spawn(&self, toml: &str, more: &[&str]) -> Child {
        let mut command = command(&program(), &self.args(toml, more));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Asserts that a run fails with this code and these words and writes nothing.
    #[track_caller]
    pub fn assert_refused(&self, more: &[&str], code: &str, words: &str) {
        // Node by node, since one may run on another store, and of a key that no node writes by itself.
        let rules = || -> Vec<String> {
            let nodes = self.cluster.nodes.iter().map(|node| node.address());
            let get =
                |node: String| restatectl(&["-S", &node, "metadata", "get", "-k", "rule_book"]).out;
            nodes.map(get).collect()
        };
        let before = rules();
        let run = self.migrate(&[&["--force", "-v", "-o", "json"], more].concat()).expect(5);
        let document = run.json();
        assert_eq!(document["error"]["code"], code, "{}", run.err);
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        // A node that is just starting may not answer once.
        for (before, after) in before.iter().zip(rules()) {
            assert!(before.is_empty() || after.is_empty() || *before == after, "{before} {after}");
        }
        assert!(std::fs::read_dir(self.backups.path()).unwrap().next().is_none());
    }

    /// Restarts the cluster on its replicated store and asserts that all metadata from etcd is present.
    pub fn assert_works_on_replicated_store(
        &mut self,
        before: &std::collections::BTreeMap<String, u64>,
    ) {
        self.cluster.wait_until_stopped();
        self.cluster.restart(&Mode::Normal);
        self.cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
        let after = self.cluster.generations();
        assert!(after.iter().all(|(node, starts)| *starts > before[node]), "{before:?} {after:?}");
        let verify = ["metadata", "verify", "--from", &self.etcd.toml(), "--toml", &self.toml()];
        restatectl(&[&verify[..], &["--allow-newer"]].concat()).expect(0);
    }
}

/// Returns the generation of each node in etcd, tombstones left out.
pub fn etcd_generations(setting: &RollbackFixture) -> std::collections::BTreeMap<String, u64> {
    let get = ["metadata", "get", "--from", &setting.etcd.toml(), "-k", "nodes_config"];
    let document = restatectl(&get).expect(0).json();
    let nodes = document["nodes"].as_array().unwrap().iter();
    nodes
        .filter_map(|pair| pair[1].get("Node"))
        .map(|node| {
            let starts = node["current_generation"][1].as_u64().unwrap();
            (node["name"].as_str().unwrap().to_owned(), starts)
        })
        .collect()
}

//! A round trip: a real cluster migrates from its replicated store to etcd, S3, DynamoDB and back. It
//! runs on each of them and changes its metadata there.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

const SERVER: &[&str] = &["metadata-server", "worker", "log-server"];
const WORKER: &[&str] = &["worker", "log-server"];

/// A migrating cluster, with the metadata that it must keep.
struct Journey {
    cluster: Cluster,
    rules: Vec<String>,
    count: i64,
    starts: BTreeMap<String, u64>,
}

impl Journey {
    fn start() -> Journey {
        let mut cluster = Cluster::start(&[ALL_ROLES, SERVER, SERVER, WORKER], 4);
        cluster.deploy_counter();
        let starts = cluster.generations();
        Journey { cluster, rules: Vec::new(), count: 0, starts }
    }

    /// Asserts that all metadata is present, then adds a rule and invokes the counter.
    fn assert_works(&mut self, rule: &str) {
        self.wait_for_rules();
        assert_eq!(self.cluster.services(), ["Counter"]);
        self.count += 5;
        assert_eq!(self.cluster.count(5), self.count, "the object's state");
        self.cluster.set_rule(rule, 3);
        self.rules.push(rule.to_owned());
        self.wait_for_rules();
        self.count += 1;
        assert_eq!(self.cluster.count(1), self.count);
    }

    fn wait_for_rules(&self) {
        let mut rules: Vec<_> = self.rules.iter().map(String::as_str).collect();
        rules.sort_unstable();
        self.cluster.wait_for_rules(&rules);
    }

    /// Stops all nodes and starts them in the mode; no node starts twice with the same generation.
    fn restart(&mut self, mode: &Mode) {
        self.cluster.restart(mode);
        self.assert_generations_rose();
    }

    fn assert_generations_rose(&mut self) {
        let starts = self.cluster.generations();
        assert_eq!(starts.len(), 4);
        assert!(
            starts.iter().all(|(node, n)| *n > self.starts[node]),
            "{:?} {starts:?}",
            self.starts
        );
        self.starts = starts;
    }
}

fn run_migrate(args: &[&str]) {
    restatectl(&[&["metadata", "migrate"], args].concat()).expect(0);
}

#[test]
fn cluster_of_four_nodes_moves_through_every_store_and_back() {
    let mut journey = Journey::start();
    journey.assert_works("home/*");
    let (etcd, bucket, table) = (Etcd::start(), seaweed().bucket(), create_table());
    let folder = TempDir::new().unwrap();
    let (s3, dynamo) = (bucket.section("round/trip"), table.section("round-trip/"));
    let (s3_toml, dynamo_toml) =
        (write_file(&folder, "s3.toml", &s3), write_file(&folder, "dynamo.toml", &dynamo));
    let etcd_toml = etcd.toml();

    journey.restart(&Mode::Migration);
    let addresses = journey.cluster.addresses();
    run_migrate(&["-s", &addresses, "--toml", &etcd_toml]);
    restatectl(&["-s", &addresses, "metadata", "verify", "--toml", &etcd_toml]).expect(0);
    journey.restart(&Mode::External(etcd.section()));
    journey.assert_works("etcd/*");
    journey.cluster.restart_node(1, &Mode::External(etcd.section()));
    journey.cluster.restart_node(1, &Mode::External(etcd.section()));

    for (from, to, section, rule) in
        [(&etcd_toml, &s3_toml, s3, "s3/*"), (&s3_toml, &dynamo_toml, dynamo, "dynamo-db/*")]
    {
        journey.cluster.stop();
        run_migrate(&["--from", from, "--toml", to]);
        restatectl(&["metadata", "verify", "--from", from, "--toml", to]).expect(0);
        journey.restart(&Mode::External(section));
        journey.assert_works(rule);
    }

    journey.cluster.restart(&Mode::Migration);
    let addresses: Vec<_> = journey.cluster.nodes.iter().map(|node| node.address()).collect();
    let home = journey.cluster.replicated_toml("replicated.toml", &addresses);
    let backups = folder.path().to_str().unwrap();
    run_migrate(&[
        "--from",
        &dynamo_toml,
        "--toml",
        &home,
        "--force",
        "-y",
        "--backup-dir",
        backups,
    ]);
    // A node without a metadata server hears of nothing once these are gone, and is left to be stopped.
    let left = journey.cluster.wait_until_stopped();
    println!("still running after the last put: {left:?}");
    journey.restart(&Mode::Normal);
    let verify = ["metadata", "verify", "--from", &dynamo_toml, "--toml", &home, "--allow-newer"];
    restatectl(&verify).expect(0);
    journey.assert_works("home-again/*");
    println!(
        "all the way round, and home: generations {:?}, count {}; to be stopped by hand: {left:?}",
        journey.starts, journey.count
    );
}

//! Clusters of which some nodes are not in migration mode.

use std::process::Stdio;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

#[test]
fn every_node_outside_migration_mode_is_named() {
    let mut cluster = Cluster::start(&[ALL_ROLES, &["worker", "log-server"]], 2);
    let etcd = Etcd::start();
    let (addresses, toml) = (cluster.addresses(), etcd.toml());
    let migrate = |more: &[&str]| {
        let args =
            [&["-s", &addresses, "metadata", "migrate", "--toml", &toml, "-o", "json"], more]
                .concat();
        restatectl(&args)
    };
    let refused = migrate(&[]).expect(5).json();
    assert_eq!(refused["error"]["code"], "not-in-migration-mode");
    assert_eq!(refused["outcome"], "refused");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("N1 (node-1") && message.contains("N2 (node-2"), "{message}");
    assert!(etcd.content().is_empty());

    // A dry run on a live cluster says what is still to do, and would not fail for it.
    let planned = migrate(&["--dry-run"]).expect(0).json();
    assert_eq!(planned["outcome"], "planned");
    let checks = planned["checks"].as_array().unwrap();
    let mode = checks.iter().find(|check| check["check"] == "migration-mode").unwrap();
    assert_eq!(mode["status"], "warning");
    assert!(mode["detail"].as_str().unwrap().contains("N2 (node-2"));
    assert!(etcd.content().is_empty());

    // One node restarted, the other not.
    cluster.restart_node(0, &Mode::Migration);
    let refused = migrate(&[]).expect(5).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(!message.contains("N1 (node-1") && message.contains("N2 (node-2"), "{message}");
    // A node that responds cannot be skipped; one that is gone can.
    let refused = migrate(&["--ignore-node", "N2"]).expect(5).json();
    assert!(
        refused["error"]["message"].as_str().unwrap().contains("responds, so it cannot be skipped")
    );
    let unknown = migrate(&["--ignore-node", "N9"]).expect(2).json();
    assert_eq!(unknown["error"]["code"], "usage");
    cluster.kill_node(1);
    assert!(etcd.content().is_empty());
    migrate(&["--ignore-node", "N2"]).expect(0);
    assert!(etcd.content().contains_key("nodes_config"));
}

fn find_node<'a>(document: &'a Json, name: &str) -> &'a Json {
    let nodes = document["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["name"] == name).unwrap()
}

/// Returns the state and the mode of a node in a document of `migrate`.
fn node_state(document: &Json, name: &str) -> (String, Option<String>) {
    let node = find_node(document, name);
    (node["state"].as_str().unwrap().to_owned(), node["mode"].as_str().map(ToOwned::to_owned))
}

fn hints(document: &Json) -> String {
    document["error"]["hints"].to_string()
}

#[test]
fn migrate_asks_every_node_for_its_mode_now() {
    const NODE: &[&str] = &["metadata-server", "worker", "log-server", "admin"];
    let mut cluster = Cluster::start(&[NODE, NODE, NODE], 2);
    let etcd = Etcd::start();
    let (addresses, toml) = (cluster.addresses(), etcd.toml());
    let migrate_at = |addresses: &str, more: &[&str]| {
        let args = ["-s", addresses, "metadata", "migrate", "--toml", &toml, "-o", "json"];
        restatectl(&[&args[..], &["--connect-timeout", "1000"], more].concat())
    };
    let migrate = |more: &[&str]| migrate_at(&addresses, more);
    let dry_run = ["--dry-run"];
    let live = migrate(&dry_run).expect(0).json();
    assert_eq!(live["ready"], true, "{live:#}");
    assert_eq!(live["quorum"]["members"], 3);
    assert_eq!(live["quorum"]["needed"], 2);
    assert_eq!(node_state(&live, "node-3"), ("responding".into(), Some("normal".into())));

    // Nodes get their ids in the order in which they join.
    let id = format!("N{}", find_node(&live, "node-3")["id"]);

    // A dead node is named, also on a live cluster: nobody knows how it comes back.
    cluster.kill_node(2);
    let dead = migrate(&dry_run).expect(5).json();
    assert_eq!(dead["error"]["code"], "not-in-migration-mode");
    assert_eq!((&dead["ready"], &dead["quorum"]["responding"]), (&false.into(), &2.into()));
    assert!(hints(&dead).contains("--ignore-node") && hints(&dead).contains("stop each node"));
    assert_eq!(migrate(&["--dry-run", "--ignore-node", &id]).expect(0).json()["ready"], true);

    // In migration mode, one killed: what it once wrote does not count.
    cluster.restart(&Mode::Migration);
    cluster.kill_node(2);
    for more in [&[][..], &dry_run] {
        let dead = migrate(more).expect(5).json();
        assert_eq!(dead["error"]["code"], "not-in-migration-mode");
        assert_eq!(node_state(&dead, "node-3"), ("no-response".into(), None));
        assert!(dead["error"]["message"].to_string().contains("(node-3, "), "{dead:#}");
        assert!(!hints(&dead).contains("stop each node"), "{dead:#}");
    }

    // A node of another cluster at its address is named, and does not keep the dead one from being skipped.
    let other = cluster.start_other_cluster_at(2);
    let second = cluster.nodes[1].address();
    let another = migrate_at(&second, &[]).expect(5).json();
    assert_eq!(node_state(&another, "node-3").0, "another-node");
    assert!(another["error"]["message"].to_string().contains("of cluster other"), "{another:#}");
    assert!(etcd.content().is_empty());
    assert_eq!(another["quorum"]["responding"], 2);
    let migrated = migrate_at(&second, &["--ignore-node", &id]).expect(0).json();
    let steps = migrated["next_steps"].to_string();
    assert!(steps.contains(&format!("status --on {toml} --ignore-node {id}")), "{steps}");

    // Without a quorum, that node is not asked in place of this cluster's own.
    cluster.kill_node(0);
    let get = ["-s", &second, "metadata", "get", "-k", "nodes_config", "-o", "json"];
    let get = [&get[..], &["--request-timeout", "4000"]].concat();
    assert_eq!(restatectl(&get).expect(6).json()["error"]["code"], "source-no-quorum");
    drop(other);
}

#[test]
fn single_address_leaves_it_open_whether_a_run_is_ready() {
    const NODE: &[&str] = &["metadata-server", "worker", "log-server", "admin"];
    let mut cluster = Cluster::start(&[NODE, &["worker", "log-server"]], 2);
    let etcd = Etcd::start();
    let address = cluster.nodes[0].address();
    let migrate = || {
        let args = ["-S", &address, "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
        restatectl(&[&args[..], &["--dry-run"]].concat())
    };
    cluster.restart(&Mode::Migration);
    let document = migrate().expect(0).json();
    assert_eq!(document["ready"], Json::Null);
    assert_eq!(node_state(&document, "node-2"), ("not-asked".into(), None));
    assert!(document["checks"].to_string().contains("not asked: N2 (node-2"), "{document:#}");
    // What proves the cutover asks every node.
    let args = ["-S", &address, "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    let limit = ["--message-size-limit", "33554432"];
    let document = restatectl(&[&args[..], &limit].concat()).expect(0).json();
    let status = format!("--address {address} --message-size-limit 33554432 status --on");
    assert!(document["next_steps"].to_string().contains(&status), "{document:#}");
}

#[test]
fn node_that_leaves_migration_mode_during_the_copy_is_named() {
    const NODE: &[&str] = &["metadata-server", "worker", "log-server", "admin"];
    let mut cluster = Cluster::start(&[NODE, NODE, NODE], 2);
    cluster.set_rule("scope1/*", 5);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let (folder, section) = (TempDir::new().unwrap(), etcd_section(&[proxy.address()]));
    let toml = write_file(&folder, "held.toml", &section);
    let addresses = cluster.addresses();
    let args = ["-s", &addresses, "metadata", "migrate", "--toml", &toml, "-o", "json"];
    // Time enough for the node to stop and to start.
    let args = [&args[..], &["--request-timeout", "120000"]].concat();
    let mut command = command(&program(), &args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    cluster.restart_node(2, &Mode::Normal);
    proxy.release();
    let document = wait_for_exit(child).json();
    let code = document["error"]["code"].as_str().unwrap_or_default();
    assert!(["not-in-migration-mode", "source-changed"].contains(&code), "{document:#}");
}

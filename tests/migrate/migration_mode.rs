//! Clusters of which some nodes are not in migration mode.

use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::tool::restatectl;

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

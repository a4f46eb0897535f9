//! The main job from start to end: a real cluster moves to etcd, and works there.

use std::collections::BTreeMap;

use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::tool::{official, restatectl};

/// A cluster with something to lose, in migration mode.
pub fn cluster_to_move() -> Cluster {
    let mut cluster = Cluster::single(4);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster.restart(&Mode::Migration);
    cluster
}

/// Every key of the cluster with its version and bytes, through the tool's raw output.
pub fn source_values(cluster: &Cluster) -> BTreeMap<String, (u32, Vec<u8>)> {
    let listing =
        restatectl(&["-s", &cluster.address(), "metadata", "list", "-o", "json"]).expect(0);
    let keys = listing.json()["keys"].as_array().unwrap().clone();
    let value = |key: &str| crate::support::restate::get(&cluster.address(), key).unwrap();
    keys.iter()
        .map(|key| key["key"].as_str().unwrap())
        .map(|key| (key.to_owned(), value(key)))
        .collect()
}

#[test]
fn a_cluster_moves_to_etcd_and_works_there() {
    let mut cluster = cluster_to_move();
    let etcd = Etcd::start();
    etcd.put("somebody-else", "foreign");
    let before = source_values(&cluster);
    assert_eq!(before.len(), 9, "{before:?}");

    let run =
        restatectl(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()]);
    let run = run.expect(0);
    assert!(run.out.starts_with("✅ Metadata migration completed"), "{}", run.out);

    // Read by etcd's own client: byte-equal, with the right versions, and nothing else touched.
    let mut content = etcd.content();
    assert_eq!(content.remove("somebody-else").unwrap(), b"foreign");
    assert_eq!(content.len(), 2 * before.len());
    for (key, (version, bytes)) in &before {
        assert_eq!(&content[key], bytes, "{key}");
        assert_eq!(content[&format!("{key}::version")], version.to_le_bytes(), "{key}");
    }
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()]).expect(0);

    works_on(&mut cluster, &etcd.section(), &etcd.toml());
}

/// The cluster that was to be moved starts on its target, with all that it had, and goes on there.
pub fn works_on(cluster: &mut Cluster, section: &str, toml: &str) {
    cluster.restart(&Mode::On(section.to_owned()));
    cluster.wait_for_rules(&["scope1/*"]);
    assert_eq!(cluster.services(), ["Counter"]);
    assert_eq!(cluster.count(2), 7);
    // A second rule joins the first: after the official tool's migration it does not.
    cluster.set_rule("scope2/*", 7);
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
    // A cluster that runs on the target is no source to compare it with.
    let verify = ["-s", &cluster.address(), "metadata", "verify", "--toml", toml, "-o", "json"];
    assert_eq!(restatectl(&verify).expect(5).json()["error"]["code"], "same-store");
}

#[test]
fn what_the_official_tool_copies_is_byte_equal_and_the_rules_come_along() {
    let cluster = cluster_to_move();
    let (ours, theirs) = (Etcd::start(), Etcd::start());
    restatectl(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &ours.toml()])
        .expect(0);
    official(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &theirs.toml()])
        .expect(0);
    let (ours, theirs) = (ours.content(), theirs.content());
    for (key, value) in &theirs {
        assert_eq!(ours.get(key), Some(value), "{key}");
    }
    let dropped: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
    assert_eq!(dropped, ["rule_book", "rule_book::version"]);
}

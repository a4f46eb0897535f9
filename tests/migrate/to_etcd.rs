//! Migrations of a real cluster to etcd, on which it starts.

use crate::support::etcd::Etcd;
use crate::support::migration::{assert_works_on_target, source_values, start_cluster_to_migrate};
use crate::support::tool::{official, restatectl};

#[test]
fn migrated_cluster_runs_on_etcd() {
    let mut cluster = start_cluster_to_migrate();
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

    assert_works_on_target(&mut cluster, &etcd.section(), &etcd.toml());
}

#[test]
fn copy_equals_the_official_tools_and_adds_the_rule_book() {
    let cluster = start_cluster_to_migrate();
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

//! A cluster that goes back to its own store, and one that was started on the target.

use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};

use super::fixture::{UndoFixture, keys_with, undo_words};

#[test]
fn undo_follows_the_cluster_home_and_never_takes_its_store_away() {
    let mut cluster = Cluster::ready_to_migrate(2);
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let address = cluster.address();
    let migrate =
        ["-s", &address, "metadata", "migrate", "--toml", &toml, "--report", "report.json"];
    fixture.run(&migrate).expect(0);
    // A node in migration mode does not run on the target, and neither does one that is back on its own store.
    assert_eq!(fixture.undo(&toml, &["--dry-run"]).expect(0).json()["outcome"], "planned");
    cluster.restart(&Mode::Normal);
    let document = fixture.undo(&toml, &[]).expect(0).json();
    assert_eq!(keys_with(&document, "delete").len(), 6, "{document}");
    assert!(etcd.content().is_empty());

    // The next night needs no option, and now the cluster starts on the target.
    cluster.restart(&Mode::Migration);
    fixture.run(&migrate).expect(0);
    cluster.restart(&Mode::External(etcd.section()));
    let refused = fixture.undo(&toml, &[]).expect(5).json();
    assert_eq!(refused["error"]["code"], "not-in-migration-mode");
    let failed: Vec<_> = refused["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["status"] == "failed")
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(failed, ["migration-mode", "target-keys", "target-cluster"]);
    cluster.stop();
    let found = etcd.content();
    let refused = fixture.run(&[&undo_words(&toml)[..], &["--dry-run"]].concat()).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-changed");
    assert_eq!(etcd.content(), found);
}

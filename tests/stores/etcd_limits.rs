//! Limits of an etcd that are found before anything is written.

use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::tool::{assert_refused, restatectl};

#[test]
fn lowered_limit_of_operations_makes_smaller_transactions() {
    let cluster = Cluster::ready_to_migrate(12);
    let etcd = Etcd::start_with_flags(&["--max-txn-ops", "8"]);
    let migrate = |more: &[&str]| {
        let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()];
        restatectl(&[&args, more].concat()).expect(0)
    };
    migrate(&["--dry-run"]);
    assert!(etcd.content().is_empty());
    migrate(&[]);
    for key in ["partition_table", "pp_epoch_0", "pp_epoch_11"] {
        assert!(etcd.revision(key) < etcd.revision("nodes_config"), "{key}");
    }
    // It is read in smaller transactions, too, and replaced.
    let verify = ["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()];
    restatectl(&verify).expect(0);
    etcd.put("pp_epoch_3", "other");
    migrate(&["--resume", "--force", "-y"]);
    restatectl(&verify).expect(0);
    // Foreign names that begin as Restate's are looked at in small transactions as well.
    for number in 0..20 {
        etcd.put(&format!("nodes_config_zzz{number}"), "foreign");
    }
    migrate(&["--resume", "--dry-run"]);
}

#[test]
fn etcd_without_room_for_two_puts_is_refused_by_the_name_of_the_limit() {
    let cluster = Cluster::ready_to_migrate(2);
    let etcd = Etcd::start_with_flags(&["--max-txn-ops", "1"]);
    let migrate = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()];
    for more in [&["--dry-run"][..], &[]] {
        let args = [&migrate[..], more].concat();
        assert_refused(&args, 5, "value-too-large", &["--max-txn-ops", "two operations"]);
    }
    assert!(etcd.content().is_empty());
}

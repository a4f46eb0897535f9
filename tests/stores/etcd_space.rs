//! The room that an etcd has: found by looking, never by a write that raises its alarm.

use std::sync::{Arc, Once};

use tempfile::TempDir;

use crate::support::etcd::{Etcd, EtcdProgram, etcd_section};
use crate::support::grpc_proxy::GrpcProxy;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};
use crate::support::wait_for;

const QUOTA: [&str; 2] = ["--quota-backend-bytes", "1000000"];

#[test]
fn etcd_at_its_quota_is_refused_and_no_alarm_is_raised() {
    let cluster = Cluster::ready_to_migrate(1);
    for program in EtcdProgram::ALL {
        let etcd = Etcd::start_program(program, &QUOTA);
        etcd.put("nodes_config", "half of a pair");
        etcd.put("rule_book::version", "the other half");
        // The next put would raise the alarm; so would a conditional one that does not apply, and with 3.4 any
        // transaction.
        fill_to_quota(&etcd);
        let before = etcd.content();
        let migrate = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()];
        for more in [&["--dry-run"][..], &[]] {
            let words = ["of 976.56 KiB (--quota-backend-bytes)", "compact and defragment"];
            assert_refused(&[&migrate[..], more].concat(), 5, "target-full", &words);
        }
        let from = ["--from", &etcd.toml()];
        restatectl(&[&["metadata", "list"][..], &from].concat()).expect(0);
        restatectl(&[&["metadata", "get", "-k", "rule_book"][..], &from].concat()).expect(5);
        assert!(!etcd.has_alarm(), "{program:?}");
        assert_eq!(etcd.content(), before);
        // With the alarm, it is named.
        assert!(!etcd.try_put("more", vec![0; 900_000]));
        assert!(etcd.has_alarm());
        let words = ["alarm NOSPACE", "etcdctl alarm disarm"];
        assert_refused(&migrate, 5, "target-full", &words);
    }
}

#[test]
fn etcd_that_is_full_after_a_success_is_a_warning() {
    let cluster = Cluster::ready_to_migrate(1);
    let (etcd, folder) = (Arc::new(Etcd::start_with_flags(&QUOTA)), TempDir::new().unwrap());
    let (other, once) = (etcd.clone(), Once::new());
    // Another program fills it while the keys are written.
    let proxy = GrpcProxy::start(&etcd.address(), move |_, request, answer| {
        let has = |words: &[u8]| request.windows(words.len()).any(|window| window == words);
        if has(b"cluster_name") && has(b"key_range") {
            once.call_once(|| {
                std::thread::scope(|scope| {
                    scope.spawn(|| fill_to_quota(&other));
                })
            });
        }
        answer
    });
    let section = etcd_section(&[proxy.address(), etcd.address()]);
    let toml = write_file(&folder, "etcd.toml", &section);
    let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "-o", "json"];
    let document = restatectl(&args).expect(0).json();
    let last = document["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["check"], &last["status"]), (&"target-writable".into(), &"warning".into()));
    let detail = last["detail"].as_str().unwrap();
    assert!(detail.contains("all keys are written, and now etcd"), "{detail}");
    assert!(detail.contains("is full"), "{detail}");
    assert!(!etcd.has_alarm());
}

/// Puts as much as the quota allows; etcd compares its size only after it has committed, every 100 ms.
fn fill_to_quota(etcd: &Etcd) {
    etcd.put("filler", vec![0; 900_000]);
    let limit = std::time::Duration::from_secs(30);
    wait_for("a commit", limit, || (etcd.db_size() > 900_000).then_some(()));
    // What etcd adds to a put, and a little.
    let left = 1_000_000_usize.saturating_sub(etcd.db_size() + 700);
    if left > 0 {
        etcd.put("rest", vec![0; left]);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
}

//! A concurrent writer at the target, and a write that arrives late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::seaweed;
use crate::support::scale_count;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

#[test]
fn keys_of_a_concurrent_writer_are_not_overwritten() {
    let cluster = Cluster::large(150);
    let etcd = Arc::new(Etcd::start());
    for _ in 0..scale_count(5, 50) {
        etcd.clear();
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, stopped) = (etcd.clone(), stop.clone());
        let other = std::thread::spawn(move || {
            let mut left = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                let key = format!("pp_epoch_{}", fastrand::u32(0..150));
                // Conditional, as any careful writer: it touches nothing that it did not make.
                let value = format!("theirs {}", fastrand::u64(..)).into_bytes();
                if theirs.create_pair(&key, &value) {
                    if fastrand::bool() {
                        left.insert(key, value);
                    } else {
                        theirs.delete_pair(&key, &value);
                    }
                }
            }
            left
        });
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..40)));
        let args =
            ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
        let run = restatectl(&args);
        stop.store(true, Ordering::Relaxed);
        let left = other.join().unwrap();
        let content = etcd.content();
        for (key, value) in &left {
            assert_eq!(content.get(key), Some(value), "{key} was overwritten");
        }
        assert!([4, 5, 7].contains(&run.code) || left.is_empty(), "{run:#?}");
        assert_eq!(content.contains_key("nodes_config"), [0, 4].contains(&run.code), "{run:#?}");
    }
}

#[test]
fn late_arrival_of_a_lost_write_changes_nothing() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let (bucket, folder) = (seaweed().bucket().warm(), TempDir::new().unwrap());
    let proxy = HttpProxy::start(&bucket.s3.endpoint);
    let toml = write_file(&folder, "s3.toml", &bucket.section_at(&proxy.endpoint(), "p"));
    // The first attempt is held for longer than it is waited for, and goes on afterwards.
    let held = || std::thread::sleep(Duration::from_secs(4));
    proxy.inject("PUT", "/pp_epoch_0", 1, HttpFault::Before(Box::new(held)));
    let args = [
        "-s",
        &cluster.address(),
        "--request-timeout",
        "1000",
        "metadata",
        "migrate",
        "--toml",
        &toml,
    ];
    restatectl(&args).expect(0);
    let verified = bucket.objects();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(bucket.objects(), verified);
}

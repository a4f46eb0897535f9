//! Clusters that are killed under load: nothing that was acknowledged is missing, and no byte is wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use restatectl::proto::common::Version;
use restatectl::proto::metadata::{Precondition, PreconditionKind, VersionedValue};
use restatectl::proto::metadata_proxy_svc::PutRequest;
use restatectl::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;

use super::fixture::{Folders, SERVER, content, read_nodes, wait_for_members};
use super::oracle::assert_equals_oracle;
use crate::support::restate::{CURRENT, Cluster, Mode};
use crate::support::{block_on, slice_count, wait_for};

/// The keys that each writer writes in turn.
const KEYS: u32 = 8;

/// The writes at once.
const WRITERS: u32 = 4;

/// What was sent and what was acknowledged: the last version of each key.
#[derive(Default)]
struct Written {
    sent: BTreeMap<String, u32>,
    acknowledged: BTreeMap<String, u32>,
}

/// Writes without a pause until the server is gone.
fn write_until_killed(address: &str, first: u32, size: usize, written: &Arc<Mutex<Written>>) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (is_over, written) = (&is_over, Arc::clone(written));
            scope.spawn(move || {
                block_on(async {
                    let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned());
                    let channel = endpoint.unwrap().connect().await.unwrap();
                    let mut client = MetadataProxySvcClient::new(channel);
                    for turn in 0.. {
                        // Each writer has keys of its own, so that versions only grow.
                        let key = format!("pp_epoch_{}", writer * KEYS + turn % KEYS);
                        let version = first + turn;
                        written.lock().unwrap().sent.insert(key.clone(), version);
                        let put = client.put(put_request(&key, version, size)).await;
                        if put.is_err() || is_over.load(Ordering::Relaxed) {
                            is_over.store(true, Ordering::Relaxed);
                            return;
                        }
                        written.lock().unwrap().acknowledged.insert(key, version);
                    }
                });
            });
        }
    });
}

fn put_request(key: &str, version: u32, size: usize) -> PutRequest {
    PutRequest {
        key: key.to_owned(),
        value: Some(VersionedValue {
            version: Some(Version { value: version }),
            bytes: content(key, version, size).into(),
        }),
        precondition: Some(Precondition { kind: PreconditionKind::None.into(), version: None }),
    }
}

/// Checks that each value is one that was sent; with all of a majority's folders, also that none is older than
/// what was acknowledged.
fn assert_right(found: &Folders, written: &Written, sizes: &[usize]) {
    for (key, (version, bytes)) in &found.values {
        if key.starts_with("pp_epoch_") {
            let is_right = sizes.iter().any(|size| *bytes == content(key, *version, *size));
            assert!(is_right, "{key} at version {version} is not what was sent");
            assert!(*version <= written.sent[key], "{key} at version {version} was never sent");
        }
    }
    if found.members.is_complete {
        for (key, version) in &written.acknowledged {
            let found = found.values.get(key).map(|(version, _)| *version);
            assert!(found >= Some(*version), "{key}: {found:?}, {version} was acknowledged");
        }
    }
}

#[test]
fn nothing_acknowledged_is_missing_from_a_majority_that_was_killed_under_load() {
    let mut cluster = Cluster::start_with_config(CURRENT, &[SERVER; 3], "");
    wait_for_members(&cluster, 3);
    let written = Arc::new(Mutex::new(Written::default()));
    let sizes = [400, 60_000];
    let rounds = slice_count(5, 100);
    for round in 0..rounds {
        let size = sizes[round % 2];
        let address = cluster.nodes[round % 3].address();
        cluster.leader();
        std::thread::scope(|scope| {
            let (address, written) = (&address, &written);
            let first = u32::try_from(round).unwrap() * 100_000 + 1;
            scope.spawn(move || write_until_killed(address, first, size, written));
            std::thread::sleep(Duration::from_millis(700));
            wait_for("enough writes", Duration::from_secs(60), || {
                (written.lock().unwrap().acknowledged.len() > 10).then_some(())
            });
            cluster.end_all("KILL");
        });
        let written = written.lock().unwrap();
        for nodes in [[0, 1], [0, 2], [1, 2]] {
            let found = read_nodes(&cluster, &nodes);
            assert!(found.members.is_complete, "{:?}", found.members);
            assert_right(&found, &written, &sizes);
        }
        let found = read_nodes(&cluster, &[round % 3]);
        assert!(!found.members.is_complete && found.members.missing.len() == 2);
        assert_right(&found, &written, &sizes);
        assert_equals_oracle(&cluster.base_folder(round % 3));
        drop(written);
        cluster.start_again(&Mode::Normal);
    }
    println!("sum: clusters killed under load: {rounds} rounds");
}

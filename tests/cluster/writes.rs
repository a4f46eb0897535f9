//! The running cluster as a target: the guarantees of every store, and writes that would destroy it.

use std::time::Duration;

use restatectl::backends::cluster::WritableCluster;
use restatectl::backends::{Source, Target};
use restatectl::codec::{self, Encoding};
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use restatectl::model::{Change, Effect, StoreError};

use crate::support::block_on;
use crate::support::conformance::{assert_conforms_to_keys, create, value};
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::open_store;
use crate::support::restate::{Cluster, Mode, get_value, put_value};
use crate::support::tool::restatectl;

async fn open_cluster(addresses: &str, only_these: bool) -> WritableCluster {
    open_store::open_cluster(addresses, only_these, Duration::from_secs(10)).await
}

fn unknown_key(name: &str) -> Key {
    Key::Unknown(name.to_owned())
}

async fn read_entry(store: &impl Source, key: &Key) -> Option<Entry> {
    store.read(std::slice::from_ref(key)).await.unwrap().pop().unwrap()
}

#[test]
fn running_cluster_conforms_and_its_probe_writes_nothing() {
    let cluster = Cluster::start(&[&["metadata-server"]], 1);
    block_on(async {
        let store = open_cluster(&cluster.address(), false).await;
        assert_conforms_to_keys(&store, [unknown_key("a"), unknown_key("b"), unknown_key("c")])
            .await;
        store.probe_write().await.unwrap();
        assert_eq!(read_entry(&store, &unknown_key("restatectl_write_probe")).await, None);
        // The largest value that is said to fit does, and a larger one is told before.
        let most = store.write_limits().bytes;
        let large = unknown_key("large");
        store.write(&[create(&large, value(1, &vec![7; most]))]).await.unwrap();
        assert_eq!(read_entry(&store, &large).await.unwrap().size(), most as u64);
        let entry = Entry::Intact(value(1, &vec![7; most + 1]), CasToken::Version(Version(1)));
        let misfits = store.find_limit_violations(&Snapshot::from([(large, entry)])).await.unwrap();
        assert_eq!(misfits.len(), 1);
    });
}

#[test]
fn write_that_would_destroy_the_store_is_not_sent() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let (version, bytes) = get_value(&cluster.address(), "nodes_config").unwrap();
    let document = codec::decode(&Key::NodesConfig, &bytes).unwrap();
    let at = |version: u32| {
        let version = Version(version);
        let bytes = codec::encode(&Key::NodesConfig, Encoding::Flexbuffers, &document, version);
        Value { version, bytes: bytes.unwrap() }
    };
    let tag = |version: u32| CasToken::Version(Version(version));
    block_on(async {
        let store = open_cluster(&cluster.address(), false).await;
        let change = |effect| [Change { key: Key::NodesConfig, effect }];
        let inner_is_older = Value { version: Version(version + 1), bytes: bytes.clone().into() };
        for (effect, words) in [
            (Effect::Delete(tag(version)), "must not be deleted"),
            (Effect::Overwrite(at(version), tag(version)), "must not be put at version"),
            (Effect::Overwrite(at(version - 1), tag(version)), "must not be put at version"),
            (Effect::Overwrite(inner_is_older, tag(version)), ", but embeds version"),
        ] {
            let error = store.write(&change(effect)).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        // These are sent, and do not hold.
        for effect in [
            Effect::Overwrite(at(version), tag(version - 1)),
            Effect::Overwrite(at(version + 9), CasToken::ETag("\"of-another-store\"".to_owned())),
            Effect::Create(at(version + 9)),
        ] {
            let error = store.write(&change(effect)).await.unwrap_err();
            assert!(matches!(error.error, StoreError::Conflict { .. }), "{error}");
        }
        let kept = read_entry(&store, &Key::NodesConfig).await.unwrap();
        assert_eq!(kept.value(), Some(&value(version, &bytes)));
        store.write(&change(Effect::Overwrite(at(version + 1), tag(version)))).await.unwrap();
    });
    cluster.restart(&Mode::Normal);
}

#[test]
fn retry_after_a_lost_response_is_not_a_conflict() {
    let cluster = Cluster::start(&[&["metadata-server"]], 1);
    let direct = cluster.address();
    // Something to read first, so that the connection breaks in the answer to the put, and not while the
    // cluster is looked for: after ever more bytes, from before that answer to behind it.
    put_value(&direct, "padding", 1, &[7; 3_000]);
    for after in (3_000..3_500).step_by(12) {
        let to = direct.trim_start_matches("http://");
        let proxy = FaultyProxy::start(to, NetworkFault::Cut, Direction::FromServer, after);
        let address = format!("http://{}", proxy.address());
        let healer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            proxy.clear_faults();
        });
        let key = unknown_key(&format!("key_{after}"));
        block_on(async {
            let store = open_cluster(&address, true).await;
            read_entry(&store, &unknown_key("padding")).await.unwrap();
            store.write(&[create(&key, value(1, b"ours"))]).await.unwrap();
            assert_eq!(read_entry(&store, &key).await.unwrap().value(), Some(&value(1, b"ours")));
        });
        healer.join().unwrap();
        // Another's is one.
        put_value(&direct, &key.to_string(), 2, b"theirs");
        block_on(async {
            let store = open_cluster(&address, true).await;
            let error = store.write(&[create(&key, value(1, b"ours"))]).await.unwrap_err();
            assert!(matches!(error.error, StoreError::Conflict { .. }), "{error}");
        });
    }
}

#[test]
fn edit_survives_leader_loss_and_fails_without_quorum() {
    let server: &[&'static str] = &["metadata-server"];
    let mut cluster = Cluster::start(&[server, server, server], 1);
    cluster.restart(&Mode::Migration);
    crate::support::wait_for("three members", Duration::from_secs(60), || {
        let args = ["-s", &cluster.addresses(), "metadata", "get", "-k", "nodes_config"];
        (restatectl(&args).out.matches("\"member\"").count() == 3).then_some(())
    });
    let leader = cluster.leader();
    let addresses = cluster.addresses();
    let edit = |more: &[&str]| {
        let args = ["-s", &addresses, "metadata", "patch", "-k", "partition_table", "-p", "[]"];
        restatectl(&[&args, more].concat())
    };
    let before = edit(&["-o", "json"]).expect(0).json()["version"].as_u64().unwrap();
    cluster.kill_node(leader);
    let after = edit(&["-o", "json"]).expect(0).json();
    assert_eq!(after["version"], before + 1);
    cluster.kill_node((leader + 1) % 3);
    let lost = edit(&["-o", "json", "--request-timeout", "3000"]).expect(6).json();
    assert_eq!(lost["error"]["code"], "source-no-quorum");
    assert_eq!(lost["written"], false);
}

//! Writes whose answer is lost: whatever comes after, what is said of them is true.

use std::time::Duration;

use restatectl::backends::Target;
use restatectl::model::{Entry, FailedWrite, Key};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::behind_proxy::BehindProxy;
use crate::support::conformance::{create, value};
use crate::support::dynamo::create_table;
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::grpc_proxy::{GrpcProxy, PUT};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::open_store::{open_cluster, open_dynamo, open_etcd, open_s3};
use crate::support::restate::Cluster;
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, restatectl_with_input};
use crate::support::{block_on, scale_count};

const FOR_EVER: usize = usize::MAX / 4;

/// Options for a run whose retries soon end.
const SHORT_TIMEOUT: [&str; 4] = ["--request-timeout", "1000", "-o", "json"];

/// A store behind a proxy, and the words by which the proxy knows a write and a read of `rule_book`.
struct Edited {
    proxy: HttpProxy,
    toml: String,
    backups: TempDir,
    write: (&'static str, &'static str),
    read: (&'static str, &'static str),
    /// Refusals of an expired identity, and of a store that is asked too often.
    expired: fn() -> HttpFault,
    throttled: fn() -> HttpFault,
    /// The TOML file of the store itself, as another writer has it.
    direct: String,
}

impl Edited {
    fn bucket() -> Edited {
        let (bucket, backups) = (seaweed().bucket().warm(), TempDir::new().unwrap());
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        let toml = write_file(&backups, "s3.toml", &bucket.section_at(&proxy.endpoint(), "p"));
        let direct = write_file(&backups, "direct.toml", &bucket.section("p"));
        Edited {
            proxy,
            toml,
            backups,
            write: ("PUT", "/rule_book"),
            read: ("GET", "/rule_book"),
            expired: || HttpFault::Answer(403, "ExpiredToken"),
            throttled: || HttpFault::Answer(503, "SlowDown"),
            direct,
        }
    }

    fn table() -> Edited {
        let (table, backups) = (create_table(), TempDir::new().unwrap());
        let proxy = HttpProxy::start(&table.server.endpoint);
        let toml = write_file(&backups, "dynamo.toml", &table.section_at(&proxy.endpoint(), "p"));
        let direct = write_file(&backups, "direct.toml", &table.section("p"));
        Edited {
            proxy,
            toml,
            backups,
            write: ("POST", "TransactWriteItems"),
            read: ("POST", "BatchGetItem"),
            expired: || HttpFault::Answer(400, "ExpiredTokenException"),
            throttled: || HttpFault::Answer(400, "ThrottlingException"),
            direct,
        }
    }

    fn put(&self, concurrency: u32) -> Run {
        let backups = self.backups.path().to_str().unwrap();
        let options = [&SHORT_TIMEOUT[..], &["--backup-dir", backups]].concat();
        put_rules(&self.toml, &options, &rules(concurrency))
    }

    fn inject_writes(&self, times: usize, fault: HttpFault) {
        self.proxy.inject(self.write.0, self.write.1, times, fault);
    }

    /// Injects the fault into every read but the first.
    fn inject_reads(&self, fault: HttpFault) {
        self.proxy.inject(self.read.0, self.read.1, 1, HttpFault::Before(Box::new(|| {})));
        self.proxy.inject(self.read.0, self.read.1, FOR_EVER, fault);
    }

    /// Ends the case, and returns the stored number.
    fn stored(&self) -> Json {
        self.proxy.clear_faults();
        let args = ["metadata", "get", "-k", "rule_book", "--from", &self.toml];
        let document = restatectl_with_input(&args, "").expect(0).json();
        document["rules"]["scope1/*"]["limits"]["concurrency"].clone()
    }
}

fn rules(concurrency: u32) -> String {
    format!(
        r#"{{"rules": {{"scope1/*": {{"version": 1, "limits": {{"concurrency": {concurrency}}},
            "last_modified_millis_since_epoch": 1795527049866}}}}}}"#
    )
}

fn put_rules(toml: &str, options: &[&str], document: &str) -> Run {
    let args = ["metadata", "put", "-k", "rule_book", "--from", toml, "-y", "-"];
    restatectl_with_input(&[&args[..], options].concat(), document)
}

fn assert_edit(run: Run, code: i32, write_state: &str) -> Run {
    let run = run.expect(code);
    let document = run.json();
    assert_eq!(document["write_state"], write_state, "{document:#}");
    assert_eq!(document["written"], write_state == "written");
    run
}

/// Runs every case on one store.
fn assert_lost_answers_are_settled(store: &Edited) {
    assert_edit(store.put(1), 0, "written");

    // Refused at once: nothing is in doubt.
    store.inject_writes(FOR_EVER, (store.expired)());
    assert_edit(store.put(2), 6, "not_written");
    assert_eq!(store.stored(), 1);

    // Every attempt refused because there were too many: neither is this.
    store.inject_writes(FOR_EVER, (store.throttled)());
    assert_edit(store.put(2), 6, "not_written");
    assert_eq!(store.stored(), 1);

    // The answer is lost, then the identity expires; the value can still be read.
    store.inject_writes(1, HttpFault::LoseAnswer);
    store.inject_writes(FOR_EVER, (store.expired)());
    assert_edit(store.put(2), 0, "written");
    assert_eq!(store.stored(), 2);

    // The same, and it can't be read any more.
    store.inject_writes(1, HttpFault::LoseAnswer);
    store.inject_writes(FOR_EVER, (store.expired)());
    store.inject_reads((store.expired)());
    let run = assert_edit(store.put(3), 7, "unknown");
    let message = run.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("it is unknown whether rule_book was written at version 3"));
    assert!(message.contains("could not be read again"), "{message}");
    assert!(!message.contains("nothing was written"), "{message}");
    assert_eq!(store.stored(), 3);

    // The answer is lost, and another writer replaces the value before the next attempt.
    store.inject_writes(1, HttpFault::LoseAnswer);
    let direct = store.direct.clone();
    let replace = move || drop(put_rules(&direct, &[], &rules(9)).expect(0));
    store.inject_writes(1, HttpFault::Before(Box::new(replace)));
    let run = assert_edit(store.put(4), 7, "unknown");
    assert!(!run.json()["error"]["message"].as_str().unwrap().contains("nothing was written"));
    assert_eq!(store.stored(), 9);
}

#[test]
fn edit_in_s3_says_what_came_of_a_lost_answer() {
    let store = Edited::bucket();
    assert_lost_answers_are_settled(&store);
    // A gateway has lost the answer, and sent the write again: that one alone is answered. The object has our salt.
    store.inject_writes(1, HttpFault::Repeat);
    assert_edit(store.put(7), 0, "written");
    assert_eq!(store.stored(), 7);
}

#[test]
fn edit_in_dynamo_db_says_what_came_of_a_lost_answer() {
    let store = Edited::table();
    assert_lost_answers_are_settled(&store);
    // Carried out, and answered with a gateway's page.
    let page = |_: &str, _| b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_vec();
    store.inject_writes(1, HttpFault::Rewrite(Box::new(page)));
    assert_edit(store.put(5), 0, "written");
    assert_eq!(store.stored(), 5);
}

/// Returns the `write_state` of each key of a document.
fn write_states(document: &Json) -> Vec<(String, String)> {
    let keys = document["keys"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    keys.map(|key| (text(&key["key"]), text(&key["write_state"]))).collect()
}

#[test]
fn migration_says_of_each_key_what_came_of_its_write() {
    let setting = BehindProxy::with_bucket();
    for (prefix, is_readable, state) in [("read", true, "written"), ("unread", false, "unknown")] {
        setting.proxy.inject("PUT", "/rule_book", 1, HttpFault::LoseAnswer);
        let expired = || HttpFault::Answer(403, "ExpiredToken");
        setting.proxy.inject("PUT", "/rule_book", FOR_EVER, expired());
        setting.proxy.inject("PUT", "/pp_epoch_1", FOR_EVER, expired());
        if !is_readable {
            setting.proxy.inject("GET", "/rule_book", FOR_EVER, expired());
        }
        let document = setting.migrate(prefix, &[]).expect(7).json();
        setting.proxy.clear_faults();
        let states = write_states(&document);
        let state_of = |key: &str| states.iter().find(|(name, _)| name == key).unwrap().1.clone();
        assert_eq!(state_of("rule_book"), state);
        assert_eq!(state_of("nodes_config"), "not_written");
        // True of every key, whatever was under way.
        let objects = setting.store.objects();
        for (key, state) in &states {
            let is_there = objects.contains_key(&format!("{prefix}/{key}"));
            match state.as_str() {
                "written" => assert!(is_there, "{key}"),
                "not_written" => assert!(!is_there, "{key}"),
                _ => {}
            }
        }
        setting.migrate(prefix, &["--resume"]).expect(0);
        setting.verify(prefix);
    }
}

/// Returns places in a connection's bytes: few in a test, many in the soak.
fn cut_places(last: usize) -> impl Iterator<Item = usize> {
    let step = last / scale_count(5, 60);
    (0..=last).step_by(step.max(1))
}

/// Writes a key through a connection that is cut, and compares what is said of the write with `read`, which
/// goes past the proxy.
async fn assert_failure_is_true(
    place: &str,
    store: &dyn Target,
    key: &Key,
    read: &(dyn Target + Sync),
) {
    let outcome = store.write(&[create(key, value(1, b"ours"))]).await;
    // A request that was on its way has arrived.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stored = read.read(std::slice::from_ref(key)).await.unwrap().pop().flatten();
    let is_stored = stored.as_ref().and_then(Entry::value) == Some(&value(1, b"ours"));
    match outcome {
        Ok(()) => assert!(is_stored, "{place}: acknowledged, and not there"),
        Err(FailedWrite { may_have_written: false, error }) => {
            assert!(!is_stored, "{place}: said not to be written, and there: {error}");
        }
        Err(FailedWrite { may_have_written: true, .. }) => {}
    }
}

#[test]
fn write_that_a_node_repeats_is_never_said_not_to_be_written() {
    let cluster = Cluster::start(&[&["metadata-server"]], 1);
    let address = cluster.address();
    let proxy = GrpcProxy::start_repeating(address.trim_start_matches("http://"), PUT);
    let limit = Duration::from_secs(3);
    block_on(async {
        let direct = open_cluster(&address, true, limit).await;
        let store = open_cluster(&format!("http://{}", proxy.address()), true, limit).await;
        assert_failure_is_true("cluster", &store, &unknown_key("repeated"), &direct).await;
    });
    assert_eq!(proxy.repeated(), 1);
    let through = format!("http://{}", proxy.address());
    let put = ["-S", &through, "metadata", "put", "-k", "edited", "-y", "-o", "json", "-"];
    let run = assert_edit(restatectl_with_input(&put, "{}"), 7, "unknown");
    let message = run.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("another writer may have written what is stored"), "{message}");
    assert_eq!(proxy.repeated(), 2);
}

#[test]
fn edit_that_a_proxy_repeats_is_never_said_not_to_be_written() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let proxy = GrpcProxy::start_repeating(&etcd.address(), "/etcdserverpb.KV/Txn");
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&[proxy.address()]));
    let put = ["metadata", "put", "--from", &toml, "-k", "edited", "-y", "-o", "json", "-"];
    let run = assert_edit(restatectl_with_input(&put, "{}"), 7, "unknown");
    let message = run.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("another writer may have written what is stored"), "{message}");
    assert!(etcd.content().contains_key("edited"));
}

#[test]
fn page_of_a_gateway_is_no_answer_to_a_write() {
    let setting = BehindProxy::with_bucket();
    let page = || HttpFault::Json(200, "<html>login</html>".to_owned());
    setting.proxy.inject("PUT", "/page/rule_book", 1, page());
    setting.migrate("page", &[]).expect(0);
    assert_eq!(setting.proxy.pending_faults(), 0);
    setting.verify("page");
}

fn unknown_key(name: &str) -> Key {
    Key::Unknown(name.to_owned())
}

#[test]
fn write_through_a_cut_connection_is_never_said_not_to_be_written_when_it_is() {
    let (etcd, cluster) = (Etcd::start(), Cluster::start(&[&["metadata-server"]], 1));
    let (bucket, table) = (seaweed().bucket().warm(), create_table());
    let host = |endpoint: &str| endpoint.trim_start_matches("http://").to_owned();
    let short = Duration::from_millis(300);
    block_on(async {
        let direct_etcd = open_etcd(&etcd.section(), 10 * short);
        let direct_cluster = open_cluster(&cluster.address(), true, 10 * short).await;
        let direct_s3 = open_s3(&bucket.section("p"), 10 * short).await;
        let direct_table = open_dynamo(&table.section("p"), 10 * short).await;
        for direction in [Direction::ToServer, Direction::FromServer] {
            for after in cut_places(1_200) {
                let key = unknown_key(&format!("key-{direction:?}-{after}"));
                let place = |store: &str| format!("{store}, {direction:?}, {after}");
                let cut = |to: &str| FaultyProxy::start(to, NetworkFault::Cut, direction, after);
                let proxy = cut(&etcd.address());
                let store = open_etcd(&etcd_section(&[proxy.address()]), short);
                assert_failure_is_true(&place("etcd"), &store, &key, &direct_etcd).await;
                let proxy = cut(&host(&bucket.s3.endpoint));
                let section = bucket.section_at(&format!("http://{}", proxy.address()), "p");
                let store = open_s3(&section, short).await;
                assert_failure_is_true(&place("s3"), &store, &key, &direct_s3).await;
                let proxy = cut(&host(&table.server.endpoint));
                let section = table.section_at(&format!("http://{}", proxy.address()), "p");
                let store = open_dynamo(&section, short).await;
                assert_failure_is_true(&place("dynamo"), &store, &key, &direct_table).await;
            }
            // The node is looked for first, over the same connection.
            for after in cut_places(1_200).map(|place| place + 2_500) {
                let proxy = FaultyProxy::start(
                    &host(&cluster.address()),
                    NetworkFault::Cut,
                    direction,
                    after,
                );
                let address = format!("http://{}", proxy.address());
                let store = open_cluster(&address, true, short).await;
                let key = unknown_key(&format!("key-{direction:?}-{after}"));
                let place = format!("cluster, {direction:?}, {after}");
                assert_failure_is_true(&place, &store, &key, &direct_cluster).await;
            }
        }
    });
}

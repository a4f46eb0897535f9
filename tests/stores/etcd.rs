//! Particulars of etcd: sharing, unreachable endpoints, limits, damage.

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::ports::Port;
use crate::support::restate::{Cluster, Mode, put_value};
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};

fn put_pair(etcd: &Etcd, key: &str, version: u32, bytes: &[u8]) {
    etcd.put(key, bytes);
    etcd.put(&format!("{key}::version"), version.to_le_bytes());
}

#[test]
fn shared_etcd_lists_only_restate_keys() {
    let etcd = Etcd::start();
    put_pair(
        &etcd,
        "nodes_config",
        1,
        b"\x05{\"version\":1,\"cluster_name\":\"demo\",\"nodes\":[]}",
    );
    put_pair(&etcd, "pp_epoch_10", 1, b"\x05{\"version\":1}");
    put_pair(&etcd, "pp_epoch_2", 1, b"\x05{\"version\":1}");
    put_pair(&etcd, "somebody", 1, b"else");
    put_pair(&etcd, "pp_epoch_007", 1, b"no number of ours");
    etcd.put("/registry/pods/a", "x");
    etcd.put("nodes_config_backup", "x");
    etcd.put("rule_book", "half of a pair");
    let listing =
        restatectl(&["metadata", "list", "--from", &etcd.toml(), "-o", "json"]).expect(0).json();
    let keys: Vec<_> =
        listing["keys"].as_array().unwrap().iter().map(|key| key["key"].clone()).collect();
    assert_eq!(keys, ["nodes_config", "rule_book", "pp_epoch_2", "pp_epoch_10"]);
    assert_eq!(listing["foreign"], 2);
    assert_eq!(listing["keys"][1]["version"], serde_json::Value::Null);
    assert_eq!(listing["cluster"]["name"], "demo");
    let damaged =
        restatectl(&["metadata", "get", "-k", "rule_book", "--from", &etcd.toml(), "-o", "json"]);
    assert_eq!(damaged.expect(5).json()["error"]["code"], "value-corrupt");
}

#[test]
fn unreachable_endpoint_is_skipped() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let (etcd, dead) = (Etcd::start(), Port::free());
    let folder = tempfile::TempDir::new().unwrap();
    let toml = folder.path().join("etcd.toml");
    std::fs::write(&toml, etcd_section(&[format!("127.0.0.1:{}", dead.number), etcd.address()]))
        .unwrap();
    let toml = toml.to_str().unwrap();
    let address = cluster.address();
    let run = restatectl(&["-s", &address, "metadata", "migrate", "--toml", toml]).expect(0);
    // The servers' client would not skip it.
    let warning = format!("127.0.0.1:{} does not respond: connection refused", dead.number);
    assert!(run.err.contains(&warning) && run.err.contains("may not start"), "{}", run.err);
    restatectl(&["-s", &address, "metadata", "verify", "--toml", toml]).expect(0);
    assert!(etcd.content().contains_key("nodes_config::version"));
}

#[test]
fn addresses_of_two_etcd_clusters_are_refused() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let (etcd, other) = (Etcd::start(), Etcd::start_with_flags(&["--initial-cluster-token", "b"]));
    let folder = tempfile::TempDir::new().unwrap();
    let section = etcd_section(&[etcd.address(), other.address()]);
    let toml = write_file(&folder, "two.toml", &section);
    let migrate = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml];
    assert_refused(&migrate, 2, "config-invalid", &["belong to different stores"]);
    assert!(etcd.content().is_empty() && other.content().is_empty());
}

#[test]
fn value_above_the_request_limit_is_refused_before_any_write() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let address = cluster.address();
    // Two MiB in one value: more than a default etcd takes in a request.
    let large = format!(
        "\x05{{\"version\":1,\"deployments_v2\":[],\"subscriptions\":[],\"text\":\"{}\"}}",
        "x".repeat(2 << 20)
    );
    put_value(&address, "schema_registry", 1, large.as_bytes());
    let migrate = |etcd: &Etcd| {
        restatectl(&["-s", &address, "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"])
    };
    let etcd = Etcd::start();
    let document = migrate(&etcd).expect(5).json();
    assert_eq!(document["error"]["code"], "value-too-large");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("schema_registry holds 2.00 MiB"), "{message}");
    assert!(document["error"]["hints"][0].as_str().unwrap().contains("--max-request-bytes"));
    assert!(etcd.content().is_empty());
    // The limit can be raised, and that is seen.
    let raised = Etcd::start_with_flags(&["--max-request-bytes", "8388608"]);
    migrate(&raised).expect(0);
    assert_eq!(raised.content()["schema_registry"], large.as_bytes());
    // But not the four MiB of Restate's own read by prefix, foreign keys included.
    raised.clear();
    raised.put("schema_registry_zzz1", "y".repeat(1 << 20));
    raised.put("schema_registry_zzz2", "y".repeat(1 << 20));
    let document = migrate(&raised).expect(5).json();
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("schema_registry would be read"), "{message}");
    assert!(document["error"]["hints"][0].as_str().unwrap().contains("2 foreign keys"));
    assert_eq!(raised.content().len(), 2);
    raised.delete("schema_registry_zzz2");
    migrate(&raised).expect(0);
}

#[test]
fn lowered_request_limit_makes_smaller_batches_with_nodes_config_last() {
    let mut cluster = Cluster::single(12);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start_with_flags(&["--max-request-bytes", "4096"]);
    let migrate = |more: &[&str]| {
        let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()];
        restatectl(&[&args, more].concat()).expect(0)
    };
    migrate(&[]);
    let revision = |key: &str| etcd.revision(key);
    for key in ["partition_table", "pp_epoch_0", "pp_epoch_11"] {
        assert!(revision(key) < revision("nodes_config"), "{key}");
    }
    // Replacing takes several transactions, too: nodes_config is gone first and back last.
    let before = revision("nodes_config");
    etcd.put("pp_epoch_3", "other");
    migrate(&["--resume", "--force", "-y"]);
    assert!(
        revision("pp_epoch_3") <= revision("nodes_config") && before < revision("nodes_config")
    );
}

#[test]
fn full_etcd_is_reported_before_any_write() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start_with_flags(&["--quota-backend-bytes", "8388608"]);
    while etcd.try_put("filler", vec![0; 1 << 20]) {}
    let before = etcd.content();
    let args =
        ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    let document = restatectl(&args).expect(5).json();
    assert_eq!(document["error"]["code"], "target-full");
    assert_eq!(etcd.content(), before);
}

#[test]
fn nearly_full_etcd_is_refused_before_any_write_without_an_alarm() {
    let etcd = Etcd::start_with_flags(&["--quota-backend-bytes", "100000"]);
    let mut cluster = Cluster::large_with_roles(&["metadata-server", "admin"], 600);
    cluster.restart(&Mode::Migration);
    let toml = etcd.toml();
    let migrate = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml];
    for more in [&["--dry-run", "-o", "json"][..], &["-o", "json"]] {
        let document = restatectl(&[&migrate[..], more].concat()).expect(5).json();
        assert_eq!(document["error"]["code"], "target-full");
        assert!(document["error"]["hints"].to_string().contains("defragment"), "{document:#}");
    }
    assert!(etcd.try_put("another-app", vec![0; 10]), "a run made it read-only");
    assert!(!etcd.content().contains_key("nodes_config"));
}

#[test]
fn hanging_member_is_detected_by_keep_alive_and_skipped() {
    use std::time::{Duration, Instant};
    let (hangs, works) = (Etcd::start(), Etcd::start());
    let section = format!(
        "{}keep-alive-interval = \"300ms\"\nkeep-alive-timeout = \"300ms\"\n",
        etcd_section(&[hangs.address(), works.address()])
    );
    put_pair(&works, "rule_book", 1, b"\x06\x04\x01");
    hangs.signal("STOP");
    let started = Instant::now();
    // Far from the time-out of a request, which is what would end it otherwise.
    let args = ["--request-timeout", "60000", "metadata", "get", "-k", "rule_book", "--toml", "-"];
    let run = crate::support::tool::restatectl_with_input(&args, &section).expect(0);
    assert!(run.out.contains("\"version\": 1"));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    hangs.signal("CONT");
}

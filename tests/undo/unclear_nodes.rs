//! Nodes of which it is not known whether they run on the target.

use std::fs;

use restatectl::codec::{self, Encoding};
use restatectl::model::{CasToken, Entry, Key, Value, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::etcd::Etcd;
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::silent_port::SilentPort;
use crate::support::tls_proxy::TlsProxy;

use super::fixture::UndoFixture;

/// Saves a store with one node at this address, and returns the path of the backup file.
fn save_with_node(folder: &TempDir, address: &str) -> String {
    let mut snapshot = generate_snapshot(2);
    let version = Version(7);
    let node = json!({"name": "n1", "address": address, "roles": ["admin", "worker"],
        "current_generation": [1, 3], "binary_version": "1.7.12",
        "metadata_server_config": {"metadata_server_state": "standby"}});
    let document = json!({"cluster_name": "generated", "cluster_fingerprint": 7,
        "nodes": [[1, {"Node": node}]], "name_lookup": {"n1": 1}});
    let key = Key::NodesConfig;
    let bytes = codec::encode(&key, Encoding::Flexbuffers, &document, version).unwrap();
    let entry = Entry::Intact(Value { version, bytes }, CasToken::Version(version));
    snapshot.insert(key, entry);
    save_generated(folder, &snapshot)
}

/// Returns the status of the check of nodes, and its text.
fn node_check(document: &Json) -> (String, String) {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == "migration-mode").unwrap();
    let text = |field: &str| check[field].as_str().unwrap().to_owned();
    (text("status"), text("detail"))
}

#[test]
fn node_that_can_not_be_understood_refuses_and_one_out_of_reach_warns() {
    let (etcd, fixture, sources) = (Etcd::start(), UndoFixture::new(), TempDir::new().unwrap());
    let toml = fixture.toml("target.toml", &etcd.section());
    let silent = SilentPort::open();
    let authority = Authority::new(fixture.folder.path(), "ca");
    authority.sign(&CertificateRequest { file: "node", names: &["localhost"], expired: false });
    let tls = TlsProxy::start(&etcd.address(), fixture.folder.path(), "node");
    let ca = fixture.folder.path().join("ca.pem").to_str().unwrap().to_owned();
    let soon = ["--request-timeout", "3000"];
    let trusting = [&soon[..], &["--tls-ca", &ca]].concat();
    let asking_none = [&soon[..], &["-S", "http://127.0.0.1:1"]].concat();
    let hung = format!("http://{}", silent.address());
    let listens = "may run on the target: something listens at its address";
    for (address, options, status, words) in [
        ("http://127.0.0.1:1/", &soon[..], "ok", "no node runs on the target"),
        (&hung, &soon, "failed", listens),
        (
            &hung,
            &asking_none,
            "warning",
            "these nodes were not asked whether they run on the target: N1",
        ),
        (&tls.endpoint(), &soon, "failed", "signed by an authority that is not trusted here"),
        (&tls.endpoint(), &trusting, "failed", "has no such service"),
        (
            "http://no-such-host.invalid:5122",
            &soon,
            "warning",
            "N1 (n1, http://no-such-host.invalid:5122)",
        ),
    ] {
        etcd.clear();
        let _ = fs::remove_file(fixture.report());
        let _ = fs::remove_file(sources.path().join("generated.jsonl"));
        let source = save_with_node(&sources, address);
        let run = fixture.migrate(&source, &toml, options).expect(0);
        // The command that takes it back reaches the nodes as this run did.
        let with_ca = format!("--tls-ca {ca} metadata undo --report");
        assert_eq!(run.out.contains(&with_ca), options == trusting, "{}", run.out);
        let whole = etcd.content();
        let code = if status == "failed" { 5 } else { 0 };
        let document = fixture.undo(&toml, options).expect(code).json();
        let (found, text) = node_check(&document);
        assert!(found == status && text.contains(words), "{found}: {text}");
        if status == "failed" {
            assert_eq!(document["error"]["code"], "not-in-migration-mode");
            assert_eq!(etcd.content(), whole);
        } else {
            assert!(etcd.content().is_empty());
        }
    }
}

#[test]
fn nodes_of_the_report_are_asked_where_those_of_the_target_can_not_be_decoded() {
    let (etcd, fixture, sources) = (Etcd::start(), UndoFixture::new(), TempDir::new().unwrap());
    let toml = fixture.toml("target.toml", &etcd.section());
    etcd.put("nodes_config", b"\x05what no version writes");
    etcd.put("nodes_config::version", 3_u32.to_le_bytes());
    let before = etcd.content();
    let source = save_with_node(&sources, "http://127.0.0.1:1/");
    let force = ["--force", "-y", "--overwrite-cluster", "unknown"];
    fixture.migrate(&source, &toml, &force).expect(0);
    // As a run that was killed before it came to nodes_config.
    for (key, value) in &before {
        etcd.put(key, value.clone());
    }
    let document = fixture.undo(&toml, &["--dry-run"]).expect(0).json();
    let (status, text) = node_check(&document);
    assert!(status == "warning" && text.contains("it is not known which nodes"), "{text}");
    let silent = SilentPort::open();
    let mut report = fixture.read_report();
    report["nodes"] = json!([{"id": 4, "name": "n4", "state": "responding", "mode": "migration",
        "address": format!("http://{}", silent.address())}]);
    fs::write(fixture.report(), report.to_string()).unwrap();
    let document = fixture.undo(&toml, &["--request-timeout", "1000"]).expect(5).json();
    let (status, text) = node_check(&document);
    assert!(status == "failed" && text.contains("N4 (n4, http://127.0.0.1:"), "{text}");
    silent.close();
    let document = fixture.undo(&toml, &[]).expect(0).json();
    let (status, text) = node_check(&document);
    assert!(status == "warning" && text.contains("none runs on it: N4 (n4"), "{text}");
    assert_eq!(etcd.content(), before);
}

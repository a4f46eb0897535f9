//! A source that changes while it is copied.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use restatectl::codec::{Encoding, encode};
use restatectl::model::{Key, Version};
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{Cluster, Mode, get_value, put_value};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

#[test]
fn rule_set_during_the_run_is_copied() {
    let cluster = Cluster::ready_to_migrate(2);
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&[proxy.address()]));
    let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml];
    let mut command = command(&program(), &args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    cluster.set_rule("scope2/*", 7);
    proxy.release();
    let run = wait_for_exit(child).expect(0);
    assert!(
        run.err.contains("the source changed in the meantime (rule_book is newer)"),
        "{}",
        run.err
    );
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()]).expect(0);
    let (version, bytes) = get_value(&cluster.address(), "rule_book").unwrap();
    assert_eq!(version, 2);
    assert_eq!(etcd.content()["rule_book"], bytes);
}

#[test]
fn run_fails_when_the_source_keeps_changing() {
    let mut cluster = Cluster::start(&[&["metadata-server"]], 400);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let stop = Arc::new(AtomicBool::new(false));
    let (address, stopped) = (cluster.address(), stop.clone());
    let writer = std::thread::spawn(move || {
        for version in 1.. {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let empty = serde_json::json!({"rules": {}});
            let book = encode(&Key::RuleBook, Encoding::Bilrost, &empty, Version(version)).unwrap();
            put_value(&address, "rule_book", version, &book);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let args =
        ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    let run = restatectl(&args);
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let document = run.expect(4).json();
    assert_eq!(document["error"]["code"], "source-changed");
    assert!(document["error"]["message"].as_str().unwrap().contains("rule_book"), "{document}");
    // It rests now, and what was left is finished.
    restatectl(&[&args[..], &["--resume", "--force", "-y"]].concat()).expect(0);
}

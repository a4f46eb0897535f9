//! A source that changes while it is copied.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{Cluster, get_value};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};
use crate::support::wait_for;

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
    let cluster = Cluster::ready_to_migrate(2);
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let write = "rule_book::version";
    let proxy = HoldingProxy::start(&etcd.address(), write);
    let toml = write_file(&folder, "held.toml", &etcd_section(&[proxy.address()]));
    let at = cluster.address();
    let migrate = ["-s", &at, "metadata", "migrate", "-o", "json", "--toml"];
    let mut command = command(&program(), &[&migrate[..], &[&toml]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Each time that the rules are about to be written, they change once more.
    for limit in 1.. {
        let has_ended = wait_for("a write or the end", Duration::from_secs(60), || {
            let has_ended = child.try_wait().unwrap().is_some();
            (has_ended || proxy.is_holding()).then_some(has_ended)
        });
        if has_ended {
            break;
        }
        cluster.set_rule("scope2/*", limit);
        proxy.hold_at(write);
    }
    let document = wait_for_exit(child).expect(4).json();
    assert_eq!(document["error"]["code"], "source-changed");
    assert!(document["error"]["message"].as_str().unwrap().contains("rule_book"), "{document}");
    // It rests now, and what was left is finished.
    let direct = etcd.toml();
    restatectl(&[&migrate[..], &[&direct, "--resume", "--force", "-y"]].concat()).expect(0);
}

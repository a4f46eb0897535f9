//! Addresses of two clusters in one list: no key is asked of the second, also where it answers late, or bears the
//! same name.

use std::process::Stdio;
use std::time::Duration;

use crate::support::delay_proxy::DelayProxy;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::tool::{assert_refused, command, program, wait_for_exit};

#[test]
fn node_of_another_cluster_in_the_list_is_not_asked_for_keys() {
    let mut cluster = Cluster::start_named("demo");
    for name in ["other", "demo"] {
        let other = Cluster::start_named(name);
        let both = format!("{},{}", cluster.address(), other.address());
        let words = ["the addresses belong to two clusters", "fingerprint"];
        assert_refused(&["-s", &both, "metadata", "list"], 2, "usage", &words);
    }

    // It answers when the first one is taken for the only one, and is gone.
    let other = Cluster::start_named("demo");
    let plain = |address: String| address.trim_start_matches("http://").to_owned();
    let late = DelayProxy::start(&plain(other.address()), Duration::from_millis(1200));
    let held = HoldingProxy::start(&plain(cluster.address()), "nodes_config");
    let both = format!("{},{}", held.address(), late.address());
    let args = ["-s", &both, "metadata", "list", "-o", "json", "--request-timeout", "6000"];
    let mut command = command(&program(), &args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    held.wait_until_holding();
    cluster.kill_node(0);
    held.release();
    let document = wait_for_exit(child).expect(6).json();
    assert!(document["keys"].is_null(), "{document:#}");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("a node of another cluster responds: demo (fingerprint"), "{message}");
}

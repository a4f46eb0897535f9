//! Addresses of two clusters in one list: no key is asked of the second, also where it answers late, or bears the
//! same name.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::support::delay_proxy::DelayProxy;
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
    let late = other.address().trim_start_matches("http://").to_owned();
    let late = DelayProxy::start(&late, Duration::from_millis(1500));
    let both = format!("{},{}", cluster.address(), late.address());
    let args = ["-v", "-s", &both, "metadata", "list", "-o", "json", "--request-timeout", "6000"];
    let mut command = command(&program(), &args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // From then on the second one is waited for, half a second.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("cached nodes_config")));
    cluster.kill_node(0);
    let rest = std::thread::spawn(move || lines.count());
    let document = wait_for_exit(child).expect(6).json();
    rest.join().unwrap();
    assert!(document["keys"].is_null(), "{document:#}");
    assert_eq!(document["error"]["code"], "source-no-quorum", "{document:#}");
}

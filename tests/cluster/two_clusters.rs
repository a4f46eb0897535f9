//! Addresses of two clusters in one list: no key is asked of the second, also where it answers late, or bears the
//! same name.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::support::delay_proxy::DelayProxy;
use crate::support::ports::Port;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::tool::{Run, command, program, restatectl, wait_for_exit};
use crate::support::wait_for;

#[test]
fn node_of_another_cluster_in_the_list_is_not_asked_for_keys() {
    let cluster = Cluster::start_named("demo");
    for name in ["other", "demo"] {
        let other = Cluster::start_named(name);
        let both = format!("{},{}", cluster.address(), other.address());
        // The second is waited for half a second: a node that was just started may stall for longer, once.
        let list = ["-s", &both, "metadata", "list", "-o", "json"];
        let refused = (0..3).map(|_| restatectl(&list)).find(|run| run.code == 2).unwrap();
        let document = refused.json();
        assert_eq!(document["error"]["code"], "usage");
        let message = document["error"]["message"].as_str().unwrap();
        for words in ["the addresses belong to two clusters", "fingerprint"] {
            assert!(message.contains(words), "{message}");
        }
    }

    // On a machine that stalls, the first one may have answered before it was gone.
    let run = (0..3).map(|_| read_while_the_first_one_goes()).find(|run| run.code != 0);
    let document = run.unwrap().expect(6).json();
    assert!(document["keys"].is_null(), "{document:#}");
    assert_eq!(document["error"]["code"], "source-no-quorum", "{document:#}");
}

/// Reads from two clusters of one name, of which the second answers when the first one was taken for the only one, and
/// is gone.
fn read_while_the_first_one_goes() -> Run {
    let mut cluster = Cluster::start_named("demo");
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
    let run = wait_for_exit(child);
    rest.join().unwrap();
    run
}

#[test]
fn node_that_waits_for_its_store_is_not_taken_for_another_cluster() {
    let mut cluster = Cluster::start(&[ALL_ROLES, &["worker"]], 1);
    let (first, second) = (cluster.address(), cluster.nodes[1].address());
    cluster.restart_node(0, &Mode::Migration);
    // It can read no nodes_config: its metadata servers are not there.
    let nobody = Port::free();
    let section = format!(
        "[metadata-client]\ntype = \"replicated\"\naddresses = [\"http://127.0.0.1:{}\"]\n",
        nobody.number
    );
    cluster.kill_node(1);
    cluster.start_node(1, &Mode::External(section));
    let both = format!("{first},{second}");
    wait_for("the starting node to respond", Duration::from_secs(30), || {
        let run = restatectl(&["-s", &both, "status", "-o", "json"]);
        let document = run.json();
        assert_ne!(run.code, 2, "{document:#}");
        (document["nodes"][1]["state"] == "starting").then_some(())
    });
    let list = restatectl(&["-s", &both, "metadata", "list", "-o", "json"]).expect(0).json();
    assert_eq!(list["cluster"]["name"], "demo");
    // Alone it knows no node, and that none is missing proves nothing.
    for words in [
        &["status"][..],
        &["nodes", "list"],
        &["wait", "--for", "migration-mode", "--timeout", "2s"],
        &["wait", "--for", "running", "--timeout", "2s"],
    ] {
        let document =
            restatectl(&[&["-s", &second, "-o", "json"], words].concat()).expect(5).json();
        let reasons = document["reasons"].to_string();
        assert!(reasons.contains("knows the nodes of the cluster yet"), "{words:?} {document:#}");
    }
    let nobody_to_stop = ["-s", &second, "wait", "--for", "stopped", "--timeout", "2s"];
    restatectl(&nobody_to_stop).expect(6);
}

//! `status` and `nodes list` of real clusters: what they show, and what makes them fail.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::run_within;
use crate::support::tool::{Run, official, restatectl};
use crate::support::wait_for;

const NO_ADMIN: &[&str] = &["metadata-server", "worker", "log-server"];

fn run_status(addresses: &str, more: &[&str]) -> Run {
    restatectl(&[&["-s", addresses, "status", "-o", "json"], more].concat())
}

/// Returns the answer to whether the cluster runs on the store, with the exit code.
fn answer_on(addresses: &str, toml: &str) -> (String, i32) {
    let run = run_status(addresses, &["--on", toml]);
    let document = run.json();
    let answer = document["metadata_store"]["on"]["answer"].as_str().unwrap_or_default();
    (answer.to_owned(), run.code)
}

/// Returns what `status` shows once it ends with 0. In one look, a partition may be between two leaders: they move for
/// seconds after the last node has started.
fn wait_for_status(addresses: &str, more: &[&str]) -> Json {
    wait_for("the cluster to run", Duration::from_secs(30), || {
        let run = run_status(addresses, more);
        (run.code == 0).then(|| run.json())
    })
}

/// Waits until this is the answer to whether the cluster runs on the store, with the exit code.
fn wait_for_answer(addresses: &str, toml: &str, (answer, code): (&str, i32)) {
    wait_for(answer, Duration::from_secs(30), || {
        (answer_on(addresses, toml) == (answer.to_owned(), code)).then_some(())
    });
}

/// Returns the words of each node's row in the first columns that both programs show.
fn first_cells(out: &str) -> Vec<Vec<String>> {
    let rows = out.lines().filter(|line| line.trim_start().starts_with('N') && line.contains(':'));
    rows.map(|row| {
        let cells: Vec<_> = row.split_whitespace().map(ToOwned::to_owned).collect();
        // All but the time since the start.
        [&cells[..2], &cells[cells.len().min(3)..6]].concat()
    })
    .collect()
}

/// Asserts that both programs show the same, once no leader moves between the two looks.
fn assert_shown_as_officially(addresses: &str) {
    wait_for("both programs to show the same", Duration::from_secs(30), || {
        let text = restatectl(&["-s", addresses, "status"]).out;
        let officially = official(&["-s", addresses, "status"]).out;
        println!("{text}\n{officially}");
        let rows = first_cells(&text);
        // Neither program shows a node where it fails.
        (!rows.is_empty() && rows == first_cells(&officially)).then_some(())
    });
}

#[test]
fn status_follows_a_cluster_to_its_target() {
    let mut cluster = Cluster::start(&[ALL_ROLES, ALL_ROLES, ALL_ROLES], 4);
    let (etcd, other) = (Etcd::start(), Etcd::start());
    let addresses = cluster.addresses();
    let wait = |words: &[&str]| {
        restatectl(&[&["-s", &addresses, "wait", "--for"], words].concat()).expect(0);
    };
    wait(&["running"]);
    // Found through one address.
    let healthy = wait_for_status(&cluster.address(), &[]);
    assert_eq!(healthy["partitions"]["led"], 4, "{healthy:#}");
    assert_eq!((&healthy["holds"], &healthy["reasons"]), (&json!(true), &json!([])));
    for node in healthy["nodes"].as_array().unwrap() {
        assert_eq!((&node["state"], &node["mode"]), (&json!("responding"), &json!("normal")));
        assert_eq!(node["metadata_server"], "member");
    }
    assert_shown_as_officially(&addresses);
    wait_for_answer(&addresses, &etcd.toml(), ("no", 5));

    cluster.restart(&Mode::Migration);
    wait(&["migration-mode"]);
    let migrating = run_status(&addresses, &[]).expect(0).json();
    assert_eq!(migrating["partitions"], Json::Null, "{migrating:#}");
    assert!(migrating["nodes"].as_array().unwrap().iter().all(|node| node["mode"] == "migration"));
    let list = restatectl(&["-s", &addresses, "nodes", "list"]).expect(0).out;
    assert!(list.trim_start().starts_with("NODE  GEN  NAME"), "{list}");
    assert_eq!(list.matches("migration").count(), 3, "{list}");
    // Before and after the copy: its generations are those of the source.
    wait_for_answer(&addresses, &etcd.toml(), ("cannot-tell", 5));
    for target in [&etcd, &other] {
        restatectl(&["-s", &addresses, "metadata", "migrate", "--toml", &target.toml()]).expect(0);
    }
    wait_for_answer(&addresses, &etcd.toml(), ("cannot-tell", 5));
    let too_soon = ["-s", &addresses, "wait", "--for", "running", "--timeout", "3s", "-o", "json"];
    let document = restatectl(&too_soon).expect(5).json();
    assert_eq!(document["error"]["code"], "not-ready");
    assert!(document["reasons"].to_string().contains("runs in migration mode"), "{document:#}");

    cluster.restart(&Mode::External(etcd.section()));
    wait(&["running", "--on", &etcd.toml()]);
    wait_for_answer(&addresses, &etcd.toml(), ("yes", 0));
    // A copy that the cluster was not started on.
    wait_for_answer(&addresses, &other.toml(), ("no", 5));
    // A node that hangs leaves it open.
    cluster.signal_node(2, "STOP");
    let hung = run_status(&addresses, &["--on", &etcd.toml(), "--request-timeout", "1500"]);
    assert_eq!(hung.json()["metadata_store"]["on"]["answer"], "cannot-tell");
    hung.expect(5);
}

#[test]
fn nodes_that_do_not_respond_are_named_in_the_time_of_one_request() {
    let mut cluster = Cluster::start(&[ALL_ROLES, NO_ADMIN, NO_ADMIN], 2);
    let addresses = cluster.addresses();
    let status = |code: i32, more: &[&str]| {
        let more = [&["--request-timeout", "2000"], more].concat();
        let run = run_within(Duration::from_secs(4), || run_status(&addresses, &more));
        run.expect(code).json()
    };
    let reasons = |document: &Json| document["reasons"].to_string();
    // Ids are given in the order in which nodes join.
    let healthy = wait_for_status(&addresses, &[]);
    let ids = ["node-1", "node-2", "node-3"].map(|name| {
        let mut nodes = healthy["nodes"].as_array().unwrap().iter();
        nodes.find(|node| node["name"] == name).unwrap()["id"].as_u64().unwrap()
    });
    let [admin, running, hanging] = ids.map(|id| format!("N{id}"));
    status(2, &["--ignore-node", "N9"]);
    cluster.signal_node(2, "STOP");
    let hung = status(5, &[]);
    assert_eq!(hung["error"]["code"], "not-ready", "{hung:#}");
    let mut nodes = hung["nodes"].as_array().unwrap().iter();
    assert_eq!(nodes.find(|node| node["id"] == ids[2]).unwrap()["state"], "no-response");
    assert_eq!(hung["metadata_store"]["quorum"]["responding"], 2);
    assert!(reasons(&hung).contains(&format!("{hanging} (node-3, ")), "{hung:#}");
    let list = ["-s", &addresses, "nodes", "list", "--request-timeout", "1000", "--ignore-node"];
    let hung = restatectl(&[&list[..], &[&hanging]].concat()).expect(5).err;
    assert!(hung.contains("until its process has ended"), "{hung}");
    cluster.kill_node(2);
    restatectl(&[&list[..], &[&hanging]].concat()).expect(0);
    let responding = restatectl(&[&list[..], &[&running]].concat()).expect(5).err;
    assert!(responding.contains("cannot be skipped with --ignore-node"), "{responding}");

    // Without the admin node and the quorum.
    cluster.kill_node(0);
    let alone = status(5, &[]);
    for words in [
        &format!("{admin} (node-1, "),
        "has no quorum: 1 of 3 metadata servers responding",
        &format!("the partitions are not known: no admin node responds: {admin}"),
    ] {
        assert!(reasons(&alone).contains(words), "{words}: {alone:#}");
    }
    assert_eq!(alone["partitions"], Json::Null);
    cluster.kill_node(1);
    assert_eq!(status(6, &[])["error"]["code"], "source-unavailable");
}

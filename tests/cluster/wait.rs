//! `wait`: through stops, restarts and a crash, with time-outs and signals.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::full_port::FullPort;
use crate::support::ports::Port;
use crate::support::pseudo_terminal::send_signal;
use crate::support::restate::{Cluster, Mode};
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, wait_for_exit};

/// Starts a wait that goes on while the test does something else.
fn start_wait(address: &str, words: &[&str]) -> Child {
    let args = [&["-s", address, "wait", "--for"], words].concat();
    let mut command = command(&program(), &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Starts a wait, and returns the lines that it prints on standard error.
fn start_watched_wait(address: &str, words: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut child = start_wait(address, words);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, lines)
}

fn run_wait(address: &str, words: &[&str]) -> Run {
    restatectl(&[&["-s", address, "wait", "-o", "json", "--for"], words].concat())
}

#[test]
fn wait_ends_when_the_cluster_has_come_to_where_it_should() {
    let mut cluster = Cluster::single(2);
    let address = cluster.address();
    let backup = cluster.folder.path().join("nodes.jsonl").display().to_string();
    restatectl(&["-s", &address, "metadata", "backup", "--to", &backup]).expect(0);
    run_wait(&address, &["running"]).expect(0);

    // It runs, and a node that is suspended still accepts connections.
    cluster.signal_node(0, "STOP");
    let running = run_wait(&address, &["stopped", "--from", &backup, "--timeout", "3s"]);
    let document = running.expect(5).json();
    assert_eq!(document["error"]["code"], "not-ready");
    assert!(document["reasons"][0].as_str().unwrap().ends_with("accepts connections"));
    let hints = document["error"]["hints"].to_string();
    assert!(hints.contains("SIGKILL") && !hints.contains("start each node"), "{hints}");
    cluster.signal_node(0, "CONT");

    let (stopping, mut lines) = start_watched_wait(&address, &["stopped"]);
    // It has asked for the nodes once it says what it waits for.
    assert!(lines.any(|line| line.unwrap().contains("accepts connections")));
    cluster.stop();
    let stopped = wait_for_exit(stopping).expect(0);
    assert!(stopped.out.contains("✅ stopped"), "{}", stopped.out);
    assert!(!lines.any(|line| line.unwrap().contains("accepts connections")));
    // Afterwards nobody can be asked which nodes there are.
    let unknown = run_wait(&address, &["stopped"]).expect(6).json();
    assert!(unknown["error"]["hints"].to_string().contains("--from"), "{unknown:#}");
    run_wait(&address, &["stopped", "--from", &backup]).expect(0);
    let one_look = ["stopped", "--from", &backup, "--stable-for", "0s", "--timeout", "5s"];
    run_wait(&address, &one_look).expect(0);

    let migrating = start_wait(&address, &["migration-mode"]);
    cluster.restart(&Mode::Migration);
    wait_for_exit(migrating).expect(0);

    // A node that is started twice.
    let starting = start_wait(&address, &["running"]);
    cluster.restart_node(0, &Mode::Normal);
    cluster.kill_node(0);
    cluster.restart(&Mode::Normal);
    wait_for_exit(starting).expect(0);
    let document = restatectl(&["-s", &address, "status", "-o", "json"]).expect(0).json();
    assert_eq!(document["nodes"][0]["generation"], cluster.generations()["node-1"]);

    wait_in_vain(&address);
}

/// Waits for what does not come: gently, until the time is over or a signal comes.
fn wait_in_vain(address: &str) {
    let line = ["-v", "-s", address, "wait", "--for", "migration-mode", "--timeout", "6s"];
    let run = restatectl(&line).expect(5);
    let requests = run.err.lines().filter(|line| line.contains("node http")).count();
    assert!((1..=2 * 6 + 4).contains(&requests), "{requests} requests in 6 s\n{}", run.err);
    let shown = run.err.matches("waiting for migration-mode: N1").count();
    assert_eq!(shown, 1, "{}", run.err);
    let (waiting, mut lines) = start_watched_wait(address, &["migration-mode"]);
    assert!(lines.any(|line| line.unwrap().contains("waiting for migration-mode")));
    send_signal(waiting.id(), "INT");
    wait_for_exit(waiting).expect(130);
}

#[test]
fn node_that_times_out_has_not_stopped() {
    let (etcd, silent, gone) = (Etcd::start(), FullPort::on_any_port(), Port::free());
    let node = |id: u32, address: String| {
        json!([id, {"Node": {"name": format!("node-{id}"), "address": address, "roles": ["worker"],
            "current_generation": [id, 1]}}])
    };
    let nodes = json!({"version": 1, "cluster_name": "demo", "cluster_fingerprint": 7, "nodes": [
        node(1, format!("http://{}", silent.address)),
        node(2, format!("http://127.0.0.1:{}", gone.number)),
    ]});
    etcd.put("nodes_config", format!("\x05{nodes}"));
    etcd.put("nodes_config::version", 1_u32.to_le_bytes());
    let stopped = ["stopped", "--from", &etcd.toml(), "--connect-timeout", "300"];
    let document =
        run_wait("http://a", &[&stopped[..], &["--timeout", "5s"]].concat()).expect(5).json();
    let reasons = document["reasons"].to_string();
    assert!(reasons.contains("N1 (node-1, ") && reasons.contains("no response"), "{reasons}");
    assert!(!reasons.contains("N2"), "{reasons}");
    run_wait("http://a", &[&stopped[..], &["--ignore-node", "N1"]].concat()).expect(0);
    assert_eq!(run_wait("http://a", &[&stopped[..], &["--ignore-node", "N3"]].concat()).code, 2);
}

#[test]
fn backup_that_can_not_be_read_leaves_it_open_which_nodes_are_to_stop() {
    let folder = TempDir::new().unwrap();
    let cut = write_file(&folder, "nodes.jsonl", "{\"restatectl_backup\":1}\n{\"key\":");
    for option in ["--from", "--toml"] {
        let document = run_wait("http://a", &["stopped", option, &cut]).expect(6).json();
        assert_eq!(document["error"]["code"], "source-unavailable");
        assert!(document["error"]["message"].as_str().unwrap().contains("cannot know which nodes"));
        assert!(document["error"]["hints"].to_string().contains("--from"), "{document:#}");
    }
}

//! Foreign names and messages in every column, line and question: a terminal obeys nothing of them.

use serde_json::json;
use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::hostile_node::{GET, HostileNode, OddAnswer, STATUS};
use crate::support::hostile_text::{
    HOSTILE, HOSTILE_CLUSTER, assert_harmless, escape_toml, run_everywhere, run_on_dumb_terminal,
};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::restate::Cluster;
use crate::support::s3::moto;
use crate::support::small_backup::write_small_backup;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, run};

/// Writes a backup in which all that can have a hostile name has one. Its file has one, too.
fn write_backup(folder: &TempDir, fingerprint: u64) -> String {
    let file = folder.path().join(format!("{fingerprint}{HOSTILE}"));
    write_small_backup(&file, HOSTILE, fingerprint);
    file.to_str().unwrap().to_owned()
}

#[test]
fn hostile_names_steer_no_terminal_in_any_command() {
    let (folder, table) = (TempDir::new().unwrap(), create_table());
    let (source, other) = (write_backup(&folder, 7), write_backup(&folder, 8));
    let toml = folder.path().join(format!("toml{HOSTILE}"));
    std::fs::write(&toml, table.section(&escape_toml(HOSTILE))).unwrap();
    let (toml, backups) = (toml.to_str().unwrap(), folder.path().to_str().unwrap());
    // No server has such a role, or such a location.
    let accept = ["--accept-finding", "value-malformed"];
    let from = |source| {
        let stores = ["metadata", "migrate", "--from", source, "--toml", toml];
        [&stores[..], &["--backup-dir", backups], &accept].concat()
    };

    // Written once, and then again: next steps, and all kinds of conflicts.
    let done = run_on_dumb_terminal(&from(&source), "").expect(0);
    assert_harmless(&done.out);
    assert!(done.out.contains("Metadata migration completed"), "{}", done.out);
    run_everywhere(&from(&source), 5);
    for command in ["list -o json", "list -vv --table-style borders"] {
        let words: Vec<_> = command.split(' ').chain(["--from", toml]).collect();
        run_everywhere(&[&["metadata"], &words[..]].concat(), 0);
    }
    run_everywhere(&["metadata", "get", "-k", HOSTILE, "--from", toml], 0);
    run_everywhere(&["metadata", "get", "-k", "absent\u{1b}[2J\nFORGED", "--from", toml], 3);
    run_everywhere(&["metadata", "verify", "--from", &other, "--toml", toml], 4);
    run_everywhere(&["metadata", "verify", "--from", &other, "--toml", toml, "--changes"], 4);
    run_everywhere(&["metadata", "check", "--from", toml], 5);
    run_everywhere(&["metadata", "describe", "--from", toml], 0);
    let patch = format!("[{}]", json!({"op": "add", "path": "/x", "value": HOSTILE}));
    for key in ["nodes_config", HOSTILE] {
        run_everywhere(&["metadata", "patch", "-k", key, "-p", &patch, "--from", toml, "-n"], 0);
    }
    let document = write_file(&folder, "document.json", r#"{"a": "\u001b[2J\nFORGED\u202e"}"#);
    let put = ["metadata", "put", "-k", HOSTILE, &document, "--from", toml, "--version", "9"];
    run_everywhere(&put, 5);

    // JSON has the true names.
    let listing = restatectl(&["metadata", "list", "--from", toml, "-o", "json"]).expect(0).json();
    assert_eq!(listing["cluster"]["name"], HOSTILE);
    assert!(listing["keys"].as_array().unwrap().iter().any(|key| key["key"] == HOSTILE));

    // The hint is a word that a shell reads back as the name.
    let refused = run_everywhere(&[&from(&other)[..], &["--force"]].concat(), 5);
    let (_, word) = refused.err.split_once("add --force --overwrite-cluster ").unwrap();
    let mut bash = command("bash".as_ref(), &["-c", &format!("printf %s {}", word.trim_end())]);
    bash.env("LC_ALL", "C.UTF-8");
    assert_eq!(run(bash, "").out, HOSTILE);

    // The question before anything is lost, and the next steps with their way back.
    let force = [&from(&other)[..], &["--force", "--overwrite-cluster", HOSTILE]].concat();
    let asked = run_on_dumb_terminal(&force, "n\n").expect(5);
    assert!(asked.out.contains("Replace it? [y/N]"), "{}", asked.out);
    assert!(asked.out.contains(r"(cluster x\nFORGED \u{1b}[2J"), "{}", asked.out);
    assert_harmless(&asked.out);
    let done = run_on_dumb_terminal(&force, "y\n").expect(0);
    assert!(done.out.contains("To undo this migration instead"), "{}", done.out);
    assert_harmless(&done.out);
}

#[test]
fn hostile_messages_of_servers_steer_no_terminal() {
    let (folder, table) = (TempDir::new().unwrap(), create_table());
    let proxy = HttpProxy::start(&table.server.endpoint);
    let toml = write_file(&folder, "table.toml", &table.section_at(&proxy.endpoint(), "p"));
    let list = ["metadata", "list", "--from", &toml, "-v", "--request-timeout", "5000"];
    for (status, code, exit) in
        [(400, "AccessDeniedException", 6), (400, HOSTILE, 1), (418, "Odd", 1)]
    {
        // Of a message only the first line is shown.
        let message = HOSTILE.replace('\n', " ");
        let body = json!({"__type": code, "message": message}).to_string();
        for operation in ["DescribeTable", "Scan", "BatchGetItem"] {
            proxy.inject("POST", operation, 99, HttpFault::Json(status, body.clone()));
        }
        let shown = run_everywhere(&list, exit);
        assert!(shown.err.contains("FORGED"), "{shown:#?}");
        proxy.clear_faults();
    }
    let bucket = moto().bucket();
    let proxy = HttpProxy::start(&bucket.s3.endpoint);
    let section = bucket.section_at(&proxy.endpoint(), "p%E2%80%AEtxt%C2%85");
    let toml = write_file(&folder, "s3.toml", &section);
    let list = ["metadata", "list", "--from", &toml, "-v", "--request-timeout", "5000"];
    run_everywhere(&list, 0);
    let message = "x\n\tFORGED\u{85}\u{9b}2J\u{202e}txt";
    let body =
        format!("<Error><Code>AccessDenied{message}</Code><Message>{message}</Message></Error>");
    proxy.inject("GET", "", 99, HttpFault::Json(403, body));
    run_everywhere(&list, 6);
}

#[test]
fn hostile_names_of_a_live_cluster_and_messages_of_its_nodes_steer_no_terminal() {
    let cluster = Cluster::start_named(HOSTILE_CLUSTER);
    let (address, etcd) = (cluster.address(), Etcd::start());
    let migrate =
        ["-s", &address, "metadata", "migrate", "--toml", &etcd.toml(), "--dry-run", "-v"];
    let run = run_everywhere(&migrate, 0);
    assert!(run.err.contains(r"x\nFORGED \u{1b}[2J"), "{}", run.err);
    let rules = [GET, STATUS].map(|call| (call, OddAnswer::Refusal(HOSTILE.to_owned())));
    let node = HostileNode::start(&address, rules.into());
    let list = ["-S", &node.address(), "metadata", "list", "-v", "--request-timeout", "5000"];
    let run = run_everywhere(&list, 6);
    assert!(run.err.contains(r"x\nFORGED \u{1b}[2J"), "{}", run.err);
}

#[test]
fn hostile_words_of_a_command_line_are_quoted_visibly() {
    for args in [
        &[HOSTILE][..],
        &["metadata", HOSTILE],
        &["metadata", "list", "--output", HOSTILE],
        &["metadata", "list", "--from", HOSTILE],
        &["metadata", "list", HOSTILE],
        &["metadata", "list", "--request-timeout", HOSTILE],
        &["metadata", "migrate", "--toml", "t", "--ignore-node", HOSTILE],
        &["metadata", "put", "-k", "rule_book", HOSTILE],
        &["metadata", "patch", "-k", "rule_book", "-p", HOSTILE],
        &[&format!("--{HOSTILE}")],
        &[&format!("-o={HOSTILE}"), "metadata", "list"],
    ] {
        run_everywhere(args, 2);
    }
    for args in [&["-s", HOSTILE][..], &["--tls-ca", HOSTILE, "-s", "https://127.0.0.1:1"]] {
        let args = [args, &["metadata", "list"]].concat();
        run_everywhere(&args, restatectl(&args).code);
    }
}

#[test]
fn stored_bytes_are_written_to_a_terminal_only_if_they_are_text() {
    let folder = TempDir::new().unwrap();
    let source = write_backup(&folder, 7);
    let get = ["metadata", "get", "-k", "nodes_config", "--from", &source, "--raw"];
    let refused = run_on_dumb_terminal(&get, "").expect(2);
    assert_harmless(&refused.out);
    assert!(refused.out.contains("redirect standard output to a file"), "{}", refused.out);
    let raw = command(&program(), &get).output().unwrap();
    assert!(raw.status.success() && raw.stdout.first() == Some(&2), "{raw:?}");
}

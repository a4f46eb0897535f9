//! `-v`: one line for each request, with its store, keys and time.

use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::moto;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, run};

/// Returns the lines of requests to the store without the leading time and the trailing milliseconds.
fn request_lines(run: &Run, store: &str) -> Vec<String> {
    let lines = run.err.lines().filter(|line| line.contains(&format!(" UTC {store}: ")));
    lines
        .map(|line| {
            let (time, rest) = line.split_once(" UTC ").unwrap_or_else(|| panic!("{line}"));
            assert_eq!(time.len(), "2026-11-24 18:22:17.691".len(), "{line}");
            let what = rest.trim_start().strip_prefix(&format!("{store}: ")).unwrap();
            let ended = what.split(", failed: ").next().unwrap();
            let (what, took) = ended.rsplit_once(": ").unwrap();
            let took = took.strip_suffix(" ms").unwrap();
            assert!(took.parse::<f64>().unwrap() < 60_000.0, "{line}");
            what.to_owned()
        })
        .collect()
}

#[track_caller]
fn assert_requests(run: &Run, store: &str, wanted: &[&str]) {
    let printed = request_lines(run, store);
    for wanted in wanted {
        assert!(printed.iter().any(|line| line == wanted), "{wanted}: {printed:#?}\n{}", run.err);
    }
}

#[test]
fn verbose_lists_the_requests_of_each_store() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let at = cluster.address();
    let (etcd, bucket, table, folder) =
        (Etcd::start(), moto().bucket(), create_table(), TempDir::new().unwrap());
    let run = |words: &[&str]| {
        let run = restatectl(&[&["-v", "-s", &at, "metadata"], words].concat()).expect(0);
        let is_plain = |c: char| !c.is_control() || c == '\n';
        assert!(run.err.chars().all(is_plain) && run.out.chars().all(is_plain), "{run:?}");
        run
    };
    let node = format!("node {at}");
    let listed = run(&["list"]);
    assert_requests(&listed, &node, &["cached nodes_config", "metadata server's status"]);
    assert_requests(&listed, &node, &["as leader, get nodes_config", "as leader, get pp_epoch_1"]);
    let toml = write_file(&folder, "etcd.toml", &etcd.section());
    let moved = run(&["migrate", "--toml", &toml]);
    let name = format!("etcd http://{}", etcd.address());
    assert_requests(&moved, &name, &["list from nodes_config", "probe a write of nodes_config"]);
    assert_requests(
        &moved,
        &name,
        &[
            "write 5 keys, bifrost_config to nodes_config",
            "read 5 keys, nodes_config to pp_epoch_1",
        ],
    );
    let toml = write_file(&folder, "s3.toml", &bucket.section("p"));
    let moved = run(&["migrate", "--toml", &toml]);
    let name = format!("object-store s3://{}/p at {}", bucket.name, bucket.s3.endpoint);
    let wanted = ["ListObjectsV2 below p/", "PutObject p/nodes_config", "GetObject p/nodes_config"];
    assert_requests(&moved, &name, &wanted);
    let toml = write_file(&folder, "dynamo.toml", &table.section("p"));
    let moved = run(&["migrate", "--toml", &toml]);
    let endpoint = &table.server.endpoint;
    let name = format!("dynamo-db table {} key-prefix p in us-east-1 at {endpoint}", table.name);
    let scan = format!("Scan of {}", table.name);
    assert_requests(
        &moved,
        &name,
        &["DescribeTable", &scan, "TransactWriteItems 5 keys, bifrost_config to nodes_config"],
    );
    assert_requests(&moved, &name, &["BatchGetItem 5 keys, pnodes_config to ppp_epoch_1"]);
    let file = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    let saved = run(&["backup", "--to", &file]);
    assert_requests(
        &saved,
        &format!("backup {file}"),
        &["write 5 keys, nodes_config to pp_epoch_1"],
    );
    let read = run(&["list", "--from", &file]);
    assert_requests(&read, &format!("backup {file}"), &["read 5 keys, nodes_config to pp_epoch_1"]);
}

#[test]
fn verbose_shows_the_failure_and_the_requested_time_format() {
    let args = ["-v", "-s", "http://127.0.0.1:1", "metadata", "list", "--time-format"];
    for (format, sign) in [("human", " UTC "), ("iso8601", "Z "), ("rfc2822", " +0000 ")] {
        let run = restatectl(&[&args[..], &[format]].concat()).expect(6);
        let line = run.err.lines().next().unwrap();
        assert!(line.contains(sign), "{line}");
        let what = " node http://127.0.0.1:1: cached nodes_config: ";
        assert!(line.contains(what) && line.ends_with("ms, failed: connection refused"), "{line}");
    }
}

#[test]
fn rust_log_takes_precedence_and_quiet_prints_only_data_and_errors() {
    let etcd = Etcd::start();
    let folder = TempDir::new().unwrap();
    let toml = write_file(&folder, "etcd.toml", &etcd.section());
    let list = ["metadata", "list", "--from", &toml];
    let mut filtered = command(&program(), &list);
    filtered.env("RUST_LOG", "restatectl=debug");
    let said = run(filtered, "").expect(0).err;
    assert!(said.contains("DEBUG restatectl::backends::request: etcd http://"), "{said}");
    let quiet = restatectl(&[&["-q", "-v", "-o", "json"], &list[..]].concat()).expect(0);
    assert_eq!(quiet.err, "");
    assert!(!quiet.out.is_empty());
    let plain = restatectl(&list).expect(0);
    assert_eq!(plain.err.lines().count(), 2, "{}", plain.err);
}

//! `--report`: the document in a file after success, failure and interruption.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{Cluster, Mode};
use crate::support::schema;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

fn read_report(path: &str) -> Json {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let document = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    schema::check(&document);
    document
}

#[test]
fn report_is_written_after_success_failure_and_signal() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let report = folder.path().join("report.json").to_str().unwrap().to_owned();
    let migrate = |toml: &str, more: &[&str]| {
        let address = cluster.address();
        let args = ["-s", &address, "metadata", "migrate", "--toml", toml, "--report", &report];
        [&args, more].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };

    // Interrupted in the midst of its writes.
    let proxy = HoldingProxy::start(&etcd.address(), "pp_epoch_0::version");
    let held = write_file(&folder, "held.toml", &etcd_section(&[proxy.address()]));
    let mut interrupted = command(&program(), &migrate(&held, &[]));
    let child = interrupted.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let run = wait_for_exit(child).expect(130);
    assert!(run.err.contains("interrupted by SIGINT"), "{}", run.err);
    let document = read_report(&report);
    assert_eq!(document["outcome"], "interrupted");
    assert_eq!(document["error"]["code"], "interrupted");
    drop(proxy);

    // In text, the report is the document; with -o json, both are the same.
    let run = restatectl(&migrate(&etcd.toml(), &["--resume"])).expect(0);
    assert!(run.out.contains("Metadata migration completed"), "{}", run.out);
    assert_eq!(read_report(&report)["outcome"], "migrated");
    let run = restatectl(&migrate(&etcd.toml(), &["-o", "json"])).expect(5);
    assert_eq!(run.json()["error"]["code"], "target-keys-exist");
    assert_eq!(read_report(&report), run.json());

    // Of verify, in agreement, in difference, and where nothing answers.
    let verify = |more: &[&str]| {
        let toml = etcd.toml();
        restatectl(&[&["metadata", "verify", "--toml", &toml, "--report", &report], more].concat())
    };
    let cluster_at = ["-s", &cluster.address()];
    verify(&cluster_at).expect(0);
    assert_eq!(read_report(&report)["equal"], true);
    etcd.put("pp_epoch_1", "\u{5}{}");
    verify(&cluster_at).expect(4);
    assert_eq!(read_report(&report)["error"]["code"], "verification-failed");
    let nowhere = ["-s", "http://127.0.0.1:1", "--request-timeout", "300"];
    verify(&nowhere).expect(6);
    assert_eq!(read_report(&report)["error"]["code"], "source-unavailable");
    // Also where nobody reads standard output any more, or it is full.
    let args = ["metadata", "verify", "--toml", &etcd.toml(), "--report", &report, "-o", "json"];
    let mut full = command(&program(), &[&args[..], &cluster_at].concat());
    let child = full.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
    wait_for_exit(child.stderr(Stdio::piped()).spawn().unwrap()).expect(4);
    assert_eq!(read_report(&report)["equal"], false);
}

#[test]
fn unwritable_report_path_is_refused_before_the_run() {
    let folder = TempDir::new().unwrap();
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&["127.0.0.1:1".to_owned()]));
    let before = fs::read(&toml).unwrap();
    for (path, words) in [
        ("/nowhere/report.json", "No such file or directory"),
        (folder.path().to_str().unwrap(), "it is a directory"),
        (&toml, "it exists and is not a report"),
    ] {
        for command in ["migrate", "verify"] {
            let args = ["metadata", command, "--toml", &toml, "--report", path, "-o", "json"];
            let error = restatectl(&args).expect(2).json()["error"].clone();
            assert_eq!(error["code"], "usage");
            assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        }
    }
    assert_eq!(fs::read(Path::new(&toml)).unwrap(), before);
}

//! `migrate --backup`: the source in a file, as it was copied.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{FINGERPRINT, generate_cluster, generate_snapshot, save_generated};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::privileges::without_privileges;
use crate::support::restate::Cluster;
use crate::support::small_disk::SmallDisk;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, run, wait_for_exit};

/// Returns the version of a key in a store that an argument names.
fn version_of(store: &str, key: &str) -> u64 {
    let listing = restatectl(&["metadata", "list", "--from", store, "-o", "json"]).expect(0).json();
    let rows = listing["keys"].as_array().unwrap();
    rows.iter().find(|row| row["key"] == key).unwrap()["version"].as_u64().unwrap()
}

#[test]
fn file_holds_what_was_copied_last_and_the_next_steps_use_it() {
    let cluster = Cluster::ready_to_migrate(2);
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, report, address) = (path("kept.jsonl"), path("report.json"), cluster.address());
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&[proxy.address()]));
    let args =
        ["-s", &address, "metadata", "migrate", "--toml", &toml, "--backup", &file, "-o", "json"];
    let spawn = |args: &[&str]| {
        let mut command = command(&program(), args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let planned = restatectl(&[&args[..], &["--dry-run"]].concat()).expect(0).json();
    assert!(planned["source_backup"].is_null());
    assert!(!fs::exists(&file).unwrap());

    let child = spawn(&args);
    proxy.wait_until_holding();
    assert!(etcd.content().is_empty());
    assert_eq!(version_of(&file, "rule_book"), 1);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    cluster.set_rule("scope2/*", 7);
    proxy.release();
    let document = wait_for_exit(child).expect(0).json();
    assert_eq!(document["source_backup"], file.as_str());
    assert_eq!(version_of(&file, "rule_book"), 2);
    let steps = document["next_steps"].as_array().unwrap();
    let with_file =
        |step: &&serde_json::Value| step.as_str().unwrap().contains(&format!("--from {file}"));
    assert_eq!(steps.iter().filter(with_file).count(), 1, "{document}");
    restatectl(&["metadata", "verify", "--from", &file, "--toml", &toml]).expect(0);

    // A run that is killed leaves its file. A source that moved since replaces it only where that run's report
    // says whose it is.
    etcd.clear();
    fs::remove_file(&file).unwrap();
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    write_file(&folder, "etcd.toml", &etcd_section(&[proxy.address()]));
    let mut child = spawn(&[&args[..], &["--report", &report]].concat());
    proxy.wait_until_holding();
    child.kill().unwrap();
    child.wait().unwrap();
    proxy.discard();
    etcd.clear();
    let resume = [&args[..], &["--resume"]].concat();
    restatectl(&[&resume[..], &["--dry-run"]].concat()).expect(0);
    cluster.set_rule("scope3/*", 9);
    let refused = restatectl(&resume).expect(5).json();
    assert_eq!(refused["error"]["code"], "backup-failed");
    assert_eq!(version_of(&file, "rule_book"), 2);
    assert!(etcd.content().is_empty());
    // Not even then, if it is something else now.
    let kept = fs::read(&file).unwrap();
    fs::write(&file, "theirs").unwrap();
    let with_report = [&resume[..], &["--report", &report]].concat();
    let refused = restatectl(&with_report).expect(5).json();
    assert_eq!(refused["error"]["code"], "backup-failed");
    assert_eq!(fs::read(&file).unwrap(), b"theirs");
    fs::write(&file, kept).unwrap();
    let resumed = restatectl(&with_report).expect(0).json();
    assert_eq!(resumed["source_backup"], file.as_str());
    assert_eq!(version_of(&file, "rule_book"), 3);
}

#[test]
fn file_that_is_taken_or_can_not_be_written_refuses_before_the_first_write() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let source = save_generated(&folder, &generate_snapshot(5));
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("taken"), "theirs").unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o555)).unwrap();
    let path = |name: &str| other.join(name).to_str().unwrap().to_owned();
    let toml = etcd.toml();
    let migrate = |file: &str, more: &[&str]| {
        let args = ["metadata", "migrate", "--from", &source, "--toml", &toml, "-o", "json"];
        [&args[..], &["--backup", file], more]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    for (file, words) in [
        (path("taken"), "the file exists already"),
        (path("new.jsonl"), "Permission denied"),
        (path("absent/new.jsonl"), "No such file or directory"),
        (path(""), "it is a directory"),
        ("/dev/null".to_owned(), "it is a character device"),
    ] {
        for more in [&[][..], &["--dry-run"], &["--resume"]] {
            let refused = run(without_privileges(&migrate(&file, more)), "").expect(5).json();
            assert_eq!(refused["error"]["code"], "backup-failed");
            assert_eq!(refused["ready"], false);
            let message = refused["error"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{message}");
        }
    }
    assert_eq!(restatectl(&migrate("-", &[])).expect(2).json()["error"]["code"], "usage");
    assert!(etcd.content().is_empty());
    assert_eq!(fs::read(other.join("taken")).unwrap(), b"theirs");

    let disk = SmallDisk::new("16k");
    let words = migrate(&disk.path("new.jsonl"), &[]);
    let full = disk.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let refused = run(full, "").expect(5).json();
    assert_eq!(refused["error"]["code"], "backup-failed");
    assert!(disk.list_left().is_empty());
    assert!(etcd.content().is_empty());

    // A file that holds exactly the source is as good as a new one.
    let before = fs::read(&source).unwrap();
    let document = restatectl(&migrate(&source, &[])).expect(0).json();
    assert_eq!(document["source_backup"], source.as_str());
    assert_eq!(fs::read(&source).unwrap(), before);
}

#[test]
fn file_of_a_run_that_came_to_its_end_is_never_replaced() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let source = save_generated(&folder, &generate_snapshot(5));
    let (toml, kept, report) = (etcd.toml(), path("kept.jsonl"), path("report.json"));
    let args = ["metadata", "migrate", "--from", &source, "--toml", &toml, "-o", "json"];
    let options = ["--backup", &kept, "--report", &report, "--backup-dir", &path("")];
    let migrate = |more: &[&str]| restatectl(&[&args[..], &options, more].concat());
    let document = migrate(&[]).expect(0).json();
    let saved = fs::read(&kept).unwrap();
    assert!(document["source_backup_sha256"].is_string());

    // Another night: the source has moved on.
    fs::remove_file(&source).unwrap();
    assert_eq!(save_generated(&folder, &generate_cluster(7, FINGERPRINT, 2)), source);
    let resume = ["--resume", "--force", "-y"];
    for _ in 0..2 {
        let refused = migrate(&resume).expect(5).json();
        assert_eq!(refused["error"]["code"], "backup-failed");
        assert_eq!(fs::read(&kept).unwrap(), saved);
        // What the refused run has left in the report does not change that.
        assert!(refused["source_backup_sha256"].is_null());
    }

    // Of a run that did not come to its end, it is replaced while it is what that run has written.
    let mut interrupted: serde_json::Value = document.clone();
    interrupted["outcome"] = "interrupted".into();
    let text = format!("{interrupted:#}\n");
    fs::write(&report, &text).unwrap();
    fs::write(&kept, [&saved[..], b"\n"].concat()).unwrap();
    assert_eq!(migrate(&resume).expect(5).json()["error"]["code"], "backup-failed");
    fs::write(&kept, &saved).unwrap();
    fs::write(&report, &text).unwrap();
    let resumed = migrate(&resume).expect(0).json();
    assert_eq!(resumed["source_backup"], kept.as_str());
    assert_ne!(resumed["source_backup_sha256"], document["source_backup_sha256"]);
    assert_ne!(fs::read(&kept).unwrap(), saved);
}

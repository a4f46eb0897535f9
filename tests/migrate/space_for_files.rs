//! The space of report and backup: taken before the first write, so that a full disk or a closed folder
//! leaves the target as it was, and a disk that fills up later costs nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::privileges::without_privileges;
use crate::support::schema;
use crate::support::small_disk::SmallDisk;
use crate::support::store_toml::write_file;
use crate::support::tool::{run, wait_for_exit};

fn parse(document: &[u8]) -> Json {
    let document = serde_json::from_slice(document).unwrap();
    schema::check(&document);
    document
}

fn write_states(document: &Json) -> Vec<&str> {
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| key["write_state"].as_str().unwrap()).collect()
}

#[test]
fn space_of_report_and_backup_is_taken_before_the_first_write() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let source = save_generated(&folder, &generate_snapshot(20));
    let migrate = |toml: &str, more: &[&str]| {
        let args = ["metadata", "migrate", "--from", &source, "--toml", toml, "-o", "json"];
        [&args, more].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let on_disk = |disk: &SmallDisk, args: &[String]| {
        disk.command(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };

    // The first documents of the report find room, and the final one might not.
    let disk = SmallDisk::new("48k");
    let report = disk.path("report.json");
    let args = migrate(&etcd.toml(), &["--report", &report]);
    let refused = run(on_disk(&disk, &args), "").expect(5).json();
    assert_eq!(refused["error"]["code"], "backup-failed");
    let message = refused["error"]["message"].as_str().unwrap();
    for words in ["nothing was written: ", &report, " KiB in all: No space left on device"] {
        assert!(message.contains(words), "{message}");
    }
    assert!(etcd.content().is_empty());
    assert_eq!(parse(&disk.read_left("report.json"))["outcome"], "refused");
    assert_eq!(disk.list_left(), ["report.json"]);

    // A disk that fills up amid the writes.
    let disk = SmallDisk::new("1m");
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let held = write_file(&folder, "held.toml", &etcd_section(&[proxy.address()]));
    let mut command = on_disk(&disk, &migrate(&held, &["--report", &disk.path("report.json")]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    let interim = parse(&disk.read(&child, "report.json"));
    assert_eq!(interim["outcome"], "interrupted");
    assert_eq!(interim["error"]["code"], "interrupted");
    assert_eq!(write_states(&interim), ["unknown"; 25]);
    disk.fill(&child);
    proxy.release();
    let document = wait_for_exit(child).expect(0).json();
    assert_eq!(parse(&disk.read_left("report.json")), document);
    assert_eq!(write_states(&document), ["written"; 25]);
    assert_eq!(disk.list_left(), ["filler", "report.json"]);

    // A backup that can't be saved.
    etcd.put("pp_epoch_1", "other");
    let content = etcd.content();
    let disk = SmallDisk::new("16k");
    let force = |folder: &str| migrate(&etcd.toml(), &["--force", "-y", "--backup-dir", folder]);
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    let dry_run = [force(closed.to_str().unwrap()), vec!["--dry-run".to_owned()]].concat();
    for (command, words) in [
        (on_disk(&disk, &force(&disk.path(""))), "No space left on device"),
        (without_privileges(&force(closed.to_str().unwrap())), "Permission denied"),
        (without_privileges(&dry_run), "Permission denied"),
    ] {
        let error = run(command, "").expect(5).json()["error"].clone();
        assert_eq!(error["code"], "backup-failed");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    assert!(disk.list_left().is_empty());
    assert_eq!(etcd.content(), content);
}

//! What `undo` refuses: nothing is written then.

use std::fs;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::ports::Port;
use crate::support::tool::Run;

use super::fixture::{UndoFixture, keys_with};

/// Asserts how a run was refused, and that its message has these words.
#[track_caller]
fn assert_refused(run: Run, exit: i32, code: &str, words: &str) -> serde_json::Value {
    let document = run.expect(exit).json();
    assert_eq!(document["error"]["code"], code, "{document}");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
    document
}

#[test]
fn target_that_changed_since_is_left_as_it_is() {
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let (large, small) = (fixture.source(20), fixture.source(12));
    fixture.migrate(&small, &toml, &[]).expect(0);
    fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0);
    let whole = etcd.content();
    let restore = |key: &str| {
        for key in [key.to_owned(), format!("{key}::version")] {
            match whole.get(&key) {
                Some(value) => etcd.put(&key, value.clone()),
                None => etcd.delete(&key),
            }
        }
    };
    for (key, value) in [
        ("rule_book", &whole["pp_epoch_1"]),
        ("pp_epoch_19", &b"\x05{}".to_vec()),
        ("pp_epoch_3", &b"".to_vec()),
        ("nodes_config", &b"\x05{\"version\":1}".to_vec()),
    ] {
        etcd.put(key, value.clone());
        let found = etcd.content();
        for more in [&[][..], &["--dry-run"]] {
            let document = assert_refused(fixture.undo(&toml, more), 5, "target-changed", key);
            assert_eq!(document["outcome"], "refused");
            assert_eq!(keys_with(&document, "conflict"), [key]);
        }
        assert_eq!(etcd.content(), found);
        restore(key);
    }
    // The version alone.
    etcd.put("pp_epoch_2::version", 77_u32.to_le_bytes());
    assert_refused(fixture.undo(&toml, &[]), 5, "target-changed", "pp_epoch_2 is at version 77");
    restore("pp_epoch_2");
    // A key that the run did not write stays.
    etcd.put("pp_epoch_30", b"\x05{\"version\":1}");
    etcd.put("pp_epoch_30::version", 1_u32.to_le_bytes());
    let document = fixture.undo(&toml, &[]).expect(0).json();
    assert!(keys_with(&document, "keep").contains(&"pp_epoch_30".to_owned()), "{document}");
    assert!(etcd.content().contains_key("pp_epoch_30"));
    // A nodes_config that came since, where the run had written none that is left.
    etcd.clear();
    etcd.put("nodes_config", b"\x05{\"version\":9}");
    etcd.put("nodes_config::version", 9_u32.to_le_bytes());
    assert_refused(fixture.undo(&toml, &[]), 5, "target-changed", "nodes_config");
}

#[test]
fn wrong_arguments_are_named_before_anything_is_written() {
    let (etcd, other, fixture) = (Etcd::start(), Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let (large, small) = (fixture.source(8), fixture.source(6));
    fixture.migrate(&small, &toml, &[]).expect(0);
    fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0);
    let (whole, report) = (etcd.content(), fixture.report());
    let good = fs::read(&report).unwrap();
    let refused = |args: &[&str], words: &str| {
        let args = [&["metadata", "undo", "-y", "-o", "json"], args].concat();
        assert_refused(fixture.run(&args), 2, "usage", words);
    };
    let elsewhere = fixture.toml("other.toml", &other.section());
    let live = "[metadata-client]\ntype = \"replicated\"\naddresses = [\"http://127.0.0.1:1\"]\n";
    let live = fixture.toml("replicated.toml", live);
    refused(&["--report", "report.json", "--toml", &elsewhere], "is the report of a run to etcd ");
    refused(&["--report", "report.json", "--toml", &live], "the target is a running cluster");
    refused(&["--report", "report.json", "--toml", &small], "is a backup file");
    refused(&["--report", &toml, "--toml", &toml], "is not a report of `migrate`");
    refused(&["--report", "absent.json", "--toml", &toml], "failed to read absent.json");
    refused(&["--report", "/dev/zero", "--toml", &toml], "it is too large for a report");
    refused(&["--report", "-", "--toml", "-"], "only one of --report and --toml");
    let verify = ["metadata", "verify", "--from", &large, "--toml", &toml, "--report", "v.json"];
    fixture.run(&verify).expect(0);
    refused(&["--report", "v.json", "--toml", &toml], "is not a report of `migrate`");
    fs::write(&report, &good[..good.len() / 2]).unwrap();
    refused(&["--report", "report.json", "--toml", &toml], "EOF while parsing");
    fs::write(&report, &good).unwrap();

    // The backup of the run is gone, or damaged, or another.
    let document = fixture.read_report();
    let backup = fixture.folder.path().join(document["backup"].as_str().unwrap());
    let saved = fs::read(&backup).unwrap();
    let hidden = fixture.folder.path().join("hidden");
    fs::create_dir(&hidden).unwrap();
    let moved = hidden.join(backup.file_name().unwrap());
    fs::rename(&backup, &moved).unwrap();
    refused(&["--report", "report.json", "--toml", &toml], "the backup file of the run");
    fs::write(&backup, &saved[..saved.len() - 10]).unwrap();
    assert_refused(fixture.undo(&toml, &[]), 5, "backup-damaged", "is a damaged backup");
    fs::copy(&small, &backup).unwrap();
    refused(&["--report", "report.json", "--toml", &toml], "it was made of nowhere");
    fs::remove_file(&backup).unwrap();
    let unasked = fixture.run(&[
        "metadata",
        "undo",
        "--report",
        "report.json",
        "--toml",
        &toml,
        "--backup-dir",
        "hidden",
        "-o",
        "json",
    ]);
    assert_refused(unasked, 5, "target-keys-exist", "there is no terminal to ask");
    let nowhere = ["--backup-dir", "/proc/nowhere"];
    fs::rename(&moved, &backup).unwrap();
    assert_refused(fixture.undo(&toml, &nowhere), 5, "backup-failed", "/proc/nowhere");
    assert_eq!(etcd.content(), whole);
    fs::rename(&backup, &moved).unwrap();
    fixture.undo(&toml, &["--backup-dir", "hidden"]).expect(0);
}

#[test]
fn run_that_wrote_nothing_needs_no_undo() {
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let source = fixture.source(3);
    etcd.put("rule_book", "x");
    fixture.migrate(&source, &toml, &[]).expect(5);
    assert_eq!(fixture.undo(&toml, &[]).expect(0).json()["outcome"], "undone");
    fixture.migrate("absent.toml", &toml, &[]).expect(2);
    let run = fixture.run(&["metadata", "undo", "--report", "report.json", "--toml", &toml]);
    assert!(run.expect(0).out.starts_with("✅ Nothing to take back"));
    assert_eq!(etcd.content().len(), 1);

    // One that found a whole copy there, and wrote nothing.
    etcd.clear();
    fixture.migrate(&source, &toml, &[]).expect(0);
    let whole = etcd.content();
    for more in [&[][..], &["--dry-run"], &["--resume", "--dry-run"]] {
        fs::remove_file(fixture.report()).unwrap();
        fixture.migrate(&source, &toml, more);
        let document = fixture.undo(&toml, &[]).expect(0).json();
        assert_eq!(keys_with(&document, "keep").len(), 8);
        assert_eq!(etcd.content(), whole);
    }
}

#[test]
fn run_that_wrote_nothing_to_a_target_that_is_down_needs_no_undo() {
    let (gone, fixture) = (Port::free(), UndoFixture::new());
    let section = etcd_section(&[format!("127.0.0.1:{}", gone.number)]);
    let toml = fixture.toml("target.toml", &section);
    fixture.migrate(&fixture.source(3), &toml, &[]).expect(6);
    for (more, outcome) in [(&["--dry-run"][..], "planned"), (&[], "undone")] {
        let document = fixture.undo(&toml, more).expect(0).json();
        assert_eq!(document["outcome"], outcome, "{document}");
    }
}

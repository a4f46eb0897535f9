//! Several runs with one report: at the same time, or one after the other.

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::tool::wait_for_exit;

use super::fixture::{UndoFixture, keys_with, migrate_words, undo_words};

#[test]
fn report_of_a_slow_run_has_what_another_wrote_in_the_meantime() {
    let (source, etcd, fixture) = (Etcd::start(), Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let from = fixture.toml("source.toml", &source.section());
    fixture.migrate(&fixture.source(3), &from, &[]).expect(0);
    std::fs::remove_file(fixture.report()).unwrap();

    // Both are called alike, and only the slow one reads its source through the proxy.
    let proxy = HoldingProxy::start(&source.address(), "rule_book");
    fixture.toml("source.toml", &etcd_section(&[proxy.address()]));
    let words = [&migrate_words(&from, &toml)[..], &["--resume", "-o", "json"]].concat();
    let slow = fixture.spawn(&words);
    proxy.wait_until_holding();
    fixture.toml("source.toml", &source.section());
    fixture.run(&words).expect(0);
    proxy.release();
    let document = wait_for_exit(slow).expect(0).json();
    assert_eq!(document, fixture.read_report());
    assert_eq!(keys_with(&document, "create").len(), 8);
    let rows = document["keys"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["write_state"] == "written"), "{document}");
    let undone = fixture.undo(&toml, &[]).expect(0).json();
    assert!(undone["kept_report"].is_null(), "{undone}");
    assert!(etcd.content().is_empty());
}

#[test]
fn undo_names_the_kept_report_by_which_there_is_more_to_take_back() {
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    fixture.migrate(&fixture.source(3), &toml, &[]).expect(0);
    // The source has changed: what the second run replaces is not what it resumes.
    fixture.migrate(&fixture.source(5), &toml, &["--resume", "--force", "-y"]).expect(0);
    let by = |report: &str, more: &[&str]| {
        let words = ["metadata", "undo", "--report", report, "--toml", &toml, "-y"];
        fixture.run(&[&words[..], more].concat()).expect(0)
    };
    let next = "run this again with --report report.json.1\n";
    let planned = by("report.json", &["--dry-run"]);
    assert!(planned.out.contains(next), "{}", planned.out);
    let undone = fixture.undo(&toml, &[]).expect(0).json();
    assert_eq!(undone["kept_report"], "report.json.1");
    // Also where that undo has nothing to do any more.
    let again = by("report.json", &[]);
    assert!(again.out.contains(next), "{}", again.out);
    assert!(!etcd.content().is_empty());
    let last = by("report.json.1", &["-o", "json"]).json();
    assert!(last["kept_report"].is_null() && etcd.content().is_empty(), "{last}");
}

#[test]
fn target_that_was_emptied_after_an_overwriting_run_is_left_empty() {
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let (old, new) = (fixture.source(3), fixture.source(5));
    fixture.migrate(&old, &toml, &[]).expect(0);
    std::fs::remove_file(fixture.report()).unwrap();
    fixture.migrate(&new, &toml, &["--force", "-y"]).expect(0);
    let before = std::fs::read(fixture.report()).unwrap();
    etcd.clear();
    let resumed = fixture.migrate(&new, &toml, &["--resume"]).expect(0);
    assert!(resumed.err.contains("it is kept as report.json.1"), "{}", resumed.err);
    assert_eq!(std::fs::read(fixture.folder.path().join("report.json.1")).unwrap(), before);
    let report = fixture.read_report();
    assert_eq!((keys_with(&report, "create").len(), &report["backup"]), (10, &().into()));
    let undone = fixture.run(&undo_words(&toml)).expect(0).json();
    assert_eq!(keys_with(&undone, "restore"), Vec::<String>::new());
    assert!(undone["kept_report"].is_null() && etcd.content().is_empty(), "{undone}");
}

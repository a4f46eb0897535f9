//! Several runs with one report, one after the other.

use crate::support::etcd::Etcd;

use super::fixture::{UndoFixture, keys_with, undo_words};

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

//! Several runs with one report, one after the other.

use crate::support::etcd::Etcd;

use super::fixture::UndoFixture;

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

//! Reports whose names other runs use again: none that lists written keys is lost.

use std::fs;

use crate::support::etcd::Etcd;
use crate::support::tool::Run;

use super::fixture::{UndoFixture, read_digests};

/// Takes back what this report lists.
fn undo_by(fixture: &UndoFixture, report: &str, toml: &str) -> Run {
    fixture.run(&["metadata", "undo", "--report", report, "--toml", toml, "-y", "-o", "json"])
}

#[test]
fn report_of_another_run_is_kept_for_its_undo() {
    let (etcd, other, fixture) = (Etcd::start(), Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let elsewhere = fixture.toml("other.toml", &other.section());
    let (small, large) = (fixture.source(3), fixture.source(5));
    let kept = |number: u32| fixture.folder.path().join(format!("report.json.{number}"));
    let assert_kept = |run: &Run, number: u32| {
        let words = format!("report.json.{number}, by which `metadata undo` takes them back");
        assert!(run.err.contains(&words), "{words} is not in\n{}", run.err);
    };

    // A run to another target.
    fixture.migrate(&small, &toml, &[]).expect(0);
    let first = fs::read(fixture.report()).unwrap();
    // One that is refused before that keeps the keys, and does not say that they are elsewhere.
    let misnamed = fixture.toml("misnamed.toml", "[metadata-client]\ntype = \"etd\"\n");
    fixture.migrate(&small, &misnamed, &[]).expect(2);
    fixture.undo(&toml, &["--dry-run"]).expect(0);
    fs::write(fixture.report(), &first).unwrap();
    assert_kept(&fixture.migrate(&large, &elsewhere, &[]).expect(0), 1);
    assert_eq!(fs::read(kept(1)).unwrap(), first);

    // `verify`, which has no keys of its own that could be taken back.
    let verify = ["metadata", "verify", "--from", &large, "--toml", &elsewhere];
    assert_kept(&fixture.run(&[&verify[..], &["--report", "report.json"]].concat()).expect(0), 2);
    let refused = fixture.undo(&elsewhere, &[]).expect(2).json();
    let hints = refused["error"]["hints"].to_string();
    assert!(hints.contains("is kept as report.json.2"), "{hints}");
    undo_by(&fixture, "report.json.2", &elsewhere).expect(0);
    assert!(other.content().is_empty());

    // A run to the same target keeps the keys while it writes nothing, and begins anew with its first write.
    fs::write(fixture.report(), &first).unwrap();
    fixture.migrate(&large, &toml, &[]).expect(5);
    fixture.migrate(&large, &toml, &["--force", "--dry-run"]).expect(0);
    assert!(!kept(3).exists());
    fixture.undo(&toml, &["--dry-run"]).expect(0);
    let copied = read_digests(&fixture, &toml);
    assert_kept(&fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0), 3);
    assert_ne!(read_digests(&fixture, &toml), copied);
    // Night after night, each is taken back by its own report.
    undo_by(&fixture, "report.json", &toml).expect(0);
    assert_eq!(read_digests(&fixture, &toml), copied);
    undo_by(&fixture, "report.json.3", &toml).expect(0);
    assert!(etcd.content().is_empty());

    // One that this version can't read.
    let text = String::from_utf8(first).unwrap();
    let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_ne!(text, newer);
    fs::write(fixture.report(), &newer).unwrap();
    assert_kept(&fixture.migrate(&small, &toml, &[]).expect(0), 4);
    assert_eq!(fs::read_to_string(kept(4)).unwrap(), newer);
}

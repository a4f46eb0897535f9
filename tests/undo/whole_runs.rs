//! Runs that ended well, taken back: the target is as it was before.

use crate::support::dynamo::create_table;
use crate::support::etcd::{Etcd, EtcdProgram};
use crate::support::s3::seaweed;
use crate::support::terminal::run_on_terminal;

use super::fixture::{UndoFixture, keys_with, read_digests};

/// Takes back a copy into an empty store, then one that has replaced, created and deleted keys.
fn take_back_runs(section: &str) {
    let fixture = UndoFixture::new();
    let toml = fixture.toml("target.toml", section);
    let (large, small) = (fixture.source(20), fixture.source(12));
    let undone = |actions: [usize; 3]| {
        let planned = fixture.undo(&toml, &["--dry-run"]).expect(0).json();
        assert_eq!(planned["outcome"], "planned");
        let before = read_digests(&fixture, &toml);
        let document = fixture.undo(&toml, &[]).expect(0).json();
        assert_eq!(document["outcome"], "undone");
        assert_eq!(keys_with(&document, "conflict"), Vec::<String>::new());
        for (action, count) in ["delete", "restore", "keep"].into_iter().zip(actions) {
            assert_eq!(keys_with(&document, action), keys_with(&planned, action));
            assert_eq!(keys_with(&document, action).len(), count, "{action}: {document}");
        }
        // What was there is saved.
        let saved = fixture.folder.path().join(document["backup"].as_str().unwrap());
        assert_eq!(read_digests(&fixture, saved.to_str().unwrap()), before);
        // There is nothing to do twice.
        let again = fixture.undo(&toml, &[]).expect(0).json();
        assert_eq!((&again["outcome"], &again["backup"]), (&"undone".into(), &().into()));
    };

    let run = fixture.migrate(&large, &toml, &[]).expect(0);
    assert!(run.out.contains("metadata undo --report report.json --toml "), "{}", run.out);
    undone([25, 0, 0]);
    assert!(read_digests(&fixture, &toml).is_empty());

    for (first, second, actions) in [(&large, &small, [0, 10, 15]), (&small, &large, [8, 2, 15])] {
        fixture.migrate(first, &toml, &["--resume", "--force", "-y"]).expect(0);
        let before = read_digests(&fixture, &toml);
        fixture.migrate(second, &toml, &["--force", "-y"]).expect(0);
        assert_ne!(read_digests(&fixture, &toml), before);
        undone(actions);
        assert_eq!(read_digests(&fixture, &toml), before);
    }
}

#[test]
fn whole_runs_to_etcd_are_taken_back() {
    let etcd = Etcd::start();
    etcd.put("somebody-else", "foreign");
    take_back_runs(&etcd.section());
    assert_eq!(etcd.content()["somebody-else"], b"foreign");
}

#[test]
fn whole_runs_to_s3_are_taken_back() {
    take_back_runs(&seaweed().bucket().section("undo"));
}

#[test]
fn whole_runs_to_dynamo_db_are_taken_back() {
    take_back_runs(&create_table().section("undo/"));
}

#[test]
fn copy_in_a_full_etcd_is_taken_back() {
    for program in EtcdProgram::ALL {
        let etcd = Etcd::start_program(program, &["--quota-backend-bytes", "2000000"]);
        let fixture = UndoFixture::new();
        let toml = fixture.toml("target.toml", &etcd.section());
        fixture.migrate(&fixture.source(5), &toml, &[]).expect(0);
        while etcd.try_put("filler", vec![0; 400_000]) {}
        assert!(etcd.has_alarm());
        let before = etcd.content();
        let run = fixture.undo(&toml, &[]);
        if run.code != 0 {
            // Where its database has come to the quota, it accepts no transaction at all.
            let document = run.expect(5).json();
            assert_eq!(document["error"]["code"], "target-full");
            assert_eq!((&document["outcome"], etcd.content()), (&"refused".into(), before));
            etcd.make_room("filler");
            fixture.undo(&toml, &[]).expect(0);
        }
        assert!(!etcd.content().contains_key("nodes_config"), "{program:?}");
    }
}

#[test]
fn keys_that_the_run_skipped_stay_and_damaged_ones_are_named() {
    let (etcd, fixture) = (Etcd::start(), UndoFixture::new());
    let toml = fixture.toml("target.toml", &etcd.section());
    let source = fixture.source(3);
    fixture.migrate(&source, &toml, &[]).expect(0);
    for key in ["nodes_config", "pp_epoch_1"] {
        etcd.delete(key);
        etcd.delete(&format!("{key}::version"));
    }
    let before = etcd.content();
    let report = fixture.report();
    // Of another night: without its report, this run has found six keys.
    std::fs::remove_file(&report).unwrap();
    fixture.migrate(&source, &toml, &["--resume"]).expect(0);
    let document = fixture.undo(&toml, &[]).expect(0).json();
    assert_eq!(keys_with(&document, "delete"), ["nodes_config", "pp_epoch_1"]);
    assert_eq!(keys_with(&document, "keep").len(), 6);
    assert_eq!(etcd.content(), before);

    // A damaged key that --force has replaced can't be put back.
    std::fs::remove_file(&report).unwrap();
    etcd.put("pp_epoch_1", "half");
    let options = ["--force", "-y", "--overwrite-cluster", "unknown"];
    fixture.migrate(&source, &toml, &options).expect(0);
    let whole = etcd.content();
    let folder = fixture.folder.path().to_str().unwrap();
    let words = [
        "metadata",
        "undo",
        "--report",
        report.to_str().unwrap(),
        "--toml",
        &toml,
        "--backup-dir",
        folder,
    ];
    let (shown, code) = run_on_terminal(&words.map(ToOwned::to_owned), "n\n");
    assert_eq!((code, etcd.content()), (5, whole));
    for words in [
        "undo takes back from etcd ",
        " - 2 keys deleted: nodes_config, pp_epoch_1",
        "WARNING: 1 key damaged before the run, and can't be put back",
        &format!("all that the target holds is first saved to a file in {folder}"),
        "Take it back? [y/N]",
        "this was not confirmed",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(etcd.content(), before);
}

//! Reports in files: what is replaced, what is kept, and what a run that is killed leaves.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn failed(message: &str) -> Outcome {
    let failure = Some(Failure::new(Code::Internal, message));
    Outcome { failure, ..Outcome::default() }
}

#[test]
fn create_replaces_only_a_report_and_only_its_owner_can_read_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    for message in ["a long message of the first run", "short"] {
        let report = ReportFile::create(&path).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains(UNFINISHED));
        report.write(&json::render(&failed(message)).out, false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), json::render(&failed(message)).out);
    }
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(&path, "[metadata-client]").unwrap();
    let refused = ReportFile::create(&path).err().unwrap();
    assert!(refused.message.contains("is not a report"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"[metadata-client]");
    fs::write(&path, "").unwrap();
    assert!(ReportFile::create(&path).is_ok());
    assert!(ReportFile::create(folder.path()).is_err());
    assert!(ReportFile::create(Path::new("-")).is_err());
}

#[test]
fn keys_of_the_run_before_stay_until_this_one_has_its_own() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    let row = |state: &str| serde_json::json!({"key": "a\u{9b}b", "write_state": state});
    for (state, stays) in [("unknown", true), ("written", true), ("not_written", false)] {
        let earlier = serde_json::json!({"format": 1, "outcome": "migrated", "keys": [row(state)],
            "verified": true, "next_steps": ["Restart"]});
        let earlier = format!("{earlier:#}\n");
        fs::write(&path, &earlier).unwrap();
        let report = ReportFile::create(&path).unwrap();
        assert_eq!(report.earlier_document().as_deref(), Some(earlier.as_bytes()));
        let first = fs::read_to_string(&path).unwrap();
        assert!(first.contains(UNFINISHED) && !first.contains('\u{9b}'), "{first}");
        let first: serde_json::Value = serde_json::from_str(&first).unwrap();
        let kept = first.get("keys").and_then(|keys| keys.get(0)).cloned();
        assert_eq!(kept, stays.then(|| row(state)));
        let outcome = stays.then(|| serde_json::Value::from("interrupted"));
        assert_eq!(first.get("outcome").cloned(), outcome);
    }
}

#[test]
fn report_that_lists_written_keys_is_kept_unless_it_is_continued() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    let row = serde_json::json!({"key": "rule_book", "write_state": "written"});
    let earlier = serde_json::json!({"format": 1, "outcome": "migrated", "keys": [row],
        "next_steps": []});
    let earlier = format!("{earlier:#}\n").into_bytes();
    let kept = |number: u32| folder.path().join(format!("report.json.{number}"));
    let open = || {
        fs::write(&path, &earlier).unwrap();
        ReportFile::create(&path).unwrap()
    };
    let document = json::render(&failed("done")).out;
    open().write(&document, true).unwrap();
    assert!(!kept(1).exists());
    fs::write(kept(1), "theirs").unwrap();
    for _ in 0..2 {
        let report = open();
        let warning = report.keep_earlier().unwrap().unwrap();
        assert!(warning.contains("report.json.2, by which"), "{warning}");
        assert_eq!(report.keep_earlier().unwrap(), None);
        report.write(&document, false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), document);
    }
    assert_eq!(fs::read(kept(1)).unwrap(), b"theirs");
    assert_eq!(fs::read(kept(2)).unwrap(), earlier);
    fs::remove_file(kept(2)).unwrap();
    // A command that does not care loses nothing either.
    open().write(&document, false).unwrap();
    assert_eq!(fs::read(kept(2)).unwrap(), earlier);
    assert!(!kept(3).exists());
    fs::write(kept(2), "another").unwrap();
    let report = open();
    (3..=999).for_each(|number| fs::write(kept(number), "").unwrap());
    assert!(report.keep_earlier().is_err());
    assert!(report.write(&document, false).is_err());
    assert_ne!(fs::read(&path).unwrap(), document);
}

#[test]
fn what_another_run_has_written_in_the_meantime_is_read_again_or_kept() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    let kept = folder.path().join("report.json.1");
    let row = serde_json::json!({"key": "rule_book", "write_state": "written"});
    let theirs = serde_json::json!({"format": 1, "outcome": "migrated", "keys": [row],
        "next_steps": []});
    let theirs = format!("{theirs:#}\n").into_bytes();
    let own = json::render(&failed("done")).out;
    for is_reread in [true, false] {
        let (slow, fast) = (ReportFile::create(&path).unwrap(), ReportFile::create(&path).unwrap());
        assert!(!slow.reread_earlier().unwrap());
        fast.save_interim(&failed("planned")).unwrap();
        assert!(!slow.reread_earlier().unwrap());
        assert_eq!(fast.write(&theirs, false).unwrap(), None);
        if is_reread {
            assert!(slow.reread_earlier().unwrap());
            assert_eq!(slow.earlier_document().as_deref(), Some(&*theirs));
            assert!(!slow.reread_earlier().unwrap());
            assert_eq!(slow.clone().write(&own, true).unwrap(), None);
            assert!(!kept.exists());
        } else {
            let warning = slow.write(&own, true).unwrap().unwrap();
            assert!(warning.contains("it is kept as ") && warning.contains("report.json.1"));
            assert_eq!(fs::read(&kept).unwrap(), theirs);
        }
        assert_eq!(fs::read(&path).unwrap(), own);
    }
    // Not even the plan of the slow one replaces it, or what is no report.
    fs::remove_file(&kept).unwrap();
    let slow = ReportFile::create(&path).unwrap();
    fs::write(&path, &theirs).unwrap();
    slow.save_interim(&failed("planned")).unwrap();
    assert_eq!(fs::read(&kept).unwrap(), theirs);
    fs::write(&path, "notes").unwrap();
    assert!(slow.write(&own, true).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"notes");
}

#[test]
fn link_stays_and_what_it_leads_to_is_the_report() {
    let folder = tempfile::TempDir::new().unwrap();
    let (link, path) = (folder.path().join("link"), folder.path().join("report.json"));
    symlink("report.json", &link).unwrap();
    for message in ["first", "second"] {
        ReportFile::create(&link)
            .unwrap()
            .write(&json::render(&failed(message)).out, false)
            .unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), json::render(&failed(message)).out);
    }
}

#[test]
fn interim_report_takes_space_that_the_end_gives_back() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    let count_files = || fs::read_dir(folder.path()).unwrap().count();
    let report = ReportFile::create(&path).unwrap();
    report.save_interim(&failed("planned")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), json::render(&failed("planned")).out);
    assert_eq!(count_files(), 2);
    // Another round of writes takes it anew.
    report.clone().save_interim(&failed("planned again")).unwrap();
    assert_eq!(count_files(), 2);
    let abandoned = report.clone();
    report.write(&json::render(&failed("done")).out, false).unwrap();
    assert!(abandoned.save_interim(&failed("late")).is_err());
    assert_eq!(fs::read(&path).unwrap(), json::render(&failed("done")).out);
    assert_eq!(count_files(), 1);
}

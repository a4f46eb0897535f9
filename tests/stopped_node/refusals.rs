//! Folders that must not be read, and places where a folder can't be named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::process::Process;
use crate::support::tool::{assert_refused, command, program, restatectl, run};
use crate::support::{project, wait_for};

/// Returns what shows that a folder is as it was: its files with their sizes and times.
fn list_files(folder: &str) -> BTreeSet<(PathBuf, u64, SystemTime)> {
    let store = Path::new(folder).join("node-1/replicated-metadata-server");
    let files = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let metadata = path.metadata().unwrap();
            (path, metadata.len(), metadata.modified().unwrap())
        })
        .collect()
}

fn sample() -> String {
    project().join("tests/stopped_node/sample").to_str().unwrap().to_owned()
}

#[test]
fn folder_can_not_be_written() {
    let (folder, at) = (sample(), "http://127.0.0.1:1");
    let words: &[&str] = &["folders are only read"];
    let document = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&document, "{}").unwrap();
    let document = document.path().to_str().unwrap();
    let cases: [&[&str]; 3] = [
        &["metadata", "patch", "--from", &folder, "-k", "rule_book", "-p", "[]"],
        &["metadata", "put", "--from", &folder, "-k", "rule_book", document],
        &["-s", at, "metadata", "migrate", "--toml", &folder],
    ];
    for case in cases {
        assert_refused(case, 2, "usage", words);
    }
    assert_refused(&["status", "--on", &folder], 2, "usage", &["no cluster runs on a folder"]);
}

#[test]
fn folder_without_a_store_is_not_taken_for_one() {
    let folder = project().join("tests/stopped_node").to_str().unwrap().to_owned();
    let list = ["metadata", "list", "--from", folder.as_str()];
    let words: &[&str] = &["holds no store of a metadata server", "replicated-metadata-server"];
    assert_refused(&list, 2, "config-invalid", words);
}

#[test]
fn same_folder_is_not_compared_with_itself() {
    let folder = sample();
    let verify = ["metadata", "verify", "--from", &folder, "--toml", &folder];
    assert_refused(&verify, 5, "same-store", &["name the same store"]);
    // Under another name, and one backup file.
    let links = tempfile::TempDir::new().unwrap();
    let path = |name: &str| links.path().join(name).to_str().unwrap().to_owned();
    let (link, file) = (path("link"), path("backup.jsonl"));
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    restatectl(&["metadata", "backup", "--from", &folder, "--to", &file]).expect(0);
    for (one, other) in [(&folder, &link), (&file, &file)] {
        let verify = ["metadata", "verify", "--from", one, "--toml", other];
        assert_refused(&verify, 5, "same-store", &["name the same store"]);
    }
}

#[test]
fn damaged_folder_is_refused_with_file_and_offset() {
    let copy = tempfile::TempDir::new().unwrap();
    let store = project().join("tests/stopped_node/sample/node-1/replicated-metadata-server");
    for entry in std::fs::read_dir(store).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|end| end == "sst") {
            bytes[40] ^= 4;
        }
        std::fs::write(copy.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    let list = ["metadata", "list", "--from", copy.path().to_str().unwrap()];
    let words: &[&str] = &["000009.sst: byte 0: the checksum of the block differs"];
    assert_refused(&list, 5, "source-damaged", words);
}

#[test]
fn process_of_another_pid_namespace_is_seen_to_hold_the_folder() {
    let copy = tempfile::TempDir::new().unwrap();
    let lock = copy.path().join("LOCK");
    std::fs::write(&lock, "").unwrap();
    std::fs::write(copy.path().join("CURRENT"), "MANIFEST-000005\n").unwrap();
    let script = "import fcntl, sys, time\nheld = open(sys.argv[1], 'r+')\nfcntl.lockf(held, fcntl.LOCK_EX)\n\
                  open(sys.argv[1] + 'ED', 'w')\ntime.sleep(60)";
    let args = ["-c", script, lock.to_str().unwrap()];
    let holder = Process::start("python3".as_ref(), &args, &[], &copy.path().join("log"));
    let locked = copy.path().join("LOCKED");
    wait_for("the lock", Duration::from_secs(10), || locked.exists().then_some(()));
    let program = program();
    let list = ["metadata", "list", "--from", copy.path().to_str().unwrap()];
    let unshare = ["--pid", "--fork", "--map-root-user", program.to_str().unwrap()];
    let run = run(command("unshare".as_ref(), &[&unshare[..], &list].concat()), "").expect(5);
    let words = "is in use: a process that can't be seen from here";
    assert!(run.err.contains(words), "{}", run.err);
    drop(holder);
}

#[test]
fn sample_is_read_by_every_command_that_reads() {
    let (folder, answers) = (sample(), project().join("tests/stopped_node/sample/answers.jsonl"));
    let (answers, before) = (answers.to_str().unwrap(), list_files(&folder));
    let listed =
        restatectl(&["metadata", "list", "--from", &folder, "-o", "json"]).expect(0).json();
    assert_eq!(listed["store"]["type"], "stopped-node");
    assert_eq!(listed["complete"], true);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 8);
    let member = &listed["store"]["stopped"]["members"][0];
    assert_eq!((&member["id"], &member["name"]), (&1.into(), &"node-1".into()));
    let run = restatectl(&["metadata", "verify", "--from", &folder, "--toml", answers]).expect(0);
    assert!(run.err.contains("found N1 (node-1) at "), "{}", run.err);
    restatectl(&["metadata", "verify", "--from", answers, "--toml", &folder]).expect(0);
    for command in [&["check"][..], &["describe"], &["get", "-k", "rule_book"]] {
        restatectl(&[&["metadata"], command, &["--from", &folder]].concat()).expect(0);
    }
    let backups = tempfile::TempDir::new().unwrap();
    let file = backups.path().join("copy.jsonl");
    let file = file.to_str().unwrap();
    restatectl(&["metadata", "backup", "--from", &folder, "--to", file]).expect(0);
    restatectl(&["metadata", "verify", "--from", file, "--toml", answers]).expect(0);
    assert_eq!(list_files(&folder), before);
}

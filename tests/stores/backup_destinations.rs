//! What `backup --to` may name, and what it leaves where it fails: nothing, and never half a file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::support::etcd::etcd_section;
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::privileges::without_privileges;
use crate::support::small_disk::SmallDisk;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, restatectl, run};

fn make_fifo(path: &Path) {
    assert!(command("mkfifo".as_ref(), &[path]).status().unwrap().success());
}

fn list_names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_not_saved(run: Run, words: &str) {
    let error = run.expect(5).json()["error"].clone();
    assert_eq!(error["code"], "backup-failed");
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
}

#[test]
fn destination_is_refused_before_the_store_is_read() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&["127.0.0.1:1".to_owned()]));
    make_fifo(Path::new(&path("fifo")));
    symlink("etcd.toml", path("link")).unwrap();
    fs::create_dir(path("closed")).unwrap();
    fs::set_permissions(path("closed"), Permissions::from_mode(0o555)).unwrap();
    let before = list_names(folder.path());
    for (name, words) in [
        (toml.as_str(), "the file exists already"),
        (&path("link"), "the file exists already"),
        (&path("fifo"), "it is a FIFO, and a backup is written to a new regular file"),
        (folder.path().to_str().unwrap(), "it is a directory"),
        ("/dev/null", "it is a character device"),
        ("/dev/stdout", "it is a stream of this program"),
        (&path("absent/file"), "No such file or directory"),
        (&path("closed/file"), "Permission denied"),
    ] {
        let args = ["metadata", "backup", "--from", &toml, "--to", name, "-o", "json"];
        assert_not_saved(run(without_privileges(&args), ""), words);
    }
    assert_eq!(list_names(folder.path()), before);
    // Where it could be saved, the store is asked, and does not respond.
    let args = ["metadata", "backup", "--from", &toml, "--to", &path("new"), "-o", "json"];
    restatectl(&args).expect(6);
    assert_eq!(list_names(folder.path()), before);
}

#[test]
fn backup_is_whole_in_every_folder_that_can_be_written() {
    let folder = TempDir::new().unwrap();
    let source = save_generated(&folder, &generate_snapshot(9));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let save = |to: &str| {
        ["metadata", "backup", "--from", &source, "--to", to, "-o", "json"].map(ToOwned::to_owned)
    };
    let verify = |file: &str| {
        restatectl(&["metadata", "verify", "--from", &source, "--toml", file]).expect(0)
    };

    // A link to a name that does not exist yet leads to the file.
    symlink("later.jsonl", path("link")).unwrap();
    restatectl(&save(&path("link"))).expect(0);
    assert!(Path::new(&path("link")).is_symlink());
    verify(&path("later.jsonl"));

    // A folder that can't be opened can't be synced, which is a warning.
    fs::create_dir(path("drop")).unwrap();
    fs::set_permissions(path("drop"), Permissions::from_mode(0o300)).unwrap();
    let saved = run(without_privileges(&save(&path("drop/b.jsonl"))), "").expect(0);
    assert!(
        saved.err.contains("its folder could not be synced (Permission denied"),
        "{}",
        saved.err
    );
    fs::set_permissions(path("drop"), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(list_names(Path::new(&path("drop"))), ["b.jsonl"]);
    verify(&path("drop/b.jsonl"));
}

#[test]
fn backup_that_finds_no_space_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let source = save_generated(&folder, &generate_snapshot(50));
    let disk = SmallDisk::new("16k");
    let path = disk.path("b.jsonl");
    let args = ["metadata", "backup", "--from", &source, "--to", &path, "-o", "json"];
    assert_not_saved(run(disk.command(&args), ""), "No space left on device");
    assert!(disk.list_left().is_empty(), "{:?}", disk.list_left());

    // A limit of the shell for the size of files, whose signal is ignored.
    let file = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    let program = crate::support::tool::program();
    let script = "ulimit -f 8; exec \"$@\"";
    let args = ["metadata", "backup", "--from", &source, "--to", &file, "-o", "json"];
    let words = [&["-c", script, "sh", program.to_str().unwrap()][..], &args].concat();
    assert_not_saved(run(command("sh".as_ref(), &words), ""), "File too large");
    assert_eq!(list_names(folder.path()), ["generated.jsonl"]);
}

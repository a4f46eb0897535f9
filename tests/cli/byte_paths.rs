//! Paths of arbitrary bytes: what is named is what is read and written, and a shell reads back what is printed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use restatectl::shell::{join_words, quote_word};
use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::small_backup::write_small_backup;
use crate::support::tool::{Run, command, program, restatectl, run};

/// No text, with a byte that ends a word, and one that a terminal obeys.
const BYTES: &[u8] = b"a\xff b'\x1b";

/// A nodes_config to put.
const NODES: &str =
    r#"{"cluster_name": "worker", "cluster_fingerprint": 7, "nodes": [], "name_lookup": {}}"#;

fn byte_path(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(OsStr::from_bytes(&[BYTES, name.as_bytes()].concat()))
}

fn names_in(folder: &Path) -> BTreeSet<OsString> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Runs our program in this folder.
fn run_in(folder: &Path, args: &[&OsStr]) -> Run {
    let mut command = command(&program(), args);
    command.current_dir(folder);
    run(command, "")
}

fn run_in_bash(line: &str) -> Run {
    run(command("/bin/bash".as_ref(), &["-c", line]), "")
}

#[test]
fn every_path_is_the_one_that_was_named() {
    let (folder, table) = (TempDir::new().unwrap(), create_table());
    let path = |name: &str| byte_path(&folder, name);
    let (toml, document, saved) = (path("toml"), path("doc"), path("saved"));
    let (backups, report) = (path("backups"), path("report"));
    std::fs::write(&toml, table.section("p")).unwrap();
    std::fs::write(&document, NODES).unwrap();
    std::fs::create_dir(&backups).unwrap();
    let os = |text: &'static str| OsStr::new(text);
    let source = path("source");
    // The name is also that of a role.
    write_small_backup(&source, "worker", 7);
    let migrate = [os("metadata"), os("migrate"), os("--from"), source.as_os_str(), os("--toml")];
    let migrate = [&migrate[..], &[toml.as_os_str()]].concat();
    run_in(folder.path(), &migrate).expect(0);
    let put = [os("metadata"), os("put"), os("-k"), os("nodes_config"), document.as_os_str()];
    let into_backups = [os("--backup-dir"), backups.as_os_str(), os("-y")];
    let of_table = [os("--from"), toml.as_os_str()];
    let edited = run_in(folder.path(), &[&put[..], &of_table, &into_backups].concat()).expect(0);
    let (_, printed) = edited.err.split_once("the old value is saved to ").unwrap();
    run_in_bash(&format!("test -f {}", printed.trim_end())).expect(0);

    // A relative path, and the document of the same.
    let name = saved.file_name().unwrap();
    let backup = [os("metadata"), os("backup"), os("--to"), name];
    let text = run_in(folder.path(), &[&backup[..], &of_table].concat()).expect(0);
    assert!(text.out.contains(&format!("saved to {}:", quote_word(name))), "{}", text.out);
    let as_json = [&backup[..], &of_table, &[os("-o"), os("json")]].concat();
    std::fs::remove_file(&saved).unwrap();
    let file = run_in(folder.path(), &as_json).expect(0).json()["file"].clone();
    assert_eq!(file, quote_word(name));

    // Each command that the next steps print works.
    let more = [os("--force"), os("--overwrite-newer"), os("--report"), report.as_os_str()];
    let done = run_in(folder.path(), &[&migrate[..], &into_backups, &more].concat()).expect(0);
    let lines = done.out.lines().map(str::trim).filter(|line| line.contains(" metadata "));
    let lines: Vec<_> = lines.filter(|line| line.contains("--toml")).collect();
    assert!(lines.len() >= 3, "{}", done.out);
    for line in lines {
        let program = program();
        let first = line.split(' ').next().unwrap();
        assert_eq!(first, join_words([&program]));
        let more = match line.contains(" undo ") {
            true => format!("-y --backup-dir {}", quote_word(&backups)),
            false => String::new(),
        };
        let line = format!("cd {} && {line} {more}", quote_word(folder.path()));
        run_in_bash(&line).expect(0);
    }
    let document = std::fs::read_to_string(&report).unwrap();
    assert!(document.starts_with("{\n  \"format\": 1") && document.contains(r"$'"), "{document}");

    let expected = ["backups", "doc", "report", "saved", "source", "toml"];
    let expected: BTreeSet<_> =
        expected.iter().map(|name| path(name).file_name().unwrap().to_owned()).collect();
    assert_eq!(names_in(folder.path()), expected);
    assert!(names_in(&backups).len() >= 3);
}

#[test]
fn names_that_are_not_text_are_errors_that_show_them() {
    let bytes = OsStr::from_bytes(BYTES);
    let shown = quote_word(bytes);
    let list = ["metadata", "list"].map(OsStr::new);
    for (option, value, code, words) in [
        ("--from", bytes, 2, shown.as_str()),
        ("--key", bytes, 2, "invalid UTF-8"),
        ("--address", bytes, 2, "invalid UTF-8"),
        ("--request-timeout", bytes, 2, "invalid UTF-8"),
    ] {
        let words_of = [&list[..], &[OsStr::new(option), value]].concat();
        let args = match option {
            "--key" => [&["metadata", "get"].map(OsStr::new)[..], &words_of[2..]].concat(),
            _ => words_of,
        };
        let refused = restatectl(&args).expect(code);
        assert!(refused.err.contains(words), "{}", refused.err);
        assert!(!refused.err.contains("panicked"), "{}", refused.err);
    }
    for variable in ["RESTATECTL_TLS_CA", "RESTATECTL_TLS_CERT", "RESTATECTL_TLS_KEY"] {
        let mut command = command(&program(), &["-s", "https://127.0.0.1:1", "metadata", "list"]);
        command.env(variable, bytes);
        let refused = run(command, "");
        let is_named = refused.err.contains(&shown) || refused.err.contains("--tls-");
        assert!(refused.code != 0 && is_named, "{variable}: {}", refused.err);
    }
}

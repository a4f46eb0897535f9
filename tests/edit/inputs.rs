//! Where patches and documents come from: the command line, files of any name, standard input; and the encodings
//! of their texts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::edit::ADD_RULE_PATCH;
use crate::support::etcd::Etcd;
use crate::support::tool::{Run, assert_refused, restatectl, restatectl_with_input};

const EMPTY_RULE_BOOK: &str = r#"{"rules": {}}"#;

fn encode_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn edit(etcd: &Etcd, folder: &TempDir, words: &[&OsStr], input: &str) -> Run {
    let toml = etcd.toml();
    let backups = folder.path().to_str().unwrap();
    let options = ["-o", "json", "metadata", words[0].to_str().unwrap(), "-k", "rule_book"];
    let options = options.into_iter().chain(["--from", &toml, "--backup-dir", backups]);
    let args: Vec<&OsStr> = options.map(OsStr::new).chain(words[1..].iter().copied()).collect();
    restatectl_with_input(&args, input)
}

#[test]
fn patch_is_read_from_the_command_line_a_file_and_standard_input() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let path = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
    let at = |path: &Path| {
        let mut word = OsString::from("@");
        word.push(path);
        word
    };
    let [put, patch, p] = ["put", "patch", "-p"].map(OsStr::new);
    let run = |words: &[&OsStr], input: &str| edit(&etcd, &folder, words, input);

    // A byte order mark of UTF-8 is skipped.
    let document = path(b"document.json");
    std::fs::write(&document, format!("\u{feff}{EMPTY_RULE_BOOK}")).unwrap();
    run(&[put, document.as_os_str()], "").expect(0);
    for name in [&b"patch.json"[..], b"p\xff.json", b"@", b"-"] {
        let file = path(name);
        std::fs::write(&file, format!("\u{feff}{ADD_RULE_PATCH}")).unwrap();
        let done = run(&[patch, p, at(&file).as_os_str()], "").expect(0).json();
        assert_eq!(done["value"]["rules"]["scope2/*"]["limits"]["concurrency"], 7);
    }
    let done = run(&[patch, p, OsStr::new("-")], ADD_RULE_PATCH).expect(0).json();
    assert_eq!(done["version"], 6);
    run(&[patch, p, OsStr::new(ADD_RULE_PATCH)], "").expect(0);

    // Before the store is reached, with the reason and what to do.
    let missing = at(&path(b"missing.json"));
    let named = path(b"patch.json");
    let wide = path(b"wide.json");
    std::fs::write(&wide, encode_utf16(ADD_RULE_PATCH)).unwrap();
    for (word, input, words) in [
        (missing.as_os_str(), "", &["failed to read --patch from", "missing.json"][..]),
        (named.as_os_str(), "", &["pass --patch @", "patch.json"]),
        (at(&wide).as_os_str(), "", &["wide.json is encoded in UTF-16: save it as UTF-8"]),
        (OsStr::from_bytes(b"[\xff]"), "", &["--patch is not a JSON patch: it is not UTF-8"]),
        (OsStr::new("-"), "[", &["standard input is not a JSON patch", "line 1 column 1"]),
        (OsStr::new("-"), "[\"s3cr3t\"]", &["operation 1 needs op"]),
    ] {
        let refused = run(&[patch, p, word], input).expect(2);
        let error = refused.json()["error"].to_string();
        for part in words {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
        assert!(!refused.err.contains("s3cr3t") && !error.contains("s3cr3t"), "{error}");
    }
    let both = ["-o", "json", "metadata", "patch", "-k", "x", "-p", "-", "--from", "-"];
    let both = restatectl(&both).expect(2).json();
    assert_eq!(both["error"]["code"], "usage");
    assert!(both["error"]["message"].as_str().unwrap().contains("only one of --patch and --from"));
}

#[test]
fn texts_that_are_not_utf8_are_named_with_their_encoding() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let section = etcd.section();
    let marked = write("marked.toml", format!("\u{feff}{section}").as_bytes());
    let document = write("rules.json", EMPTY_RULE_BOOK.as_bytes());
    restatectl(&["metadata", "put", "-k", "rule_book", "--from", &marked, &document]).expect(0);

    let with_mark = |text: &str| [&[0xFF, 0xFE][..], &encode_utf16(text)].concat();
    for (name, bytes, words) in [
        ("wide.toml", encode_utf16(&section), "wide.toml is encoded in UTF-16: save it as UTF-8"),
        ("mark.toml", with_mark(&section), "mark.toml is encoded in UTF-16"),
        (
            "latin.toml",
            [section.as_bytes(), b"# caf\xE9\n"].concat(),
            "latin.toml is not UTF-8 text: line 4 has the byte 0xE9",
        ),
    ] {
        let path = write(name, &bytes);
        assert_refused(&["metadata", "list", "--from", &path], 2, "config-invalid", &[words]);
    }
    let wide = write("wide.json", &encode_utf16(EMPTY_RULE_BOOK));
    let put = ["metadata", "put", "-k", "rule_book", "--from", &etcd.toml(), &wide];
    assert_refused(&put, 2, "usage", &["wide.json is encoded in UTF-16"]);
}

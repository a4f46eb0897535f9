//! What `--report` may name: links, FIFOs, the streams of the program, full disks and closed folders.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::privileges::without_privileges;
use crate::support::schema;
use crate::support::small_disk::SmallDisk;
use crate::support::tool::{Run, command, program, restatectl, run};

/// Two files that are compared, which needs no server.
struct ReportFixture {
    folder: TempDir,
    file: String,
    copy: String,
}

impl ReportFixture {
    fn new() -> ReportFixture {
        let folder = TempDir::new().unwrap();
        let file = save_generated(&folder, &generate_snapshot(3));
        let copy = folder.path().join("copy.jsonl").to_str().unwrap().to_owned();
        fs::copy(&file, &copy).unwrap();
        ReportFixture { folder, file, copy }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn verify<'a>(&'a self, report: &'a str) -> [&'a str; 8] {
        ["metadata", "verify", "--from", &self.file, "--toml", &self.copy, "--report", report]
    }

    /// Runs a line of the shell; `$@` is our command with this report.
    fn run_in_shell(&self, line: &str, report: &str) -> Run {
        let (args, program) = (self.verify(report), program());
        let words = [&["-c", line, "bash", program.to_str().unwrap()][..], &args].concat();
        let mut shell = command("bash".as_ref(), &words);
        shell.current_dir(self.folder.path());
        run(shell, "").expect(0)
    }
}

/// Reads the document at the beginning of the text, and returns what comes after it.
fn split_document(text: &str) -> &str {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    let document = documents.next().unwrap_or_else(|| panic!("no document: {text}")).unwrap();
    let rest = documents.byte_offset();
    schema::check(&document);
    assert_eq!(document["equal"], true);
    &text[rest..]
}

fn read_report(path: &str) {
    split_document(&fs::read_to_string(path).unwrap());
}

#[test]
fn report_through_a_link_leaves_the_link() {
    let fixture = ReportFixture::new();
    let (link, file) = (fixture.path("link"), fixture.path("report.json"));
    symlink("report.json", &link).unwrap();
    // The file is created, and then replaced.
    for _ in 0..2 {
        restatectl(&fixture.verify(&link)).expect(0);
        assert!(Path::new(&link).is_symlink());
        read_report(&file);
    }
    // A link to something else than a report.
    fs::remove_file(&link).unwrap();
    symlink("generated.jsonl", &link).unwrap();
    let refused = restatectl(&fixture.verify(&link)).expect(2);
    assert!(refused.err.contains("it exists and is not a report"), "{}", refused.err);
    fs::remove_file(&link).unwrap();
    symlink("link", &link).unwrap();
    restatectl(&fixture.verify(&link)).expect(2);
}

#[test]
fn report_is_written_into_pipes_and_streams() {
    let fixture = ReportFixture::new();
    let printed =
        fixture.run_in_shell("mkfifo p; cat p > got & \"$@\"; code=$?; wait; exit $code", "p");
    read_report(&fixture.path("got"));
    assert!(printed.out.contains("same"), "{}", printed.out);
    // The program's own output comes after the report, also where both are in a file, which may have content.
    let printed = fixture.run_in_shell("\"$@\"", "/dev/stdout").out;
    assert!(split_document(&printed).contains("same"), "{printed}");
    for redirection in [">", ">>", "1<>"] {
        let line = format!("rm -f f; \"$@\" {redirection} f");
        fixture.run_in_shell(&line, "/dev/stdout");
        let text = fs::read_to_string(fixture.path("f")).unwrap();
        assert!(split_document(&text).contains("same"), "{text}");
    }
    fixture.run_in_shell("echo before > f; \"$@\" >> f", "/proc/self/fd/1");
    let text = fs::read_to_string(fixture.path("f")).unwrap();
    let text = text.strip_prefix("before\n").unwrap();
    assert!(split_document(text).contains("same"), "{text}");
    fixture.run_in_shell("\"$@\" 2> f", "/dev/stderr");
    let text = fs::read_to_string(fixture.path("f")).unwrap();
    split_document(&text[text.find('{').unwrap()..]);
    fixture.run_in_shell("\"$@\" 3> f", "/dev/fd/3");
    read_report(&fixture.path("f"));
    restatectl(&fixture.verify("/dev/null")).expect(0);
    let lost = restatectl(&fixture.verify("/dev/full")).expect(1);
    assert!(
        lost.err.contains("failed to write the report /dev/full: No space left"),
        "{}",
        lost.err
    );
}

#[test]
fn report_that_cannot_be_kept_is_refused() {
    let fixture = ReportFixture::new();
    let _socket = UnixListener::bind(fixture.path("socket")).unwrap();
    for (folder, mode) in [("closed", 0o555), ("drop", 0o300)] {
        fs::create_dir(fixture.path(folder)).unwrap();
        fs::set_permissions(fixture.path(folder), Permissions::from_mode(mode)).unwrap();
    }
    let protected = fixture.path("protected.json");
    fs::write(&protected, "{\n  \"format\": 1}").unwrap();
    fs::set_permissions(&protected, Permissions::from_mode(0o400)).unwrap();
    for (path, words) in [
        (fixture.folder.path().to_str().unwrap(), "it is a directory"),
        (&fixture.path("socket"), "it is a socket"),
        (&fixture.path("closed/report.json"), "Permission denied"),
        (&protected, "Permission denied"),
    ] {
        let refused = run(without_privileges(&fixture.verify(path)), "").expect(2);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
    // A value that was saved is no report.
    let saved = fixture.path("saved.json");
    let document = "{\n  \"format\": 1,\n  \"key\": \"rule_book\",\n  \"value\": {}\n}\n";
    fs::write(&saved, document).unwrap();
    let refused = run(command(&program(), &fixture.verify(&saved)), "").expect(2);
    assert!(refused.err.contains("it exists and is not a report"), "{}", refused.err);
    assert_eq!(fs::read_to_string(&saved).unwrap(), document);
    // A folder that can't be opened can't be synced, which is a warning.
    let path = fixture.path("drop/report.json");
    let warned = run(without_privileges(&fixture.verify(&path)), "").expect(0);
    assert!(warned.err.contains("its folder could not be synced"), "{}", warned.err);
    read_report(&path);
    // The only block has the first document, which stays.
    let disk = SmallDisk::new("4k");
    let path = disk.path("report.json");
    let lost = run(disk.command(&fixture.verify(&path)), "").expect(1);
    assert!(lost.err.contains("report.json: No space left on device"), "{}", lost.err);
    let document: Json = serde_json::from_slice(&disk.read_left("report.json")).unwrap();
    schema::check(&document);
    assert_eq!(document["error"]["code"], "interrupted");
    assert_eq!(disk.list_left(), ["report.json"]);
}

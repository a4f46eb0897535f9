//! Standard streams that are closed, full or never read: the work is done all the same, and reported.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::full_pipe::{closed_pipe, fill_pipe, full_pipe};
use crate::support::pseudo_terminal::send_signal;
use crate::support::restate::Cluster;
use crate::support::s3::{Bucket, s3s_fs};
use crate::support::saved_key::{save_one_key, save_value};
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, wait_for_exit};
use crate::support::{schema, wait_for};

/// A stream that takes little or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// Read to its end.
    Read,
    /// Its reader is gone.
    Closed,
    /// Nobody ever reads it.
    Full,
    /// A file on a full disk.
    FullDisk,
}

impl Stream {
    fn open(self) -> Stdio {
        match self {
            Stream::Read => Stdio::piped(),
            Stream::Closed => closed_pipe(),
            Stream::Full => full_pipe(),
            Stream::FullDisk => fs::File::options().write(true).open("/dev/full").unwrap().into(),
        }
    }
}

/// A cluster in migration mode, and a bucket with a new prefix for each run.
struct Stores {
    cluster: Cluster,
    folder: TempDir,
    bucket: Bucket,
    runs: AtomicUsize,
}

impl Stores {
    /// Returns a migration to a new place, and its report.
    fn migrate(&self, verbosity: &str) -> (Command, String) {
        let run = format!("run-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let toml = write_file(&self.folder, &format!("{run}.toml"), &self.bucket.section(&run));
        let report = self.folder.path().join(format!("{run}.json")).to_str().unwrap().to_owned();
        let at = self.cluster.address();
        let mut args = vec!["-s", &at, "metadata", "migrate", "--toml", &toml, "--report", &report];
        args.extend((!verbosity.is_empty()).then_some(verbosity));
        (command(&program(), &args), report)
    }
}

fn read_report(path: &str) -> Option<Json> {
    let document: Json = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    schema::check(&document);
    Some(document).filter(|document| document["outcome"] == "migrated")
}

#[test]
fn migration_is_done_and_reported_whatever_becomes_of_its_streams() {
    let stores = Stores {
        cluster: Cluster::ready_to_migrate(2),
        folder: TempDir::new().unwrap(),
        bucket: s3s_fs().bucket(),
        runs: AtomicUsize::new(0),
    };
    let pairs = [
        (Stream::Closed, Stream::Closed, 0),
        (Stream::Closed, Stream::Read, 0),
        (Stream::Read, Stream::Closed, 0),
        (Stream::Read, Stream::FullDisk, 0),
        (Stream::FullDisk, Stream::Read, 1),
        (Stream::Read, Stream::Full, 143),
        (Stream::Full, Stream::Read, 143),
        (Stream::Full, Stream::Full, 143),
    ];
    std::thread::scope(|scope| {
        for verbosity in ["-q", "", "-v", "-vv"] {
            let (stores, pairs) = (&stores, &pairs);
            scope.spawn(move || {
                for (out, err, code) in pairs {
                    assert_migrated(stores, verbosity, (*out, *err), *code);
                }
            });
        }
    });
}

fn assert_migrated(stores: &Stores, verbosity: &str, (out, err): (Stream, Stream), code: i32) {
    let (mut command, report) = stores.migrate(verbosity);
    let child = command.stdout(out.open()).stderr(err.open()).spawn().unwrap();
    let case = format!("{out:?}, {err:?}, {verbosity}");
    let id = child.id();
    wait_for(&case, Duration::from_secs(30), || read_report(&report));
    let is_full = out == Stream::Full || err == Stream::Full;
    // Nothing is printed to standard error with -q.
    let is_silent = out == Stream::Read && verbosity == "-q";
    if is_full && !is_silent {
        send_signal(id, "TERM");
    }
    let run = wait_for_exit(child).expect(if is_silent { 0 } else { code });
    assert_output(&run, out, err, &case);
}

/// Asserts that each stream that is read has what belongs there.
fn assert_output(run: &Run, out: Stream, err: Stream, case: &str) {
    assert!(!run.err.contains("panicked"), "{case}: {}", run.err);
    if out == Stream::Read {
        assert!(run.out.contains("Metadata migration completed"), "{case}: {}", run.out);
    }
    if out == Stream::FullDisk && err == Stream::Read {
        let lost = "failed to write to standard output: No space left on device";
        assert!(run.err.contains(lost), "{case}: {}", run.err);
        assert!(run.err.contains("the migration itself is complete"), "{case}: {}", run.err);
    }
}

#[test]
fn reading_command_ends_quietly_without_a_reader_and_reports_a_full_disk() {
    let script = restatectl(&["completions", "zsh"]).expect(0).out;
    for (out, code) in [(Stream::Closed, 0), (Stream::FullDisk, 1)] {
        let mut line = command(&program(), &["completions", "zsh"]);
        let child = line.stdout(out.open()).stderr(Stdio::piped()).spawn().unwrap();
        let run = wait_for_exit(child).expect(code);
        assert_eq!(run.err.is_empty(), code == 0, "{}", run.err);
        assert!(!run.err.contains("itself is complete"), "{}", run.err);
    }
    assert!(script.len() > 4096);
}

#[test]
fn output_of_any_length_is_complete_in_a_pipe_that_refuses_to_wait() {
    let folder = TempDir::new().unwrap();
    for length in [100, 4096, 4200, 5000, 5200, 9000] {
        let value = "x".repeat(length);
        let saved = save_value(&folder, &format!("{length}.jsonl"), &value);
        let (mut reader, writer) = std::io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
        rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
        let args = ["metadata", "get", "-k", "rule_book", "--raw", "--from", &saved];
        let mut line = command(&program(), &args);
        let child = line.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        drop(line);
        std::thread::sleep(Duration::from_millis(300));
        let mut read = String::new();
        std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
        wait_for_exit(child).expect(0);
        assert!(read == value, "{} of {length} bytes", read.len());
    }
}

#[test]
fn report_that_nobody_reads_keeps_nothing_from_the_streams() {
    let folder = TempDir::new().unwrap();
    let saved = save_one_key(&folder);
    let copy = folder.path().join("copy.jsonl").to_str().unwrap().to_owned();
    fs::copy(&saved, &copy).unwrap();
    let fifo = folder.path().join("report").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Open for reading as well, so that nothing waits for a reader, and full.
    let holder = fs::File::options().read(true).write(true).open(&fifo).unwrap();
    fill_pipe(&holder);
    let args = ["metadata", "verify", "--from", &saved, "--toml", &copy, "--report", &fifo];
    let mut line = command(&program(), &args);
    let mut child = line.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut printed = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut printed, &mut line).unwrap();
    assert!(line.starts_with("✅"), "{line}");
    send_signal(child.id(), "INT");
    let run = wait_for_exit(child).expect(130);
    let told = "interrupted by SIGINT while the output was written; the command itself had ended";
    assert!(run.err.contains(told), "{}", run.err);
}

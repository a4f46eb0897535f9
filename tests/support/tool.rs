//! Runs of the program under test and of the official one.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use super::{npm_program, project, schema, wait_for};

/// The output and the exit code of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Returns standard output as JSON; a document of ours is validated against the schema.
    #[track_caller]
    pub fn json(&self) -> Json {
        let document: Json = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON document: {error}\n{self:#?}"));
        if document.get("format").is_some() {
            schema::check(&document);
        }
        document
    }

    /// Asserts the exit code; fails with all output otherwise.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert!(
            self.code == code,
            "ended with {}, not {code}\n{}\n{}",
            self.code,
            self.out,
            self.err
        );
        self
    }
}

/// Returns the path of the program under test.
pub fn program() -> PathBuf {
    // Set for integration tests; an example lies one folder below the program.
    option_env!("CARGO_BIN_EXE_restatectl").map(PathBuf::from).unwrap_or_else(|| {
        let example = std::env::current_exe().unwrap();
        example.parent().and_then(Path::parent).unwrap().join("restatectl")
    })
}

/// Returns the path of the official program.
pub fn official_program() -> PathBuf {
    npm_program("@restatedev/restatectl-linux-x64/bin/restatectl")
}

/// Returns a command with an empty environment, in a folder of this test run, where it leaves its
/// backup files.
pub fn command(program: &Path, args: &[impl AsRef<OsStr>]) -> Command {
    let folder = project().join(format!("target/test-work/{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(program);
    command.args(args).env_clear().stdin(Stdio::null()).current_dir(folder);
    command
}

/// Runs our program.
pub fn restatectl(args: &[impl AsRef<OsStr>]) -> Run {
    run(command(&program(), args), "")
}

/// Runs our program with text and with JSON output and asserts its exit code, its error code, the
/// words of its error and the absence of a panic.
#[track_caller]
pub fn assert_refused(args: &[&str], code: i32, error: &str, words: &[&str]) -> Run {
    let text = restatectl(args).expect(code);
    for word in words {
        assert!(text.err.contains(word), "{word:?} is not in {}", text.err);
    }
    assert!(!text.err.contains("panicked"), "{}", text.err);
    let json = restatectl(&[args, &["-o", "json"]].concat()).expect(code);
    assert_eq!(json.json()["error"]["code"], error);
    text
}

/// Runs our program with text on its standard input.
pub fn restatectl_with_input(args: &[impl AsRef<OsStr>], input: &str) -> Run {
    run(command(&program(), args), input)
}

/// Runs the official program.
pub fn official(args: &[impl AsRef<OsStr>]) -> Run {
    run(command(&official_program(), args), "")
}

/// Runs the command for at most two minutes and returns its output.
pub fn run(command: Command, input: &str) -> Run {
    run_within(TIME_LIMIT, command, input)
}

const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Runs the command for at most `limit` and returns its output.
pub fn run_within(limit: Duration, mut command: Command, input: &str) -> Run {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    wait_for_exit_within(limit, child)
}

/// Waits for the end of a started program and returns its output.
pub fn wait_for_exit(child: Child) -> Run {
    wait_for_exit_within(TIME_LIMIT, child)
}

/// Waits at most `limit` for the end of a started program and returns its output.
pub fn wait_for_exit_within(limit: Duration, mut child: Child) -> Run {
    let (out, err) = (spawn_reader(child.stdout.take()), spawn_reader(child.stderr.take()));
    let status = wait_for("a command to end", limit, || child.try_wait().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run {
        code: status.code().unwrap_or(-1),
        out: text(out.join().unwrap()),
        err: text(err.join().unwrap()),
    }
}

fn spawn_reader(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

//! The program under test and the official one, as an operator calls them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use super::{from_npm, project, schema, wait_for};

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// What it printed. One of our documents is held against their schema.
    #[track_caller]
    pub fn json(&self) -> Json {
        let document: Json = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON document: {error}\n{self:#?}"));
        if document.get("format").is_some() {
            schema::check(&document);
        }
        document
    }

    /// Fails with all that was printed unless it ended with this code.
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

/// Our program.
pub fn program() -> PathBuf {
    // Set for integration tests; an example lies one folder below the program.
    option_env!("CARGO_BIN_EXE_restatectl").map(PathBuf::from).unwrap_or_else(|| {
        let example = std::env::current_exe().unwrap();
        example.parent().and_then(Path::parent).unwrap().join("restatectl")
    })
}

/// The official program.
pub fn official_program() -> PathBuf {
    from_npm("@restatedev/restatectl-linux-x64/bin/restatectl")
}

/// A command with an environment that nothing on the machine changes, in a folder of this run, where
/// it leaves its backup files.
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

/// Runs our program with text on its standard input.
pub fn restatectl_with_input(args: &[impl AsRef<OsStr>], input: &str) -> Run {
    run(command(&program(), args), input)
}

/// Runs the official program.
pub fn official(args: &[impl AsRef<OsStr>]) -> Run {
    run(command(&official_program(), args), "")
}

/// Runs to the end, two minutes at most.
pub fn run(command: Command, input: &str) -> Run {
    run_within(TIME_LIMIT, command, input)
}

const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Runs to the end, so long at most.
pub fn run_within(limit: Duration, mut command: Command, input: &str) -> Run {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    finish_within(limit, child)
}

/// Waits for a started program's end.
pub fn finish(child: Child) -> Run {
    finish_within(TIME_LIMIT, child)
}

fn finish_within(limit: Duration, mut child: Child) -> Run {
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = wait_for("a command to end", limit, || child.try_wait().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run {
        code: status.code().unwrap_or(-1),
        out: text(out.join().unwrap()),
        err: text(err.join().unwrap()),
    }
}

fn reader(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

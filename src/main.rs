//! Parses the command line, runs the command, and turns its outcome into an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(restatectl::run::run_program(&words))
}

//! A terminal on which the program runs and a user types.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::tool::{command, program, wait_for_exit};

/// Runs the program on a terminal, types the text, and returns the screen and the exit code.
pub fn run_on_terminal(args: &[String], typed: &str) -> (String, i32) {
    let quoted: Vec<_> = args.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} {}", program().display(), quoted.join(" "));
    let mut script = command(Path::new("/usr/bin/script"), &["-qec", &line, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let run = wait_for_exit(child);
    (run.out, run.code)
}

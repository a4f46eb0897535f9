//! A shell that runs the commands of a page, one after the other.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::project;
use super::tool::program;

pub struct Shell {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

/// The mark after a command's output; its exit code follows.
const END: &str = "-- the end of this command:";

impl Shell {
    /// Starts a shell in this folder, with our program as `restatectl` and the official one behind
    /// `npx`.
    pub fn start(folder: &Path, envs: &[(&str, &str)]) -> Shell {
        let programs = folder.join(".programs");
        std::fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(program(), programs.join("restatectl")).unwrap();
        let modules = project().join(".cache/npm/node_modules");
        std::os::unix::fs::symlink(modules, folder.join("node_modules")).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new("sh")
            .current_dir(folder)
            .env_clear()
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", &programs)
            .env("LC_ALL", "C.UTF-8")
            .env("npm_config_update_notifier", "false")
            .envs(envs.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Shell { child, input, lines }
    }

    /// Runs the command and returns the lines of both streams, in order, and its exit code, which `$?`
    /// then has.
    pub fn run(&mut self, command: &str) -> (Vec<String>, i32) {
        let text = format!(
            "{{ {command}\n}} 2>&1 </dev/null\ncode=$?; printf '\\n{END} %s\\n' $code; (exit $code)\n"
        );
        self.input.write_all(text.as_bytes()).unwrap();
        let mut output = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("no end of {command}\n{output:#?}"));
            if let Some(code) = line.strip_prefix(END) {
                // The line feed before the end is not the command's.
                if output.last().is_some_and(String::is_empty) {
                    output.pop();
                }
                return (output, code.trim().parse().unwrap());
            }
            output.push(line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

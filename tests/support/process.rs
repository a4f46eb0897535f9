//! A server process that ends with the process that started it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait_for;

pub struct Process {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Process {
    /// Starts the program with its output in `log`.
    pub fn start(program: &Path, args: &[&str], envs: &[(&str, &str)], log: &Path) -> Process {
        let output = File::options().create(true).append(true).open(log).unwrap();
        // The kernel kills the server when the test's thread is gone, so that none is left over.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(envs.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", program.display()));
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Process { child, log: log.to_owned(), name }
    }

    /// Fails with the end of its log if the process has ended by itself.
    pub fn assert_running(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("{} ended with {status}:\n{}", self.name, self.log_tail());
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Stops the process with SIGTERM, and with SIGKILL if it does not end.
    pub fn stop(mut self) {
        // Another process may have its id by now.
        if self.has_ended() {
            return;
        }
        self.signal("TERM");
        let ended = || self.child.try_wait().ok().flatten();
        let mut ended = ended;
        for _ in 0..200 {
            if ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill();
    }

    /// Kills the process with SIGKILL, as a crash of the machine would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let child = &mut self.child;
        wait_for("a killed process to be gone", Duration::from_secs(10), || {
            child.try_wait().ok().flatten()
        });
    }

    /// Sends the process a signal, such as STOP or CONT.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args([&format!("-{signal}"), &id]).status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

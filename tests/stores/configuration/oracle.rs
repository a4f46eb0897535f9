//! The real server's reading of a section: what it dumps, and whether it starts.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use toml::Table;

use crate::support::npm_program;
use crate::support::process::Process;

/// How long a server may run: one that ends by itself does so in about a second.
const START_LIMIT: Duration = Duration::from_secs(5);

/// A server to be asked, with a folder for its files.
pub(super) struct Oracle {
    program: PathBuf,
    folder: TempDir,
}

impl Oracle {
    pub(super) fn new() -> Oracle {
        let program = npm_program("@restatedev/restate-server-linux-x64/bin/restate-server");
        Oracle { program, folder: TempDir::new().unwrap() }
    }

    fn write_config(&self, body: &str) -> (String, String) {
        let config = self.folder.path().join("config.toml");
        let head = "node-name = \"n\"\nroles = [\"admin\"]\nlisten-mode = \"unix\"\n\
                    auto-provision = false\ninitialization-timeout = \"1s\"\nrocksdb-total-memory-size = \"512 MB\"\n";
        std::fs::write(&config, format!("{head}{}", document(body))).unwrap();
        let base = self.folder.path().join("base");
        (config.display().to_string(), base.display().to_string())
    }

    /// Returns the section as the server understood it; its error if it does not start at all.
    pub(super) fn dump(&self, body: &str) -> Result<Table, String> {
        let (config, base) = self.write_config(body);
        let output = Command::new(&self.program)
            .args(["--config-file", &config, "--base-dir", &base, "--dump-config"])
            .env_clear()
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let Output { status, stdout, stderr } = output;
        if !status.success() {
            return Err(String::from_utf8_lossy(&stderr).into_owned());
        }
        let dumped: Table = String::from_utf8(stdout).unwrap().parse().unwrap();
        Ok(dumped["metadata-client"].as_table().unwrap().clone())
    }

    /// Starts the server on the section, again until it has printed `words`: a server that ends at once
    /// does not always print why. Returns what it printed last.
    pub(super) fn start_until(&self, body: &str, words: &str) -> String {
        let attempts = (0..8).map(|_| self.start(body));
        let mut log = String::new();
        for attempt in attempts {
            log = attempt;
            if log.contains(words) {
                break;
            }
        }
        log
    }

    fn start(&self, body: &str) -> String {
        let (config, base) = self.write_config(body);
        let _ = std::fs::remove_dir_all(&base);
        let log = self.folder.path().join("log");
        let _ = std::fs::remove_file(&log);
        let args = ["--config-file", &config, "--base-dir", &base, "--use-random-ports", "true"];
        let temporary = self.folder.path().to_str().unwrap();
        let envs = [
            ("RESTATE_DISABLE_TELEMETRY", "true"),
            ("TMPDIR", temporary),
            ("HOME", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let mut process = Process::start(&self.program, &args, &envs, &log);
        let deadline = Instant::now() + START_LIMIT;
        while !process.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned()
    }
}

/// Returns the text of a configuration file with this section, which may bring its own header.
pub(super) fn document(body: &str) -> String {
    if body.contains("metadata-client") {
        format!("{body}\n")
    } else {
        format!("[metadata-client]\n{body}\n")
    }
}

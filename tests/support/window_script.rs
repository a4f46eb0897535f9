//! The script of the maintenance window beside a program that stands in for the tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::tool::{Run, command, run};
use super::{project, wait_for, write_program};

/// Fails for the words of `FAIL` with `CODE`, sleeps at those of `SLOW`, and says by `ON` whether the cluster runs on the
/// target: by `RAN` before the window, by `ANSWER` in JSON, whatever `ON` is, and by `MET` where a way back begins from a
/// cluster that does not run well; its nodes are in the mode of `NODES`. Its reports name a target of type `BEFORE` where
/// that file is tried, and of type `MOVED` otherwise, and the code `REASON`. `EXTERNAL` is whether the nodes keep their
/// metadata in an external store, and `OTHER` the cluster in all stores but backup files; `STALE` is the code with which the
/// store of the nodes in migration mode is compared with the backup of before, and `ROW` the status of a key then.
const TOOL: &str = r#"#!/usr/bin/env bash
[ "${@: -1}" = --help ] && exit 0
echo "$*" >>"$CALLS"
last=
for word in "$@"; do
    [ "$last" != --to ] || echo x >"$word"
    kind=${MOVED-replicated}
    case $word in */before.json) kind=${BEFORE-replicated} ;; esac
    [ "$last" != --report ] || printf '  "target": {\n    "type": "%s",\n    "code": "%s",\n' "$kind" "${REASON:-}" >"$word"
    last=$word
done
case $* in ${SLOW:-none}*) sleep 20 ;; esac
case $* in "metadata list --from"*)
    name=ours
    case $* in *.jsonl*) ;; *) name=${OTHER:-ours} ;; esac
    printf '  "cluster": {\n    "name": "%s"\n  },\n' "$name"
    ;;
esac
case $* in "status -o json" | "status --ignore"*) echo "    \"external\": ${EXTERNAL:-false}," ;; esac
case $* in "status --on"*"-o json")
    answer=${ANSWER:-no}
    if grep -q '15s --for running --on' "$CALLS" && ! grep -q as_before "$CALLS"; then answer=${MET:-cannot-tell}; fi
    echo "    \"answer\": \"$answer\","
    [ -z "${NODES:-}" ] || echo "      \"mode\": \"$NODES\","
    exit "${ON:-5}"
    ;;
esac
case $* in "status --on"*) exit "${ON:-5}" ;; "wait --timeout 15s --for running --on"*) exit "${RAN:-5}" ;; esac
case $* in
    "metadata verify --from "*/current.json*)
        printf '      "status": "%s",\n' "${ROW:-older}" >>"${*: -2:1}"
        exit "${STALE:-0}"
        ;;
esac
case $* in ${FAIL:-none}*) exit "${CODE:-5}" ;; esac
"#;

/// Helpers of the same names as those of the script, and settings with spaces.
pub const NODES: &str = r#"export CALLS=$PWD/calls
target="a store.toml"
before="a store.toml"
restatectl=./tool
step_limit=15
stop_all() { echo helper >>"$CALLS"; }
run() { echo helper >>"$CALLS"; }
folder=/nowhere
stop_nodes() { echo stop_nodes >>"$CALLS"; }
start_nodes_in_migration_mode() { echo migration >>"$CALLS"; }
start_nodes_on_target() { echo on_target >>"$CALLS"; while [ -e held ]; do sleep 0.1; done; echo on_target_ended >>"$CALLS"; }
start_nodes_as_before() { echo as_before >>"$CALLS"; }
"#;

pub struct WindowScript {
    folder: TempDir,
}

impl WindowScript {
    pub fn new() -> WindowScript {
        let folder = tempfile::Builder::new().prefix("a window").tempdir().unwrap();
        let script = WindowScript { folder };
        script.write("a store.toml", "x");
        script.write("the nodes.sh", NODES);
        script.write_program("tool", TOOL);
        script
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn write_program(&self, name: &str, text: &str) {
        write_program(&self.path(name), text);
    }

    pub fn command(&self, options: &[&str], envs: &[(&str, &str)]) -> Command {
        let script = project().join("docs/examples/maintenance-window.sh");
        let args = [&[script.to_str().unwrap(), "-y"], options, &["the nodes.sh"]].concat();
        let mut line = command(Path::new("bash"), &args);
        let path = format!("{}:/usr/bin:/bin", self.folder.path().join("bin").display());
        line.current_dir(self.folder.path()).env("PATH", path).envs(envs.iter().copied());
        let _ = fs::remove_file(self.path("calls"));
        line
    }

    pub fn run(&self, options: &[&str], envs: &[(&str, &str)]) -> Run {
        run(self.command(options, envs), "")
    }

    /// Returns what was asked of the tool and of the functions, by the first two words.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let first = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        calls.lines().map(first).collect()
    }

    /// Returns how long the ports had to be closed in each wait for stopped nodes.
    pub fn closed_for(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap();
        let waits = calls.lines().filter_map(|line| line.split_once("--stable-for "));
        waits.map(|(_, time)| time.to_owned()).collect()
    }

    pub fn wait_for_call(&self, name: &str) {
        wait_for(name, Duration::from_secs(20), || {
            self.calls().iter().any(|call| call == name).then_some(())
        });
    }

    /// Waits until the command that the folder says to run is the one with this word.
    pub fn wait_for_running(&self, word: &str) {
        wait_for(word, Duration::from_secs(20), || {
            let id = fs::read_to_string(self.last_window().join("running")).ok()?;
            let line = fs::read_to_string(format!("/proc/{}/cmdline", id.trim())).ok()?;
            line.starts_with("timeout").then_some(())?;
            line.contains(word).then_some(())
        });
    }

    pub fn last_window(&self) -> PathBuf {
        let windows =
            fs::read_dir(self.path("windows")).unwrap().map(|entry| entry.unwrap().path());
        windows.filter(|path| path.is_dir()).max().unwrap()
    }

    pub fn passed(&self) -> bool {
        self.last_window().join("point-of-no-return").exists()
    }
}

//! The rules of the script about its folders, signals and names. A program stands in for the tool that writes down what
//! it is asked for, since these rules know little more than its exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::pseudo_terminal::send_signal;
use crate::support::tool::{Run, command, program, run, wait_for_exit};
use crate::support::{project, wait_for};

/// Fails for the words of `FAIL` with `CODE`, sleeps at those of `SLOW`, and says by `ON` whether the cluster runs on the
/// target: by `RAN` before the window, by `ANSWER` in JSON, whatever `ON` is.
const TOOL: &str = r#"#!/usr/bin/env bash
[ "${@: -1}" = --help ] && exit 0
echo "$*" >>"$CALLS"
last=
for word in "$@"; do
    [ "$last" != --to ] && [ "$last" != --report ] || echo x >"$word"
    last=$word
done
case $* in ${SLOW:-none}*) sleep 20 ;; esac
case $* in "status --on"*"-o json") echo "    \"answer\": \"${ANSWER:-no}\","; exit "${ON:-5}" ;; esac
case $* in "status --on"*) exit "${ON:-5}" ;; "wait --timeout 15s --for running --on"*) exit "${RAN:-5}" ;; esac
case $* in ${FAIL:-none}*) exit "${CODE:-5}" ;; esac
"#;

/// Helpers of the same names as those of the script, and settings with spaces.
const NODES: &str = r#"export CALLS=$PWD/calls
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

struct Script {
    folder: TempDir,
}

impl Script {
    fn new() -> Script {
        let folder = tempfile::Builder::new().prefix("a window").tempdir().unwrap();
        let script = Script { folder };
        script.write("a store.toml", "x");
        script.write("the nodes.sh", NODES);
        script.write_program("tool", TOOL);
        script
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn write_program(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn command(&self, options: &[&str], envs: &[(&str, &str)]) -> Command {
        let script = project().join("docs/examples/maintenance-window.sh");
        let args = [&[script.to_str().unwrap(), "-y"], options, &["the nodes.sh"]].concat();
        let mut line = command(Path::new("bash"), &args);
        let path = format!("{}:/usr/bin:/bin", self.folder.path().join("bin").display());
        line.current_dir(self.folder.path()).env("PATH", path).envs(envs.iter().copied());
        let _ = fs::remove_file(self.path("calls"));
        line
    }

    fn run(&self, options: &[&str], envs: &[(&str, &str)]) -> Run {
        run(self.command(options, envs), "")
    }

    /// Returns what was asked of the tool and of the functions, by the first two words.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let first = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        calls.lines().map(first).collect()
    }

    /// Returns how long the ports had to be closed in each wait for stopped nodes.
    fn closed_for(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap();
        let waits = calls.lines().filter_map(|line| line.split_once("--stable-for "));
        waits.map(|(_, time)| time.to_owned()).collect()
    }

    fn wait_for_call(&self, name: &str) {
        wait_for(name, Duration::from_secs(20), || {
            self.calls().iter().any(|call| call == name).then_some(())
        });
    }

    fn last_window(&self) -> PathBuf {
        let windows =
            fs::read_dir(self.path("windows")).unwrap().map(|entry| entry.unwrap().path());
        windows.filter(|path| path.is_dir()).max().unwrap()
    }

    fn passed(&self) -> bool {
        self.last_window().join("point-of-no-return").exists()
    }
}

#[test]
fn only_the_latest_window_that_was_killed_is_put_back() {
    let script = Script::new();
    assert!(script.run(&["--put-back", ""], &[]).expect(2).err.contains("no folder"));
    // Killed while it waits, with the tool still there.
    let mut child = script.command(&[], &[("SLOW", "wait --timeout 5m --for migration")]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the wait", Duration::from_secs(20), || {
        (script.calls().iter().filter(|call| *call == "wait --timeout").count() == 3).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = script.last_window().display().to_string();
    let put_back = ["--put-back", &killed];
    let refused = script.run(&put_back, &[]).expect(2);
    assert!(refused.out.contains("still runs"), "{refused:?}");
    let running = fs::read_to_string(Path::new(&killed).join("running")).unwrap();
    send_signal(running.trim().parse().unwrap(), "KILL");
    let runs_there = script.run(&put_back, &[("ON", "0")]).expect(2);
    assert!(runs_there.out.contains("the cluster runs on the store of a store.toml"));
    assert_eq!(script.calls(), ["status --on"]);
    let without_leader = script.run(&put_back, &[("ANSWER", "yes")]).expect(2);
    assert!(without_leader.out.contains("the cluster runs on the store of a store.toml"));
    fs::write(Path::new(&killed).join("direction"), "").unwrap();
    script.run(&put_back, &[]).expect(2);
    fs::write(Path::new(&killed).join("direction"), "there\n").unwrap();
    // No other window before that.
    assert!(script.run(&[], &[]).expect(2).err.contains("--put-back"));
    assert!(script.run(&put_back, &[]).expect(0).out.contains("DONE: the cluster was put back"));
    assert!(script.calls().contains(&"as_before".to_owned()));
    // It has come to its end.
    assert!(script.run(&put_back, &[]).expect(2).err.contains("came to its end"));
    script.run(&[], &[]).expect(0);
    fs::remove_file(Path::new(&killed).join("ended")).unwrap();
    assert!(script.run(&put_back, &[]).expect(2).err.contains("not the latest"));
}

#[test]
fn copy_that_cannot_be_taken_back_forbids_to_start_the_old_store_later() {
    let script = Script::new();
    let failing = [("FAIL", "wait --timeout 5m --for running"), ("CODE", "5")];
    // The copy is not put back, and then the cluster does not run.
    script.run(&[], &[("FAIL", "*/verify.json")]).expect(3);
    let window = script.last_window();
    fs::remove_file(window.join("ended")).unwrap();
    let put_back = ["--put-back", window.to_str().unwrap()];
    let refused = script.run(&put_back, &[("FAIL", "metadata undo")]).expect(4);
    assert!(refused.out.contains("the nodes were left as they are"), "{}", refused.out);
    assert_eq!(script.calls(), ["status --on", "status --on", "metadata undo"]);
    let down = script.run(&put_back, &failing).expect(4);
    // What it says to do works as printed.
    let printed = down.out.lines().find(|line| line.contains("--put-back")).unwrap();
    let words = shlex::split(printed).unwrap();
    assert_eq!(
        words[words.len() - 2..],
        [put_back[1], script.path("the nodes.sh").to_str().unwrap()]
    );
    script.run(&put_back, &[]).expect(0);
    // The way back after a window that has started nodes on the target, which do not run there.
    script.run(&["--back"], &[]).expect(1);
    script.run(&[], &[("FAIL", "wait --timeout 5m --for running --on")]).expect(4);
    assert!(script.passed());
    script.run(&["--back"], &[]).expect(0);
    // Nodes that are on the target still.
    for (answer, words) in [
        (("ON", "0"), "They do."),
        (("ANSWER", "yes"), "They do."),
        (("ANSWER", "cannot-tell"), "It can't be told"),
    ] {
        let there = script.run(&["--back"], &[("RAN", "0"), answer]).expect(4);
        assert!(there.out.contains(words), "{answer:?}: {}", there.out);
        assert!(!there.out.contains("DONE"), "{answer:?}");
    }
}

#[test]
fn window_begins_once_the_cluster_runs_and_not_at_a_single_look() {
    let script = Script::new();
    let failing = [("FAIL", "wait --timeout 15s --for running")];
    assert!(script.run(&[], &failing).expect(1).out.contains("no node was touched"));
    assert_eq!(script.calls(), ["wait --timeout"]);
    script.run(&[], &[]).expect(0);
    assert!(!script.calls().contains(&"status".to_owned()));
}

#[test]
fn window_with_folders_starts_no_node_before_the_target() {
    let script = Script::new();
    fs::create_dir(script.path("node 1")).unwrap();
    fs::create_dir(script.path("node,2")).unwrap();
    let with_folders = |folders: &str| format!("{NODES}folders=({folders})\n");
    for (folders, reason) in [("'node 1' 'node 3'", "node 3 is no"), ("'node,2'", "has a comma")] {
        script.write("the nodes.sh", &with_folders(folders));
        assert!(script.run(&[], &[]).expect(2).err.contains(reason), "{folders}");
        assert!(script.calls().is_empty());
    }
    script.write("the nodes.sh", &with_folders("'node 1'"));
    script.run(&[], &[]).expect(0);
    let calls = script.calls();
    let stopped = calls.iter().position(|call| call == "stop_nodes").unwrap();
    let moved = ["wait --timeout", "metadata verify", "metadata migrate", "metadata verify"];
    assert_eq!(calls[stopped + 1..=stopped + 4], moved);
    assert_eq!(calls[stopped + 5..stopped + 7], ["wait --timeout", "on_target"]);
    // The way back reads no folders.
    script.run(&["--back"], &[]).expect(0);
    assert!(script.calls().contains(&"migration".to_owned()));
}

#[test]
fn ports_stay_closed_for_a_while_with_folders_or_the_setting() {
    let script = Script::new();
    fs::create_dir(script.path("node 1")).unwrap();
    for (settings, options, expected) in [
        ("", &[][..], &["0s", "0s"][..]),
        ("", &["--back"], &["0s", "0s"]),
        ("folders=('node 1')", &[], &["0s", "1s"]),
        ("folders=('node 1')", &["--back"], &["0s", "0s"]),
        ("stopped_for=30s", &[], &["0s", "30s"]),
        ("stopped_for=30s", &["--back"], &["0s", "30s"]),
        ("folders=('node 1')\nstopped_for=0s", &[], &["0s", "0s"]),
    ] {
        script.write("the nodes.sh", &format!("{NODES}{settings}\n"));
        script.run(options, &[("RAN", "0")]).expect(0);
        assert_eq!(script.closed_for(), expected, "{settings} {options:?}");
    }
    script.write("the nodes.sh", NODES);
    script.run(&[], &[("FAIL", "*/verify.json")]).expect(3);
    assert_eq!(script.closed_for(), ["0s", "3s"]);
}

#[test]
fn settings_that_are_no_times_and_numbers_are_refused_before_any_step() {
    let script = Script::new();
    for setting in [
        "wait_timeout=5",
        "wait_timeout=",
        "stopped_for=1",
        "stopped_for='1 hour ago'",
        "step_limit=10m",
        "step_limit=0",
        "resume_attempts=two",
        "resume_attempts=",
    ] {
        let tool = program().display().to_string();
        script.write("the nodes.sh", &format!("{NODES}restatectl={tool}\n{setting}\n"));
        let refused = script.run(&[], &[]).expect(2);
        let name = setting.split('=').next().unwrap();
        assert!(refused.err.contains(&format!("the nodes.sh: {name}=")), "{refused:?}");
        assert!(script.calls().is_empty());
    }
}

#[test]
fn signals_count_until_the_point_of_no_return() {
    let script = Script::new();
    fs::create_dir(script.path("bin")).unwrap();
    let sync = |text: &str| script.write_program("bin/sync", text);
    for (synced, then) in [
        ("*no-return*", "exit 1"),
        ("*no-return*", "kill -TERM $PPID"),
        ("*-there", "kill -TERM $PPID"),
    ] {
        sync(&format!("#!/bin/sh\ncase $1 in {synced}) {then} ;; esac\n"));
        script.run(&[], &[]).expect(3);
        assert!(!script.passed());
        assert!(!script.calls().contains(&"on_target".to_owned()));
        assert!(!script.calls().contains(&"helper".to_owned()));
    }
    sync("#!/bin/sh\n");
    script.write("held", "");
    let mut line = script.command(&[], &[]);
    let child = line.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    script.wait_for_call("on_target");
    send_signal(child.id(), "HUP");
    // A second window at the same time.
    let second = script.run(&[], &[]).expect(2);
    assert!(second.err.contains("another window is running"));
    fs::remove_file(script.path("held")).unwrap();
    let ended = wait_for_exit(child).expect(0);
    assert!(ended.out.contains("SIGHUP: nodes are being started on the new store"), "{ended:?}");
}

#[test]
fn signal_ends_a_put_back_before_it_touches_a_node() {
    let script = Script::new();
    script.run(&[], &[("FAIL", "*/verify.json")]).expect(3);
    let window = script.last_window();
    fs::remove_file(window.join("ended")).unwrap();
    let put_back = ["--put-back", window.to_str().unwrap()];
    let mut line = script.command(&put_back, &[("SLOW", "status --on")]);
    let child = line.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    script.wait_for_call("status --on");
    send_signal(child.id(), "TERM");
    let ended = wait_for_exit(child).expect(1);
    assert!(ended.out.contains("no node was touched"), "{}", ended.out);
    assert_eq!(script.calls(), ["status --on"]);
    script.run(&put_back, &[]).expect(0);
}

//! The rules of the script about its folders, signals and names. A program stands in for the tool that writes down what
//! it is asked for, since these rules know little more than its exit codes.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::pseudo_terminal::send_signal;
use crate::support::tool::wait_for_exit;
use crate::support::wait_for;
use crate::support::window_script::WindowScript;

#[test]
fn only_the_latest_window_that_was_killed_is_put_back() {
    let script = WindowScript::new();
    assert!(script.run(&["--put-back", ""], &[]).expect(2).err.contains("no folder"));
    // Killed while it waits, with the tool still there.
    let mut child = script.command(&[], &[("SLOW", "wait --timeout 5m --for migration")]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the wait", Duration::from_secs(20), || {
        (script.calls().iter().filter(|call| *call == "wait --timeout").count() == 3).then_some(())
    });
    script.wait_for_running("migration-mode");
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
    // The cluster was moved on by hand, which closes the window.
    assert!(script.run(&put_back, &[]).expect(2).err.contains("came to its end"));
    let reopen = || fs::remove_file(Path::new(&killed).join("ended")).unwrap();
    reopen();
    let without_leader = script.run(&put_back, &[("ANSWER", "yes")]).expect(2);
    assert!(without_leader.out.contains("the cluster runs on the store of a store.toml"));
    reopen();
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
    let script = WindowScript::new();
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
    let script = WindowScript::new();
    let failing = [("FAIL", "wait --timeout 15s --for running")];
    assert!(script.run(&[], &failing).expect(1).out.contains("no node was touched"));
    assert_eq!(script.calls(), ["wait --timeout"]);
    script.run(&[], &[]).expect(0);
    assert!(!script.calls().contains(&"status".to_owned()));
}

#[test]
fn window_that_was_killed_before_its_first_step_needs_no_put_back() {
    let script = WindowScript::new();
    let mut line = script.command(&[], &[("SLOW", "metadata migrate --toml")]);
    let mut child = line.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    script.wait_for_call("metadata migrate");
    script.wait_for_running("migrate");
    child.kill().unwrap();
    child.wait().unwrap();
    let running = fs::read_to_string(script.last_window().join("running")).unwrap();
    send_signal(running.trim().parse().unwrap(), "KILL");
    script.run(&[], &[]).expect(0);
}

#[test]
fn signals_count_until_the_point_of_no_return() {
    let script = WindowScript::new();
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
    let script = WindowScript::new();
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

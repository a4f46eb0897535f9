//! The rules of the script about its settings, beside the program that stands in for the tool.

use std::fs;

use crate::support::tool::program;
use crate::support::window_script::{NODES, WindowScript};

#[test]
fn window_with_folders_starts_no_node_before_the_target() {
    let script = WindowScript::new();
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
    let script = WindowScript::new();
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
    let script = WindowScript::new();
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
fn file_of_the_replicated_store_is_tried_before_any_node_is_touched() {
    let script = WindowScript::new();
    let compared = "metadata verify --from */nodes.jsonl";
    let failing = [("FAIL", compared), ("CODE", "6")];
    let other = ("BEFORE", "object-store");
    let (running, unwell) = (("RAN", "0"), ("RAN", "5"));
    for (options, envs) in [
        (&[][..], &failing[..]),
        (&[], &[other]),
        (&["--back"], &[running, failing[0], failing[1]]),
        (&["--back"], &[running, other]),
    ] {
        let refused = script.run(options, envs).expect(1);
        assert!(refused.out.contains("no node was touched"), "{envs:?}: {}", refused.out);
        assert!(!script.calls().contains(&"stop_nodes".to_owned()), "{envs:?}");
    }
    // The cluster does not run on the target, and going back is the way out.
    let begin_badly =
        || script.run(&[], &[("FAIL", "wait --timeout 5m --for running --on")]).expect(4);
    begin_badly();
    let refused = script.run(&["--back"], &[unwell, other]).expect(1);
    assert!(refused.out.contains("one of type \"object-store\""), "{}", refused.out);
    let silent = [unwell, failing[0], failing[1], ("BEFORE", "")];
    script.run(&["--back"], &silent).expect(0);
    // Silent then, and another store after all.
    begin_badly();
    let moved = [&silent[..], &[("MOVED", "object-store")]].concat();
    script.run(&["--back"], &moved).expect(3);
    assert!(!script.calls().contains(&"as_before".to_owned()));
}

#[test]
fn what_the_functions_lack_is_found_before_any_node_is_stopped() {
    let script = WindowScript::new();
    let with_check =
        |ends: &str| format!("{NODES}check_nodes() {{ echo checked >>\"$CALLS\"; {ends}; }}\n");
    let is_stopped = || script.calls().contains(&"stop_nodes".to_owned());
    for (options, ran) in [(&[][..], "5"), (&["--back"], "0")] {
        script.write("the nodes.sh", &with_check("false"));
        script.run(options, &[("RAN", ran)]).expect(1);
        assert!(script.calls().contains(&"checked".to_owned()) && !is_stopped(), "{options:?}");
        script.write("the nodes.sh", &with_check("true"));
        script.run(options, &[("RAN", ran)]).expect(0);
        assert!(script.calls().contains(&"checked".to_owned()) && is_stopped(), "{options:?}");
    }
}

#[test]
fn way_back_needs_every_node() {
    let script = WindowScript::new();
    let is_stopped = || script.calls().contains(&"stop_nodes".to_owned());
    script.write("the nodes.sh", &format!("{NODES}ignore_nodes=(N3)\n"));
    let refused = script.run(&["--back"], &[("RAN", "0")]).expect(1);
    assert!(refused.out.contains("remove N3 from the cluster") && !is_stopped(), "{}", refused.out);
    // A window that went well is no reason to go back from a cluster that does not run, if a node is missing.
    script.write("the nodes.sh", NODES);
    script.run(&[], &[]).expect(0);
    script.run(&["--back"], &[("FAIL", "nodes list*")]).expect(1);
    assert!(script.calls().contains(&"nodes list".to_owned()) && !is_stopped());
    script.run(&["--back"], &[]).expect(0);
    assert!(is_stopped());
}

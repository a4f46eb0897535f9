//! The rules of the script about the store on which the cluster runs: nodes are never started on one that is out of date.

use std::fs;
use std::path::Path;

use crate::support::window_script::WindowScript;

/// The wait of a window there for its nodes on the target.
const RUNNING: &str = "wait --timeout 5m --for running --on";

/// Returns the path as the script prints it.
fn quote(path: &Path) -> String {
    path.to_str().unwrap().replace(' ', "\\ ")
}

fn has_called(script: &WindowScript, name: &str) -> bool {
    script.calls().iter().any(|call| call == name)
}

#[test]
fn window_there_begins_only_on_the_replicated_store() {
    let script = WindowScript::new();
    for external in ["true", "null"] {
        let refused = script.run(&[], &[("EXTERNAL", external)]).expect(1);
        assert!(refused.out.contains("does not run on the replicated store"), "{}", refused.out);
        assert!(!has_called(&script, "stop_nodes"));
    }
}

#[test]
fn older_state_of_the_cluster_is_never_started_again() {
    let script = WindowScript::new();
    let stale = script.run(&[], &[("STALE", "4")]).expect(4);
    assert!(stale.out.contains("Start no node on the replicated store"), "{}", stale.out);
    assert!(!has_called(&script, "as_before") && !has_called(&script, "on_target"));
    // Nor by a --put-back.
    assert!(script.last_window().join("ended").exists());
    // A node that was started in another folder is another cluster, and the nodes' own store is as it was.
    let stale = ("STALE", "4");
    for envs in [&[stale, ("OTHER", "theirs")][..], &[stale, ("ROW", "extra")], &[("STALE", "6")]] {
        script.run(&[], envs).expect(3);
        assert!(has_called(&script, "as_before"));
    }
}

#[test]
fn way_back_begins_on_the_external_store_and_never_returns_to_an_older_one() {
    let script = WindowScript::new();
    script.run(&[], &[]).expect(0);
    let refused = script.run(&["--back"], &[("MET", "no")]).expect(1);
    assert!(refused.out.contains("nothing to go back from"), "{}", refused.out);
    assert!(!has_called(&script, "stop_nodes"));
    let failing = ("FAIL", "metadata migrate --from");
    let newer = script.run(&["--back"], &[failing, ("REASON", "target-newer")]);
    assert!(newer.expect(4).out.contains("Start no node on the store of a store.toml"));
    assert!(!has_called(&script, "as_before") && !has_called(&script, "on_target"));
    assert!(script.last_window().join("ended").exists());
    // A cluster that was seen to run there is put back there.
    for reason in ["target-newer", "internal"] {
        script.run(&["--back"], &[failing, ("RAN", "0"), ("REASON", reason)]).expect(3);
        assert!(has_called(&script, "on_target"), "{reason}");
    }
    // Killed before it had put the cluster back.
    let window = script.last_window();
    let put_back = ["--put-back", window.to_str().unwrap()];
    fs::remove_file(window.join("ended")).unwrap();
    let refused = script.run(&put_back, &[]).expect(2);
    assert!(refused.out.contains("and is closed"), "{}", refused.out);
    assert_eq!(script.calls(), ["status --on", "status --on"]);
    fs::remove_file(window.join("ended")).unwrap();
    let unclear = ("ANSWER", "cannot-tell");
    let undecided = script.run(&put_back, &[unclear, ("NODES", "normal")]).expect(4);
    assert!(undecided.out.contains("the nodes were left as they are"), "{}", undecided.out);
    assert_eq!(script.calls(), ["status --on", "status --on"]);
    script.run(&put_back, &[unclear, ("NODES", "migration")]).expect(0);
    assert!(has_called(&script, "on_target"));
}

#[test]
fn advice_after_the_point_of_no_return_fits_the_store_that_the_nodes_run_on() {
    let script = WindowScript::new();
    let start_there = "on the store of a store.toml.\n";
    let failing = [("FAIL", RUNNING)];
    for (options, envs, stayed) in [
        (&[][..], &failing[..], true),
        (&[], &[failing[0], ("ANSWER", "cannot-tell")], false),
        (&["--back"], &[("RAN", "0"), ("ANSWER", "yes")], true),
        (&["--back"], &[("RAN", "0"), ("ANSWER", "cannot-tell")], false),
    ] {
        let run = script.run(options, envs).expect(4);
        assert_eq!(run.out.contains("have not left it"), stayed, "{envs:?}: {}", run.out);
        assert_eq!(run.out.contains(start_there), !stayed, "{envs:?}: {}", run.out);
    }
}

#[test]
fn printed_commands_have_the_variables_of_the_file_and_its_nodes_to_ignore() {
    let script = WindowScript::new();
    let nodes = script.path("the nodes.sh");
    let text = fs::read_to_string(&nodes).unwrap();
    fs::write(&nodes, format!("{text}ignore_nodes=(N3)\n")).unwrap();
    let failing = ("FAIL", "wait --timeout 5m --ignore-node=N3 --for running --on");
    let run = script.run(&[], &[failing, ("ANSWER", "cannot-tell")]).expect(4);
    let printed = run.out.lines().find(|line| line.contains("Wait until it runs")).unwrap();
    assert!(printed.contains("--ignore-node=N3"), "{printed}");
    assert!(printed.contains(&format!("(. {} && ", quote(&nodes))), "{printed}");
    assert!(!run.out.contains("To go back instead"), "{}", run.out);
}

//! A failure at each step of a window, and a signal before each. `make soak` takes every step, `make test` those before
//! the first node is touched.

use crate::support::pseudo_terminal::send_signal;
use crate::support::restate::Mode;
use crate::support::scale_count;
use crate::support::window::{Reply, Step, Window};

/// The number of steps before the nodes are stopped.
const PREPARING: usize = 4;

/// What happens to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another writer's key lies in the target before the dry run.
    KeyBeforeDryRun,
    /// Or comes after it.
    KeyBeforeMigrate,
    /// The target hangs when `migrate` begins.
    HangingTarget,
    /// Another writer changes the copy before it is compared.
    ChangedCopy,
    /// A node stays when the others stop.
    NodeThatStays,
    /// Something starts a node again after the copy.
    NodeThatReturns,
}

/// The first one is met before a node is touched.
const FAULTS: [Fault; 6] = [
    Fault::KeyBeforeDryRun,
    Fault::KeyBeforeMigrate,
    Fault::HangingTarget,
    Fault::ChangedCopy,
    Fault::NodeThatStays,
    Fault::NodeThatReturns,
];

#[test]
fn window_that_fails_at_any_step_leaves_a_cluster_that_runs_or_says_what_to_do() {
    let mut window = Window::start();
    let steps = scale_count(PREPARING, usize::MAX);
    let by_failure = (0..steps).take_while(|step| !fails_at(&mut window, *step, false)).count();
    let by_signal = (0..steps).take_while(|step| !fails_at(&mut window, *step, true)).count();
    println!("{by_failure} steps that fail, {by_signal} steps with a signal");
    assert!(by_failure == by_signal && by_failure >= PREPARING);
    for fault in FAULTS.iter().take(scale_count(1, FAULTS.len())) {
        meet_fault(&mut window, *fault);
    }
}

/// Runs a window that fails at this step; returns `true` if it has no such step.
fn fails_at(window: &mut Window, failing: usize, by_signal: bool) -> bool {
    let (mut number, mut failed, mut touched) = (0, String::new(), false);
    let run = window.run(&[], "resume_attempts=0", |_, step: &Step| {
        number += 1;
        if number - 1 != failing {
            touched |= number <= failing && step.name == "stop_nodes";
            return Reply::Perform;
        }
        failed.clone_from(&step.name);
        touched |= step.name == "stop_nodes";
        if by_signal {
            send_signal(step.script, "TERM");
            return Reply::Perform;
        }
        Reply::Fail
    });
    println!("step {failing}, {failed:?}, by signal: {by_signal}: exit code {}", run.code);
    let passed = window.last_folder().join("point-of-no-return").exists();
    match (failed.is_empty(), passed, touched) {
        (true, ..) => assert_eq!(run.code, 0),
        // From there on, a signal ends nothing.
        (false, true, _) => assert_eq!(run.code, if by_signal { 0 } else { 4 }),
        (false, false, true) => assert_eq!(run.code, 3),
        (false, false, false) => assert_eq!(run.code, 1),
    }
    if passed {
        return_from_target(window);
        return failed.is_empty();
    }
    window.assert_put_back();
    false
}

/// Does what the script says, goes back, and empties the target.
fn return_from_target(window: &mut Window) {
    window.cluster.stop();
    window.perform("start_nodes_on_target");
    window.cluster.wait_until_led();
    window.run(&["--back"], "", |_, _| Reply::Perform).expect(0);
    window.etcd.clear();
}

/// Runs a window with a fault, and asserts that the cluster runs as before.
fn meet_fault(window: &mut Window, fault: Fault) {
    let mut stops = 0;
    let settings = match fault {
        Fault::NodeThatReturns => "resume_attempts=0\nstopped_for=1s",
        _ => "resume_attempts=0",
    };
    let run = window.run(&[], settings, |window, step| {
        let reply = inject(fault, window, &step.name, stops);
        stops += usize::from(step.name == "stop_nodes");
        reply
    });
    window.etcd.signal("CONT");
    println!("{fault:?}: exit code {}", run.code);
    assert_eq!(run.code, if fault == Fault::KeyBeforeDryRun { 1 } else { 3 });
    // What another writer left is not ours to take back, and is told.
    let is_left = fault == Fault::ChangedCopy;
    assert_eq!(run.out.contains("WARNING"), is_left, "{}", run.out);
    window.etcd.clear();
    window.assert_put_back();
}

fn inject(fault: Fault, window: &mut Window, step: &str, stops: usize) -> Reply {
    let (dry, migrates) = (step.contains("--dry-run"), step.starts_with("metadata migrate"));
    match fault {
        Fault::KeyBeforeDryRun if dry => window.etcd.put("rule_book", "another writer's"),
        Fault::KeyBeforeMigrate if migrates && !dry => {
            window.etcd.put("rule_book", "another writer's");
        }
        Fault::HangingTarget if migrates && !dry => window.etcd.signal("STOP"),
        Fault::ChangedCopy if step.ends_with("/verify.json") => {
            window.etcd.put("rule_book", "another writer's");
        }
        Fault::NodeThatStays if step == "stop_nodes" && stops == 0 => {
            window.cluster.stop_node(0);
            window.cluster.stop_node(1);
            return Reply::Performed;
        }
        Fault::NodeThatReturns if step == "stop_nodes" && stops == 1 => {
            window.cluster.stop();
            window.cluster.start_node(0, &Mode::Migration);
            return Reply::Performed;
        }
        Fault::NodeThatStays | Fault::NodeThatReturns if step.contains("--for stopped") => {
            return Reply::Shorten;
        }
        _ => {}
    }
    Reply::Perform
}

//! A failure at each step of a window, and a signal before each. `make soak` takes every step, `make test` those before
//! the first node is touched.

use super::harness::{Reply, Step, Window};
use crate::support::pseudo_terminal::send_signal;
use crate::support::scale_count;

/// The number of steps before the nodes are stopped.
const PREPARING: usize = 3;

#[test]
fn window_that_fails_at_any_step_leaves_a_cluster_that_runs_or_says_what_to_do() {
    let mut window = Window::start();
    let steps = scale_count(PREPARING, usize::MAX);
    let by_failure = (0..steps).take_while(|step| !fails_at(&mut window, *step, false)).count();
    let by_signal = (0..steps).take_while(|step| !fails_at(&mut window, *step, true)).count();
    println!("{by_failure} steps that fail, {by_signal} steps with a signal");
    assert!(by_failure == by_signal && by_failure >= PREPARING);
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
        (false, true, _) => assert_eq!(run.code, 4),
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

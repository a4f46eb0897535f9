//! The failure of a condition that does not hold.

use crate::model::NodeState;
use crate::outcome::{Code, Failure, StatusKind, StatusResult};
use crate::pipeline::checks::REACH_NODES_HINT;

/// The most reasons that a message has; the document has all.
const MOST_REASONS: usize = 10;

const START_HINT: &str = "start each node that does not respond";

const IGNORE_HINT: &str = "if a node is permanently removed, skip it with --ignore-node";

const END_HINT: &str = "stop each node that still accepts connections; end the process of one that hangs with SIGKILL, and \
                        make sure that it is gone";

const ASK_ALL_HINT: &str = "leave out --single-address, so that every node is asked";

/// Returns the failure if the condition does not hold; `message` begins its message.
pub fn not_ready_failure(result: &StatusResult, message: &str) -> Option<Failure> {
    if result.reasons.is_empty() {
        return None;
    }
    let failure =
        Failure::new(Code::NotReady, format!("{message}: {}", join_reasons(&result.reasons)));
    let occurs =
        |is: fn(&NodeState) -> bool| result.nodes.iter().any(|node| is(&node.observed.state));
    // Where a node is to stop, silence is what is wanted.
    let is_to_stop = result.kind == StatusKind::Wait("stopped");
    let is_silent = !is_to_stop && occurs(|state| matches!(state, NodeState::NoResponse(_)));
    let hints = [
        (occurs(|state| matches!(state, NodeState::Listening)), END_HINT),
        (is_silent, START_HINT),
        (is_silent || occurs(|state| matches!(state, NodeState::AnotherNode(_))), IGNORE_HINT),
        (occurs(|state| matches!(state, NodeState::OutOfReach(_))), REACH_NODES_HINT),
        (occurs(|state| matches!(state, NodeState::NotAsked(_))), ASK_ALL_HINT),
    ];
    let hints = hints.into_iter().filter(|(occurs, _)| *occurs);
    Some(hints.fold(failure, |failure, (_, hint)| failure.hint(hint)))
}

/// Joins reasons in one text, the first ones if there are many.
pub fn join_reasons(reasons: &[String]) -> String {
    let shown = reasons.iter().take(MOST_REASONS).map(String::as_str).collect::<Vec<_>>();
    match reasons.len() - shown.len() {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

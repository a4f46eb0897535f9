//! Waits for what the nodes themselves report: migration mode, or a cluster that runs.

use std::time::{Duration, Instant};

use super::progress::WaitProgress;
use crate::commands::Context;
use crate::commands::status::{Observer, OnStore};
use crate::model::NodeState;
use crate::outcome::{Code, Failure, StatusResult};
use crate::pipeline::cluster_status::Condition;

/// The pause between two looks. In each, a node gets six requests at most, so that it is two in a second.
const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// The pause while nodes come up, since the cluster is down meanwhile: for a few looks after a first one that finds nodes
/// between their modes, after each change of what is seen, and where no node responds, which costs none of them a request.
const COMING_INTERVAL: Duration = Duration::from_millis(100);

/// How long after such a first look, or a change, the nodes are looked at in the shorter interval.
const COMING_FOR: Duration = Duration::from_secs(10);

/// The pause before the second look at a cluster that runs: partitions lose leaders again while nodes start.
const RUNNING_PAUSE: Duration = Duration::from_secs(1);

/// How long the same partitions have to be without a leader before it is read whether they are frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(5);

/// A wait for a condition.
pub(super) struct Wait<'a> {
    pub(super) condition: Condition,
    pub(super) ignored: &'a [u32],
    pub(super) context: &'a Context<'a>,
}

impl Wait<'_> {
    /// Looks again and again, until the condition holds twice in a row: the answers of one look are given at different
    /// times, between which a node may have gone.
    ///
    /// # Errors
    /// [`Code::Usage`] and [`Code::ConfigInvalid`], which no wait helps against.
    pub(super) async fn wait_until_held(
        &self,
        on: Option<OnStore>,
        progress: &WaitProgress<'_>,
    ) -> Result<(), Failure> {
        let observer = Observer::new(self.context, self.ignored, on)?;
        let mut observer = observer.with_frozen_after(FROZEN_AFTER);
        let (mut held_before, mut pace) = (false, Pace::default());
        loop {
            let holds = match observer.observe(self.condition).await {
                Ok(result) => {
                    let holds = result.reasons.is_empty();
                    pace.add_look(&result.reasons, has_left_normal_roles(&result), Instant::now());
                    progress.set_last(result);
                    holds
                }
                Err(failure) if is_permanent(&failure) && !pace.has_responded() => {
                    return Err(failure);
                }
                Err(failure) => {
                    // Another cluster may have taken the address of a node.
                    if failure.code == Code::Usage {
                        observer.forget_addresses();
                    }
                    pace.add_failure(failure.code);
                    progress.set_unreachable(&failure.message);
                    false
                }
            };
            if holds && held_before {
                return Ok(());
            }
            held_before = holds;
            tokio::time::sleep(pace.choose_pause(self.condition, holds)).await;
        }
    }
}

/// How fast the looks follow each other.
#[derive(Default)]
struct Pace {
    /// The reasons of the last look to which a node responded.
    last: Option<Vec<String>>,
    is_silent: bool,
    changed: Option<Instant>,
}

impl Pace {
    fn add_look(&mut self, reasons: &[String], has_left_normal_roles: bool, now: Instant) {
        let has_changed = match &self.last {
            Some(last) => last != reasons,
            // The first node has come up before the first look, and the others are about to.
            None => has_left_normal_roles,
        };
        if has_changed || self.is_silent {
            self.changed = Some(now);
        }
        self.is_silent = false;
        self.last = Some(reasons.to_vec());
    }

    fn add_failure(&mut self, code: Code) {
        self.is_silent = code == Code::SourceUnavailable;
    }

    fn has_responded(&self) -> bool {
        self.last.is_some()
    }

    /// Chooses the pause after a look. The answers about partitions are large: that the cluster runs is looked for
    /// in the longer interval as soon as a node responds.
    fn choose_pause(&self, condition: Condition, holds: bool) -> Duration {
        let is_coming = self.changed.is_some_and(|changed| changed.elapsed() < COMING_FOR);
        match condition {
            Condition::Running if holds => RUNNING_PAUSE,
            _ if holds => Duration::ZERO,
            _ if self.is_silent => COMING_INTERVAL,
            Condition::MigrationMode if is_coming => COMING_INTERVAL,
            _ => POLL_INTERVAL,
        }
    }
}

/// Returns whether nodes are restarted already: one is down, starts, or is in migration mode.
fn has_left_normal_roles(result: &StatusResult) -> bool {
    result.nodes.iter().any(|node| !matches!(node.observed.state, NodeState::NormalRoles(_)))
}

fn is_permanent(failure: &Failure) -> bool {
    matches!(failure.code, Code::Usage | Code::ConfigInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_follow_each_other_faster_while_nodes_come_up() {
        let pause = |pace: &Pace, condition| pace.choose_pause(condition, false);
        let reasons = |text: &str| vec![text.to_owned()];
        let (mut pace, now) = (Pace::default(), Instant::now());
        let long_ago = now.checked_sub(COMING_FOR).expect("the machine started seconds ago");
        // What waits for a cluster that does not change asks seldom.
        pace.add_look(&reasons("N1 runs in its normal roles"), false, now);
        pace.add_look(&reasons("N1 runs in its normal roles"), false, now);
        assert_eq!(pause(&pace, Condition::MigrationMode), POLL_INTERVAL);
        // Nodes that are restarted already are about to come up.
        let mut restarted = Pace::default();
        restarted.add_look(&reasons("N2 does not respond"), true, now);
        assert_eq!(pause(&restarted, Condition::MigrationMode), COMING_INTERVAL);
        restarted.changed = Some(long_ago);
        restarted.add_look(&reasons("N2 does not respond"), true, now);
        assert_eq!(pause(&restarted, Condition::MigrationMode), POLL_INTERVAL);
        // Nobody is asked while no node responds.
        pace.add_failure(Code::SourceUnavailable);
        assert_eq!(pause(&pace, Condition::Running), COMING_INTERVAL);
        pace.add_look(&reasons("no quorum"), true, now);
        assert_eq!(pause(&pace, Condition::MigrationMode), COMING_INTERVAL);
        assert_eq!(pause(&pace, Condition::Running), POLL_INTERVAL);
        pace.add_failure(Code::Usage);
        pace.add_look(&reasons("no quorum"), true, now);
        pace.changed = Some(long_ago);
        assert_eq!(pause(&pace, Condition::MigrationMode), POLL_INTERVAL);
    }
}

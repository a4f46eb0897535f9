//! Waits for what the nodes themselves report: migration mode, or a cluster that runs.

use std::time::Duration;

use super::progress::WaitProgress;
use crate::commands::Context;
use crate::commands::status::{Observer, OnStore};
use crate::outcome::{Code, Failure};
use crate::pipeline::cluster_status::Condition;

/// The pause between two looks. In each, a node gets six requests at most, so that it is two in a second.
const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// The pause before the second look at a condition that holds: the answers of the first one were given at different
/// times, between which a node may have gone.
const CONFIRMATION_PAUSE: Duration = Duration::from_secs(1);

/// How long the same partitions have to be without a leader before it is read whether they are frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(5);

/// A wait for a condition.
pub(super) struct Wait<'a> {
    pub(super) condition: Condition,
    pub(super) ignored: &'a [u32],
    pub(super) context: &'a Context<'a>,
}

impl Wait<'_> {
    /// Looks again and again, until the condition holds twice in a row.
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
        let (mut held_before, mut has_responded) = (false, false);
        loop {
            let holds = match observer.observe(self.condition).await {
                Ok(result) => {
                    has_responded = true;
                    let holds = result.reasons.is_empty();
                    progress.set_last(result);
                    holds
                }
                Err(failure) if is_permanent(&failure) && !has_responded => return Err(failure),
                Err(failure) => {
                    // Another cluster may have taken the address of a node.
                    if failure.code == Code::Usage {
                        observer.forget_addresses();
                    }
                    progress.set_unreachable(&failure.message);
                    false
                }
            };
            if holds && held_before {
                return Ok(());
            }
            held_before = holds;
            let pause = if holds { CONFIRMATION_PAUSE } else { POLL_INTERVAL };
            tokio::time::sleep(pause).await;
        }
    }
}

fn is_permanent(failure: &Failure) -> bool {
    matches!(failure.code, Code::Usage | Code::ConfigInvalid)
}

//! Observations beside the stores' content: plain data that the checks judge.

use std::path::PathBuf;

use crate::model::{LimitViolation, StoreError};
use crate::pipeline::checks::{Answers, Ignored, NodeObservation};

/// The responses of the nodes that source and target name.
#[derive(Debug, Default)]
pub(super) struct NodeObservations {
    /// The nodes that `--ignore-node` names.
    pub(super) ignored: Vec<Ignored>,
    /// Nodes still running on the source, and those that did not respond in time.
    pub(super) on_source: Vec<NodeObservation>,
    /// The same of the target.
    pub(super) on_target: Vec<NodeObservation>,
    /// The responses of the source's nodes in a roll-back; `None` if the target names no nodes.
    pub(super) rollback: Option<Answers>,
}

/// The values that do not fit the target; `None` where it is not known what would be written, or the
/// target accepts no writes.
pub(super) type LimitViolations = Option<Result<Vec<LimitViolation>, StoreError>>;

/// All that the checks of both sides need beside their content.
#[derive(Debug, Default)]
pub(super) struct Observations {
    pub(super) limit_violations: LimitViolations,
    /// The backup file of an interrupted run that accounts for what the target holds.
    pub(super) prior_backup: Option<PathBuf>,
}

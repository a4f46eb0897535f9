//! The names of stages, while they run and at their ends.

use crate::events::Stage;

/// Returns the name of a running stage.
pub(super) fn activity_name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadSource => "reading the source",
        Stage::ReadTarget => "reading the target",
        Stage::Write => "writing",
        Stage::ReadBack => "reading back",
        Stage::ReadSourceAgain => "reading the source again",
    }
}

/// Returns the beginning of the line that reports the end of a stage.
pub(super) fn finished_activity_name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadSource | Stage::ReadTarget => "read",
        Stage::Write => "wrote to",
        Stage::ReadBack => "read back",
        Stage::ReadSourceAgain => "read again",
    }
}

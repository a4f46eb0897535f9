//! A condition that is waited for: the reasons that were printed last, and its spinner on a terminal.

use indicatif::ProgressBar;

/// A condition that is waited for.
pub(super) struct AwaitedCondition {
    reasons: String,
    bar: Option<ProgressBar>,
}

impl AwaitedCondition {
    /// Begins to wait, with this spinner.
    pub(super) fn start(bar: Option<ProgressBar>) -> Self {
        AwaitedCondition { reasons: String::new(), bar }
    }

    /// Takes the reasons; returns whether they are others than before.
    pub(super) fn change_reasons(&mut self, reasons: &str) -> bool {
        let is_changed = self.reasons != reasons;
        reasons.clone_into(&mut self.reasons);
        is_changed
    }
}

impl Drop for AwaitedCondition {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

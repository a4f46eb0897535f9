//! Warnings about the content of a store, for the commands that read it as it is.

use crate::model::Snapshot;
use crate::pipeline::soundness::check_soundness;
use crate::wording::plural;

/// The findings that are printed: these commands are about other things.
const SHOWN_FINDINGS: usize = 20;

/// Describes what `metadata check` finds in a store. None of it keeps a command from reading.
pub fn find_snapshot_warnings(snapshot: &Snapshot) -> Vec<String> {
    let found = check_soundness(snapshot);
    let shown = found.findings.iter().take(SHOWN_FINDINGS);
    let mut warnings: Vec<_> = shown.map(ToString::to_string).collect();
    let left = (found.errors + found.warnings).saturating_sub(SHOWN_FINDINGS);
    if left > 0 {
        let others = plural(left, "other finding");
        warnings.push(format!("{others} about this store: print them with `metadata check`"));
    }
    warnings
}

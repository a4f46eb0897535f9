//! What an operator should know of a target that takes everything: keys that it does not list, and a store that is
//! full afterwards.

use crate::model::{Plan, Step, StoreError, UnlistedKeys};
use crate::outcome::{Check, Failure, Finding};
use crate::pipeline::verify::is_step_done;

/// Adds the keys that the target keeps without listing them: as a warning, or, where it holds something else
/// under such a name, as what to do about it.
pub fn add_unlisted_keys(finding: Finding, plan: &Plan, unlisted: &UnlistedKeys) -> Finding {
    let is_foreign = |step: &&Step| unlisted.is_protected(&step.key) && !is_step_done(step);
    let foreign: Vec<_> =
        plan.conflicts().filter(is_foreign).map(|step| step.key.to_string()).collect();
    if !foreign.is_empty() {
        let hint = format!(
            "rename or remove {} in the target, or in the source: not a name of Restate's, so it may be another \
             program's, and --force does not replace it",
            foreign.join(", ")
        );
        // The only hint, where nothing else conflicts.
        let others = plan.conflicts().count() > foreign.len();
        let kept = if others { finding.hints.clone() } else { Vec::new() };
        return Finding { hints: kept, ..finding }.hint(hint);
    }
    if unlisted.keys.is_empty() || finding.code.is_some() {
        return finding;
    }
    let items = unlisted.keys.iter().map(|key| {
        format!("{key} is not a name that Restate uses: the target keeps it, and cannot list it")
    });
    finding.items(items.collect()).into_warning().hint(
        "later, `list`, `backup` and a migration from this target do not include these keys; print one with \
         `metadata get --key`",
    )
}

/// Warns of a target that is full after everything was written to it.
pub fn warn_of_full_store(error: &StoreError) -> Finding {
    let finding = Finding::of_failure(Check::TargetWritable, Failure::of_target(error));
    let detail = format!("all keys are written, and now {error}");
    Finding { detail, code: None, ..finding.into_warning() }
        .hint("do so before the servers start: they write at each start")
}

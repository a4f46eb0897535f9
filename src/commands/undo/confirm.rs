//! The confirmation before anything is taken back: what is deleted, what is restored, and where it is saved.

use super::job::UndoJob;
use crate::commands::input::name_input;
use crate::model::{Action, Key, Step};
use crate::outcome::{Check, CheckStatus, Code, Failure};
use crate::shell::quote_word;
use crate::terminal::confirmation::Confirmation;
use crate::visible::escape_line;
use crate::wording::plural;

/// Asks before keys are deleted or restored; a dry run, and one with nothing to do, ask nothing.
///
/// # Errors
/// [`Code::TargetKeysExist`] if the answer is not yes.
pub(super) async fn confirm(job: &UndoJob<'_>) -> Result<(), Failure> {
    if job.args.dry_run || job.state.plan().changes().is_empty() {
        return Ok(());
    }
    let refused = |how: &str| {
        let target = job.target().name();
        let reason = format!(
            "nothing was written: this would delete or replace keys of {target}, and {how}"
        );
        Failure::new(Code::TargetKeysExist, reason)
    };
    match job.context.ask_to_confirm(describe_undo(job)).await? {
        Confirmation::Given => Ok(()),
        Confirmation::Declined => Err(refused("this was not confirmed")),
        Confirmation::NotAsked => Err(refused("there is no terminal to ask for confirmation")
            .hint("review with --dry-run what would be taken back, then pass --yes")),
    }
}

fn describe_undo(job: &UndoJob<'_>) -> String {
    let (plan, target) = (job.state.plan(), escape_line(job.target().name()));
    let report = name_input(&job.args.report);
    let mut text = format!("undo takes back from {target} what the run of {report} wrote:");
    let is_restored = |action| matches!(action, Action::Create | Action::Overwrite);
    let deleted: Vec<_> = plan.steps.iter().filter(|step| step.action == Action::Delete).collect();
    let restored: Vec<_> = plan.steps.iter().filter(|step| is_restored(step.action)).collect();
    for (steps, does) in [(deleted, "deleted"), (restored, "restored")] {
        if !steps.is_empty() {
            let (keys, names) = (plural(steps.len(), "key"), list_names(&steps));
            text.push_str(&format!("\n - {keys} {does}: {}", escape_line(&names)));
        }
    }
    for finding in job.state.findings() {
        let is_asked = matches!(finding.check, Check::Values | Check::MigrationMode);
        if is_asked && finding.status == CheckStatus::Warning {
            text.push_str(&format!("\n - WARNING: {}", escape_line(&finding.text())));
        }
    }
    let folder = &job.args.backup_dir;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    let saved =
        format!("all that the target holds is first saved to a file in {}", quote_word(&folder));
    format!("{text}\n - {saved}\nTake it back?")
}

/// Lists the keys by name, and the partition epochs by their number.
fn list_names(steps: &[&Step]) -> String {
    let is_epoch = |step: &&&Step| matches!(step.key, Key::PartitionEpoch(_));
    let (epochs, others): (Vec<&&Step>, Vec<&&Step>) = steps.iter().partition(is_epoch);
    let mut names: Vec<_> = others.iter().map(|step| step.key.to_string()).collect();
    match epochs.as_slice() {
        [] => {}
        [one] => names.push(one.key.to_string()),
        many => names.push(format!("{} epochs of partitions", many.len())),
    }
    names.join(", ")
}

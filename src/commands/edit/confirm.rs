//! The confirmation of an edit while nodes are running: they read the new value at once, and may
//! overwrite it.

use super::decision::EditDecision;
use super::job::EditJob;
use crate::codec;
use crate::commands::live_nodes;
use crate::outcome::{Check, CheckStatus, Code, Failure, Finding};
use crate::pipeline::checks;
use crate::terminal::confirmation::{self, Confirmation};
use crate::visible::escape_line;

/// Asks whether to edit although nodes are running, if they are.
///
/// # Errors
/// [`Code::NotInMigrationMode`] if the operator declines, or can't be asked.
pub(super) async fn confirm_edit(
    job: &EditJob<'_>,
    decision: &EditDecision,
) -> Result<(), Failure> {
    let Some(reason) = describe_running_nodes(job).await else { return Ok(()) };
    if job.args.dry_run || confirmation::is_pre_confirmed(job.context.options.yes) {
        job.warn(&format!(
            "{reason}; they may read the new value at any time, and may overwrite it"
        ));
        return Ok(());
    }
    let (diff, versions) = (&decision.diff, decision.describe_versions());
    let (line, versions) = (escape_line(&reason), escape_line(&versions));
    let question = format!("{diff}{line}.\nWrite {versions} anyway?");
    match job.context.ask_to_confirm(question).await? {
        Confirmation::Given => Ok(()),
        Confirmation::Declined => Err(unconfirmed_edit(&reason, "not confirmed")),
        Confirmation::NotAsked => {
            Err(unconfirmed_edit(&reason, "no terminal to ask for confirmation"))
        }
    }
}

/// Describes the nodes that may read and overwrite the value, if there are any.
async fn describe_running_nodes(job: &EditJob<'_>) -> Option<String> {
    let finding = match (job.store.cluster(), codec::nodes_of(&job.stored)) {
        (Some(cluster), Some(nodes)) => {
            let observed = live_nodes::observe_cluster_nodes(cluster, &nodes).await;
            checks::check_normal_roles(&observed)
        }
        (Some(_), None) => {
            let reason = "nodes_config can't be read, so that it is unknown whether the nodes are in \
                          migration mode";
            return Some(reason.to_owned());
        }
        (None, _) => {
            let no_node = Finding::skipped(Check::MigrationMode, "no running node was found");
            let observed = live_nodes::observe_nodes("store", &job.stored, job.context).await;
            checks::check_live_nodes(&observed, no_node, false)
        }
    };
    if finding.status == CheckStatus::Warning {
        job.warn(&finding.text());
    }
    (finding.status == CheckStatus::Failed).then(|| finding.text())
}

fn unconfirmed_edit(reason: &str, cause: &str) -> Failure {
    let message = format!("nothing was written: {reason}; {cause}");
    Failure::new(Code::NotInMigrationMode, message)
        .hint(
            "restart the nodes with --metadata-migration-mode, or stop them if they use an external \
             store",
        )
        .hint("to edit while nodes are running, pass --yes")
}

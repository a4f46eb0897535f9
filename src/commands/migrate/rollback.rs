//! A roll-back's last put: `nodes_config` of a live cluster, which ends the writing.
//!
//! Servers that see a generation above their own in it stop, mostly at once, sometimes after many seconds.
//! That is success. What happens to them before is survived: a leader that changes, a server that is
//! restarted and so raises its generation.

use std::time::{Duration, Instant};

use super::checks::check_rollback_nodes;
use super::job::Job;
use super::live_nodes::ask_cluster_nodes;
use super::prepared::Prepared;
use super::write::{MAX_CATCH_UP_ROUNDS, describe_failed_write};
use crate::backends::cluster::Cluster;
use crate::codec;
use crate::model::{Action, Entry, FailedWrite, Key, Plan, Step, StoreError, Value, WriteState};
use crate::outcome::{Check, CheckStatus, Code, Failure, Finding};
use crate::pipeline::apply;
use crate::pipeline::checks::{Membership, check_members};
use crate::pipeline::nodes_config_merge::{self, Merged};
use crate::pipeline::verify::are_same;
use crate::wording::plural;

/// The longest wait for a server that is being restarted. A node that hangs makes each probe take as
/// long as a request.
const RESTART_WAIT: Duration = Duration::from_secs(30);
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The time for reading back after the last put: the servers may already have stopped.
const LAST_READ_LIMIT: Duration = Duration::from_secs(1);

/// Puts the merged `nodes_config`, once all else is written and verified.
///
/// # Errors
/// [`Code::NotInMigrationMode`] if a node is not back in time; [`Code::TargetConflict`] if nodes are
/// restarted again and again; [`Code::TargetUnavailable`] where no leader is back in time, and where nobody
/// is left to say whether the put arrived.
pub(super) async fn put_nodes_config(
    job: &Job<'_>,
    prepared: &Prepared,
    cluster: &Cluster,
) -> Result<(), Failure> {
    for _ in 0..=MAX_CATCH_UP_ROUNDS {
        let now = wait_for_migration_mode(
            job,
            prepared,
            cluster,
            "all keys but nodes_config are written",
        )
        .await?;
        let merged = merge_nodes_config(prepared, &now)?;
        if merged.is_there && job.state.count_writes(WriteState::Written) == 0 && !job.args.force {
            return Ok(());
        }
        check_members_again(cluster, &merged, &now).await?;
        let plan = plan_last_put(&merged, now);
        job.state.merge_plan(plan.clone());
        match apply::carry_out(plan.changes(), job.target_store(), job.state, job.context.events)
            .await
        {
            Ok(()) => return confirm_put(job, &merged).await,
            Err(FailedWrite { error: StoreError::Conflict { .. }, .. }) => {
                job.warn("nodes_config of the target changed in the meantime; merging again");
            }
            Err(failed) => match settle_put(job, &merged, &failed).await? {
                Settled::Written => {
                    job.state.confirm_write(&Key::NodesConfig);
                    return Ok(());
                }
                Settled::NotWritten => {}
            },
        }
    }
    let rounds = plural(MAX_CATCH_UP_ROUNDS + 1, "round");
    let reason = format!(
        "nodes_config of the target changed again in each of {rounds}; all other keys are written"
    );
    Err(Failure::new(Code::TargetConflict, reason)
        .hint("find the node that is restarted again and again, or the other writer on the target"))
}

/// Checks migration mode once more right before the first write, and waits for a node that is being restarted: while the
/// question waited for its answer, nodes could be started in their normal roles.
///
/// # Errors
/// As [`put_nodes_config`] for nodes that are not in migration mode.
pub(super) async fn check_before_writing(
    job: &Job<'_>,
    prepared: &Prepared,
    cluster: &Cluster,
) -> Result<(), Failure> {
    wait_for_migration_mode(job, prepared, cluster, "nothing was written").await.map(|_| ())
}

/// The result of a put whose answer was lost, as reading shows it.
enum Settled {
    Written,
    NotWritten,
}

/// Reads whether a failed put has nevertheless been carried out.
async fn settle_put(
    job: &Job<'_>,
    merged: &Merged,
    failed: &FailedWrite,
) -> Result<Settled, Failure> {
    let error = &failed.error;
    if !failed.may_have_written {
        return Err(describe_failed_write(error, job).await);
    }
    match read_nodes_config(job).await {
        Some(value) if is_merge(&value, merged) => Ok(Settled::Written),
        // Not written, or written and raised since by a server that was started.
        Some(value) if value.version < merged.value.version => Ok(Settled::NotWritten),
        Some(value) if contains_merge(&value, merged) => Ok(Settled::Written),
        Some(_) => Err(describe_failed_write(error, job).await),
        None => Err(unconfirmed_put(error)),
    }
}

/// Waits for a node that is being restarted; the entry that is returned has its raised generation.
async fn wait_for_migration_mode(
    job: &Job<'_>,
    prepared: &Prepared,
    cluster: &Cluster,
    progress: &str,
) -> Result<Entry, Failure> {
    let since = Instant::now();
    let mut is_announced = false;
    loop {
        let held = job.target_store().read(&[Key::NodesConfig]).await;
        let held = match held {
            Ok(held) => held.into_iter().next().flatten(),
            Err(error) => return Err(describe_failed_write(&error, job).await),
        };
        let finding = check_cluster(cluster, prepared, held.as_ref()).await;
        match (finding.status, held) {
            (CheckStatus::Ok, Some(held)) => return Ok(held),
            _ if since.elapsed() < RESTART_WAIT => {
                if !std::mem::replace(&mut is_announced, true) {
                    job.warn(&format!("waiting for the target: {}", finding.text()));
                }
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
            _ => return Err(left_migration_mode(finding, progress)),
        }
    }
}

async fn check_cluster(cluster: &Cluster, prepared: &Prepared, held: Option<&Entry>) -> Finding {
    let uses_replicated_store = cluster.uses_replicated_store().await;
    let answers = match held.and_then(Entry::value).and_then(codec::nodes_in) {
        Some(target) => Some(ask_cluster_nodes(cluster, &prepared.nodes, &target).await),
        None => None,
    };
    check_rollback_nodes(answers.as_ref(), held, uses_replicated_store, false)
}

fn left_migration_mode(finding: Finding, progress: &str) -> Failure {
    let reason = format!("{progress}, but the target has left migration mode: {}", finding.text());
    let code = finding.code.unwrap_or(Code::NotInMigrationMode);
    finding.hints.into_iter().fold(Failure::new(code, reason), Failure::hint)
}

fn merge_nodes_config(prepared: &Prepared, now: &Entry) -> Result<Merged, Failure> {
    let source = prepared.source_snapshot.get(&Key::NodesConfig).and_then(Entry::value);
    let merged = match source.zip(now.value()) {
        Some((source, target)) => nodes_config_merge::merge(source, target),
        None => Err(vec!["nodes_config is absent or damaged".to_owned()]),
    };
    merged.map_err(|faults| {
        let reason = format!("nodes_config can no longer be merged: {}", faults.join("; "));
        Failure::new(Code::TargetOtherCluster, reason)
    })
}

/// Checks that the members still have a majority in the merge that is put next: nothing brings a cluster
/// back that has put another.
async fn check_members_again(
    cluster: &Cluster,
    merged: &Merged,
    now: &Entry,
) -> Result<(), Failure> {
    let (quorum, kept) = (cluster.quorum().await, codec::nodes_in(&merged.value));
    let held = now.value().and_then(codec::nodes_in).unwrap_or_default();
    let members = quorum.members().and_then(|count| count.reported.as_ref());
    let membership =
        members.zip(kept).map(|(members, kept)| Membership::new(members, &kept, &held));
    let finding = check_members(Finding::ok(Check::Quorum, "target"), membership.as_ref());
    match (finding.status, finding.code) {
        (CheckStatus::Failed, Some(code)) => {
            let reason = format!("all keys but nodes_config are written, but {}", finding.text());
            Err(finding.hints.into_iter().fold(Failure::new(code, reason), Failure::hint))
        }
        _ => Ok(()),
    }
}

fn plan_last_put(merged: &Merged, now: Entry) -> Plan {
    let step = Step {
        key: Key::NodesConfig,
        action: Action::Overwrite,
        source: Some(merged.value.clone()),
        target: Some(now),
    };
    Plan::new(vec![step])
}

/// Checks an acknowledged put: a node that still responds has to hold what was put, or what a server
/// that was started since has made of it.
async fn confirm_put(job: &Job<'_>, merged: &Merged) -> Result<(), Failure> {
    match read_nodes_config(job).await {
        Some(value) if !is_merge(&value, merged) && !contains_merge(&value, merged) => {
            let reason = "the target does not hold the nodes_config that was put there";
            Err(Failure::new(Code::VerificationFailed, reason)
                .hint("find and stop the other writer on the target"))
        }
        _ => Ok(()),
    }
}

async fn read_nodes_config(job: &Job<'_>) -> Option<Value> {
    let read = job.target_store().read(&[Key::NodesConfig]);
    let read = tokio::time::timeout(LAST_READ_LIMIT, read).await.ok()?.ok()?;
    read.into_iter().next().flatten()?.value().cloned()
}

/// Returns whether the value is what was put.
fn is_merge(value: &Value, merged: &Merged) -> bool {
    are_same(&Key::NodesConfig, Some(value), Some(&merged.value))
}

/// Returns whether a later value still contains the merge: no generation is lower than put.
fn contains_merge(later: &Value, merged: &Merged) -> bool {
    let (Some(later_nodes), Some(put)) = (codec::nodes_in(later), codec::nodes_in(&merged.value))
    else {
        return false;
    };
    let generation = |id| later_nodes.nodes.iter().find(|node| node.id == id).map(|n| n.generation);
    later.version > merged.value.version
        && put.nodes.iter().all(|node| generation(node.id) >= Some(node.generation))
}

fn unconfirmed_put(error: &StoreError) -> Failure {
    let failure = Failure::of_target(error);
    let message = format!(
        "{}; all other keys are written and verified; nodes_config is unconfirmed, since no node responds \
         any more",
        failure.message
    );
    Failure { message, ..failure }.hint(
        "to be sure, start all nodes with --metadata-migration-mode again and run the command below: it \
         does what is left (nodes that stopped by themselves have received nodes_config)",
    )
}

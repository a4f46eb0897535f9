//! A running cluster as the target: whether its nodes are at rest, and the put of `nodes_config` that
//! ends the writing.
//!
//! Servers that see a generation above their own in it stop, mostly at once, sometimes after many seconds.
//! That they do is success, and what happens to them before is survived: a leader that changes, a server
//! that is restarted and so raises its generation.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::write::{ROUNDS, Run, unwritten};
use crate::backends::cluster::Cluster;
use crate::backends::transport::Address;
use crate::codec::{self, Node, NodesConfiguration};
use crate::events::Event;
use crate::model::{
    Action, Entry, Key, Plan, Snapshot, Step, StoreError, UsesReplicatedStore, Value,
};
use crate::outcome::{Check, CheckStatus, Code, Failure, Finding};
use crate::pipeline::apply;
use crate::pipeline::checks::{self, Answers};
use crate::pipeline::nodes_config_merge::{self, Merged};

/// A server that is restarted is waited for. A node that hangs makes each look as long as a request.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// After the last put, how long the target is asked once more: its servers may be gone already.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// The check of the source's nodes, which have to run on the target that holds this `nodes_config`.
pub(super) async fn nodes(
    cluster: &Cluster,
    uses_replicated_store: UsesReplicatedStore,
    source: &NodesConfiguration,
    held: Option<&Entry>,
    dry_run: bool,
) -> Finding {
    let target = held.and_then(Entry::value).and_then(nodes_of);
    let Some(target) = target else {
        if uses_replicated_store == UsesReplicatedStore::Yes {
            let reason = "the target has no sound nodes_config";
            return Finding::skipped(Check::MigrationMode, reason);
        }
        return checks::check_running_nodes(
            &Answers::default(),
            held,
            uses_replicated_store,
            dry_run,
        );
    };
    let answers = ask(cluster, source, &target).await;
    checks::check_running_nodes(&answers, held, uses_replicated_store, dry_run)
}

fn nodes_of(value: &Value) -> Option<NodesConfiguration> {
    codec::nodes_configuration(&codec::decode(&Key::NodesConfig, &value.bytes).ok()?).ok()
}

async fn ask(
    cluster: &Cluster,
    source: &NodesConfiguration,
    target: &NodesConfiguration,
) -> Answers {
    let home = |node: &Node| target.nodes.iter().find(|known| known.id == node.id).cloned();
    let (known, unknown): (Vec<_>, Vec<_>) =
        source.nodes.iter().cloned().partition(|node| home(node).is_some());
    let at_home = known.iter().filter_map(home).map(|node| async move {
        let seen = cluster.probe_node(&node.address).await;
        (node, seen)
    });
    let homes: Vec<Address> =
        target.nodes.iter().filter_map(|node| node.address.parse().ok()).collect();
    let is_home = |node: &&Node| node.address.parse().is_ok_and(|at| homes.contains(&at));
    let elsewhere = source.nodes.iter().filter(|node| !is_home(node)).map(|node| async move {
        let seen = cluster.probe_node(&node.address).await.ok()?;
        // The same server under two addresses is at home.
        let moved =
            target.nodes.iter().all(|known| Some((known.id, known.generation)) != seen.node_id);
        moved.then(|| (node.clone(), seen))
    });
    let (at_home, elsewhere) = tokio::join!(join_all(at_home), join_all(elsewhere));
    Answers { at_home, elsewhere: elsewhere.into_iter().flatten().collect(), unknown }
}

/// Puts the merged `nodes_config`, once all else is written and verified.
///
/// # Errors
/// [`Code::NotInMigrationMode`] if a node is not back in time; [`Code::TargetConflict`] if nodes are
/// restarted again and again; [`Code::TargetUnavailable`] where no leader is back in time, and where nobody
/// is left to say whether the put arrived.
pub(super) async fn put_nodes_config(run: &Run<'_>, cluster: &Cluster) -> Result<(), Failure> {
    for _ in 0..=ROUNDS {
        let now = wait_until_at_rest(run, cluster).await?;
        let merged = merged(run, &now)?;
        if merged.is_there && run.record.written_count() == 0 && !run.args.force {
            return Ok(());
        }
        let plan = last_step(&merged, now);
        run.record.followed(plan.clone());
        match apply::carry_out(&plan, run.target, run.record, run.context.events).await {
            Ok(()) => return confirm(run, &merged).await,
            Err(StoreError::Conflict { .. }) => {
                let told = "nodes_config of the target changed meanwhile; merging again";
                run.context.events.emit(Event::Warning(told));
            }
            Err(error @ (StoreError::Unavailable { .. } | StoreError::NoQuorum { .. })) => {
                match read(run).await {
                    Some(value) if value == merged.value => return Ok(()),
                    // Not written, or written and raised since by a server that was started.
                    Some(value) if value.version < merged.value.version => {}
                    Some(value) if holds(&value, &merged) => return Ok(()),
                    Some(_) => return Err(unwritten(&error, &run.record.plan(), run.record)),
                    None => return Err(unknown(&error)),
                }
            }
            Err(error) => return Err(unwritten(&error, &run.record.plan(), run.record)),
        }
    }
    let reason = format!(
        "nodes_config of the target changed again in each of {} rounds; all other keys are written",
        ROUNDS + 1
    );
    Err(Failure::new(Code::TargetConflict, reason)
        .hint("find out which node is restarted again and again, or who else writes there"))
}

/// Waits for a node that is being restarted. What is read afterwards has its raised generation.
async fn wait_until_at_rest(run: &Run<'_>, cluster: &Cluster) -> Result<Entry, Failure> {
    let since = Instant::now();
    let mut told = false;
    loop {
        let held = run.target.read(&[Key::NodesConfig]).await;
        let held = held.map_err(|error| unwritten(&error, &run.record.plan(), run.record))?;
        let held = held.into_iter().next().flatten();
        let uses_replicated_store = cluster.uses_replicated_store().await;
        let nodes =
            nodes(cluster, uses_replicated_store, &run.gathered.nodes, held.as_ref(), false);
        let finding = nodes.await;
        match (finding.status, held) {
            (CheckStatus::Ok, Some(held)) => return Ok(held),
            _ if since.elapsed() < PATIENCE => {
                if !std::mem::replace(&mut told, true) {
                    let waiting = format!("waiting for the target: {}", finding.text());
                    run.context.events.emit(Event::Warning(&waiting));
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            _ => {
                let reason = format!(
                    "all keys but nodes_config are written, but the target is not at rest any more: {}",
                    finding.text()
                );
                let code = finding.code.unwrap_or(Code::NotInMigrationMode);
                return Err(finding
                    .hints
                    .into_iter()
                    .fold(Failure::new(code, reason), Failure::hint));
            }
        }
    }
}

fn merged(run: &Run<'_>, now: &Entry) -> Result<Merged, Failure> {
    let both = run.gathered.before.get(&Key::NodesConfig).and_then(Entry::value).zip(now.value());
    let merged = match both {
        Some((source, target)) => nodes_config_merge::merge(source, target),
        None => Err(vec!["nodes_config is absent or damaged".to_owned()]),
    };
    merged.map_err(|faults| {
        let reason = format!("nodes_config can't be merged any more: {}", faults.join("; "));
        Failure::new(Code::TargetOtherCluster, reason)
    })
}

fn last_step(merged: &Merged, now: Entry) -> Plan {
    let step = Step {
        key: Key::NodesConfig,
        action: Action::Overwrite,
        source: Some(merged.value.clone()),
        target: Some(now),
    };
    Plan { steps: vec![step] }
}

/// The put was acknowledged. Where a node still answers, it has to hold what was put, or what a server
/// that was started since has made of it.
async fn confirm(run: &Run<'_>, merged: &Merged) -> Result<(), Failure> {
    match read(run).await {
        Some(value) if value != merged.value && !holds(&value, merged) => {
            let reason = "the target does not hold the nodes_config that was put there";
            Err(Failure::new(Code::VerificationFailed, reason)
                .hint("another writer is at work on the target: find and stop it"))
        }
        _ => Ok(()),
    }
}

async fn read(run: &Run<'_>) -> Option<Value> {
    let read = run.target.read(&[Key::NodesConfig]);
    let read = tokio::time::timeout(LAST_LOOK, read).await.ok()?.ok()?;
    read.into_iter().next().flatten()?.value().cloned()
}

/// Whether a later value still is the merge: no generation is lower than put.
fn holds(later: &Value, merged: &Merged) -> bool {
    let (Some(later_nodes), Some(put)) = (nodes_of(later), nodes_of(&merged.value)) else {
        return false;
    };
    let generation = |id| later_nodes.nodes.iter().find(|node| node.id == id).map(|n| n.generation);
    later.version > merged.value.version
        && put.nodes.iter().all(|node| generation(node.id) >= Some(node.generation))
}

fn unknown(error: &StoreError) -> Failure {
    let failure = Failure::of_target(error);
    let message = format!(
        "{}; all other keys are written and verified, but whether nodes_config was put is not known: no \
         node answers any more",
        failure.message
    );
    Failure { message, ..failure }.hint(
        "nodes that stopped by themselves have seen it; to be sure, start all nodes with \
         --metadata-migration-mode again and run the command below: it does what is left",
    )
}

/// All but `nodes_config`, which is compared with the merge.
pub(super) fn others(snapshot: &Snapshot) -> Snapshot {
    let others = snapshot.iter().filter(|(key, _)| **key != Key::NodesConfig);
    others.map(|(key, entry)| (key.clone(), entry.clone())).collect()
}

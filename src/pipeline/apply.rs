//! Carries out a plan, as the only caller of `Target::write`: `nodes_config` last, or writes one edited key.
//!
//! A server takes a store without `nodes_config` for one that was never set up, so that a
//! half-written target is never mistaken for a whole one. For the same reason a `nodes_config` that
//! is to be replaced is deleted first, unless all happens in one transaction, or servers run on the
//! target, which can't be without it.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::backends::{Target, WriteLimits};
use crate::events::{Event, EventSink, Stage};
use crate::model::{Change, Effect, FailedWrite, Key, StoreError, Value};

/// A record of what was written, for the report of a run that stops midway.
pub trait Journal: Send + Sync {
    /// Records that these changes are about to be sent: from now on, they may be carried out.
    fn begin_writes(&self, changes: &[Change]);
    /// Records that these changes were acknowledged.
    fn add_written(&self, changes: &[Change]);
    /// Records that the store certainly carried out none of these changes.
    fn add_not_written(&self, changes: &[Change]);
}

/// Carries out these changes of a plan.
///
/// # Errors
/// The first failed write. Writes that were under way are then waited for, and no other is begun.
pub async fn carry_out(
    changes: Vec<Change>,
    target: &dyn Target,
    journal: &dyn Journal,
    events: &dyn EventSink,
) -> Result<(), FailedWrite> {
    events.emit(Event::Started(Stage::Write, target.name()));
    events.emit(Event::Total(Stage::Write, changes.len()));
    let mut limits = target.write_limits();
    let mut groups: VecDeque<_> = group_changes(changes, limits, target.is_live_cluster()).into();
    while let Some(group) = groups.pop_front() {
        let left = write_all(group, target, journal, events).await?;
        if let Some(largest) = left.iter().map(Vec::len).max() {
            // What is not written yet is grouped anew: nodes_config is no longer in one transaction with others.
            limits.keys = (largest / 2).max(1);
            let left = left.into_iter().flatten().collect();
            for group in group_changes(left, limits, target.is_live_cluster()).into_iter().rev() {
                groups.push_front(group);
            }
        }
    }
    events.emit(Event::Finished(Stage::Write));
    Ok(())
}

/// Writes a single key, as an edit does.
///
/// # Errors
/// As [`Target::write`].
pub async fn write_one(change: Change, target: &dyn Target) -> Result<(), FailedWrite> {
    target.write(&[change]).await
}

/// Batches that may be written at once, group after group.
fn group_changes(
    changes: Vec<Change>,
    writing: WriteLimits,
    is_live_cluster: bool,
) -> Vec<Vec<Vec<Change>>> {
    let is_one_batch = writing.atomic && !is_live_cluster && is_one_batch(&changes, writing);
    let (nodes_config, mut others): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.key == Key::NodesConfig);
    if is_one_batch {
        others.extend(nodes_config);
        return vec![if others.is_empty() { Vec::new() } else { vec![others] }];
    }
    let (first, last) = nodes_config
        .into_iter()
        .map(|change| split_nodes_config(change, is_live_cluster))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let (first, last) =
        (first.into_iter().flatten().collect(), last.into_iter().flatten().collect());
    let (deletions, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|change| matches!(change.effect, Effect::Delete(_)));
    [first, deletions, others, last]
        .into_iter()
        .map(|group| cut_batches(group, writing))
        .filter(|group| !group.is_empty())
        .collect()
}

/// Splits the change of `nodes_config` into what happens before all others and what happens after.
fn split_nodes_config(change: Change, is_live_cluster: bool) -> (Option<Change>, Option<Change>) {
    let with = |effect| Change { key: change.key.clone(), effect };
    match change.effect.clone() {
        _ if is_live_cluster => (None, Some(change)),
        Effect::Create(_) => (None, Some(change)),
        Effect::Delete(_) => (Some(change), None),
        Effect::Overwrite(value, tag) => {
            (Some(with(Effect::Delete(tag))), Some(with(Effect::Create(value))))
        }
    }
}

fn is_one_batch(changes: &[Change], writing: WriteLimits) -> bool {
    let bytes = || changes.iter().map(Change::size).sum::<usize>();
    changes.len() <= 1 || (changes.len() <= writing.keys && bytes() <= writing.bytes)
}

fn cut_batches(changes: Vec<Change>, writing: WriteLimits) -> Vec<Vec<Change>> {
    let mut batches: Vec<Vec<Change>> = Vec::new();
    let mut bytes = 0;
    for change in changes {
        let size = change.size();
        match batches.last_mut() {
            Some(batch) if batch.len() < writing.keys && bytes + size <= writing.bytes => {
                batch.push(change);
                bytes += size;
            }
            _ => {
                batches.push(vec![change]);
                bytes = size;
            }
        }
    }
    batches
}

/// Writes these batches at once. Returns those that are too large for the capacity of the store, and those that
/// were then not begun.
async fn write_all(
    batches: Vec<Vec<Change>>,
    target: &dyn Target,
    journal: &dyn Journal,
    events: &dyn EventSink,
) -> Result<Vec<Vec<Change>>, FailedWrite> {
    let mut waiting = batches.into_iter();
    let mut under_way = FuturesUnordered::new();
    let (mut failed, mut throttled) = (None, Vec::new());
    loop {
        while failed.is_none()
            && throttled.is_empty()
            && under_way.len() < target.write_limits().concurrency.max(1)
        {
            let Some(batch) = waiting.next() else { break };
            journal.begin_writes(&batch);
            under_way.push(async move { (target.write(&batch).await, batch) });
        }
        match under_way.next().await {
            None if failed.is_none() && !throttled.is_empty() => {
                return Ok(throttled.into_iter().chain(waiting).collect());
            }
            None => return failed.map_or(Ok(Vec::new()), Err),
            Some((Ok(()), batch)) => {
                journal.add_written(&batch);
                for change in &batch {
                    let bytes = change.value().map_or(0, |value: &Value| value.bytes.len());
                    events.emit(Event::Key(Stage::Write, bytes as u64));
                }
            }
            Some((Err(error), batch)) => {
                if !error.may_have_written {
                    journal.add_not_written(&batch);
                }
                match is_too_large_for_capacity(&error, &batch) {
                    true => throttled.push(batch),
                    false => failed = failed.or(Some(error)),
                }
            }
        }
    }
}

/// Returns whether a smaller batch may be written where this one is not, for want of capacity.
fn is_too_large_for_capacity(failed: &FailedWrite, batch: &[Change]) -> bool {
    let is_throttled = matches!(failed.error, StoreError::Throttled { .. });
    is_throttled && !failed.may_have_written && batch.len() > 1
}

#[cfg(test)]
mod tests;

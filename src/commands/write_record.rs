//! What came of each write of a plan, and the reading that settles what an answer did not tell: for every command
//! that carries out a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::backends::Target;
use crate::model::{Action, Change, Effect, Entry, Key, Plan, Step, StoreError, WriteState};
use crate::pipeline::verify::are_same;

/// The state of each key whose write was begun.
pub(super) type Writes = BTreeMap<Key, WriteState>;

/// Records that these changes are about to be sent. Returns the keys that an earlier write has changed, or may have.
pub(super) fn record_begun(changes: &[Change], writes: &mut Writes) -> Vec<Key> {
    let mut changed_before = Vec::new();
    for Change { key, .. } in changes {
        let before = writes.insert(key.clone(), WriteState::Unknown);
        if matches!(before, Some(WriteState::Written | WriteState::Unknown)) {
            changed_before.push(key.clone());
        }
    }
    changed_before
}

/// Records that these changes of the plan were acknowledged.
pub(super) fn record_written(changes: &[Change], plan: &Plan, writes: &mut Writes) {
    for change in changes {
        let step = plan.step(&change.key);
        // A key that is deleted in order to be created later holds neither its old value nor the new.
        let is_interim = matches!(change.effect, Effect::Delete(_))
            && step.is_some_and(|step| step.action != Action::Delete);
        if !is_interim {
            writes.insert(change.key.clone(), WriteState::Written);
        }
    }
}

/// Records that the store certainly carried out none of these changes.
pub(super) fn record_not_written(
    changes: &[Change],
    changed_before: &BTreeSet<Key>,
    writes: &mut Writes,
) {
    for Change { key, .. } in changes.iter().filter(|change| !changed_before.contains(&change.key))
    {
        writes.insert(key.clone(), WriteState::NotWritten);
    }
}

/// Reads the keys of these steps, and calls `confirm` for each that the target holds as planned. Returns whether
/// the target responded in time.
///
/// A key that is not there may still arrive, with a request that is on its way.
pub(super) async fn confirm_steps(
    target: &dyn Target,
    steps: &[Step],
    limit: Duration,
    confirm: &(dyn Fn(&Key) + Sync),
) -> bool {
    let limits = target.read_limits();
    let batches = steps.chunks(limits.keys.max(1)).map(|batch| async move {
        let keys: Vec<_> = batch.iter().map(|step| step.key.clone()).collect();
        let found = target.read(&keys).await?;
        let pairs = batch.iter().zip(&found);
        pairs
            .filter(|(step, found)| is_as_planned(step, found.as_ref()))
            .for_each(|(step, _)| confirm(&step.key));
        Ok::<_, StoreError>(())
    });
    let reading = stream::iter(batches).buffer_unordered(limits.concurrency.max(1)).try_collect();
    matches!(tokio::time::timeout(limit, reading).await, Ok(Ok(())))
}

fn is_as_planned(step: &Step, found: Option<&Entry>) -> bool {
    match &step.source {
        Some(source) => are_same(&step.key, Some(source), found.and_then(Entry::value)),
        None => found.is_none(),
    }
}

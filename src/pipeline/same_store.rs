//! Whether two opened stores are one, under whatever names: what is copied onto itself, or compared with
//! itself, is lost or proves nothing.

use std::collections::BTreeMap;

use crate::backends::Source;
use crate::model::{CasToken, Entry, Key, Snapshot, StoreError, StoreIdentity, StoreRelation};

/// A store, and what was read from it.
#[derive(Clone, Copy)]
pub struct ReadStore<'a> {
    /// The store.
    pub store: &'a dyn Source,
    /// What it held.
    pub snapshot: &'a Snapshot,
}

/// A side that could not be asked who it is.
#[derive(Debug)]
pub enum UnaskedSide {
    /// The source.
    Source(StoreError),
    /// The target.
    Target(StoreError),
}

/// Returns whether both are one store.
///
/// An etcd does not say who it is. Where all that it says fits, a mark is left in the target, which is no key
/// and expires by itself, and looked for in the source. Where no mark can be used, the stored state of all keys
/// decides.
///
/// # Errors
/// A store that can't be asked.
pub async fn are_one_store(
    source: ReadStore<'_>,
    target: ReadStore<'_>,
) -> Result<bool, UnaskedSide> {
    let ask_source = || async { source.store.identify().await.map_err(UnaskedSide::Source) };
    // The target is not asked where the answer would be compared with nothing.
    let Some(before) = ask_source().await? else { return Ok(false) };
    let other = target.store.identify().await.map_err(UnaskedSide::Target)?;
    let Some(other) = other else { return Ok(false) };
    match before.compare(&other) {
        StoreRelation::Same => Ok(true),
        StoreRelation::Different => Ok(false),
        StoreRelation::Unknown => match ask_source().await? {
            Some(after) if may_be_one(&before, &other, &after) => {
                let is_found = find_mark(source, target).await;
                Ok(is_found.unwrap_or_else(|| have_equal_state(source.snapshot, target.snapshot)))
            }
            _ => Ok(false),
        },
    }
}

/// Returns whether the revision of a store, if it has one, may be that of another, which was asked before and
/// after it.
fn may_be_one(before: &StoreIdentity, other: &StoreIdentity, after: &StoreIdentity) -> bool {
    let revision = |identity: &StoreIdentity| match identity {
        StoreIdentity::Etcd { revision, .. } => *revision,
        StoreIdentity::ObjectStore { .. } | StoreIdentity::Table { .. } => 0,
    };
    (revision(before)..=revision(after)).contains(&revision(other))
}

/// Leaves a mark in the target and looks for it in the source; `None` where that is not possible.
async fn find_mark(source: ReadStore<'_>, target: ReadStore<'_>) -> Option<bool> {
    let unless_failed = |name: &str, error: StoreError| {
        tracing::info!("{name}: whether both are one store is judged by their keys: {error}");
    };
    let left = target.store.leave_mark().await;
    let mark = left.map_err(|error| unless_failed(target.store.name(), error)).ok()??;
    let is_there = source.store.has_mark(mark).await;
    target.store.remove_mark(mark).await;
    is_there.map_err(|error| unless_failed(source.store.name(), error)).ok()
}

fn have_equal_state(one: &Snapshot, other: &Snapshot) -> bool {
    list_tokens(one) == list_tokens(other)
}

fn list_tokens(snapshot: &Snapshot) -> BTreeMap<&Key, &CasToken> {
    let tokens = snapshot.iter().map(|(key, entry)| match entry {
        Entry::Intact(_, token) | Entry::Damaged { tag: token, .. } => (key, token),
    });
    tokens.collect()
}

#[cfg(test)]
mod tests;

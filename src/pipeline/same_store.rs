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

/// Returns whether both are one store.
///
/// An etcd does not say who it is. Where all that it says fits, a mark is left in the target, which is no key
/// and expires by itself, and looked for in the source.
///
/// # Errors
/// A store that can't be asked.
pub async fn are_one_store(
    source: ReadStore<'_>,
    target: ReadStore<'_>,
) -> Result<bool, StoreError> {
    let (before, other) = (source.store.identify().await?, target.store.identify().await?);
    let (Some(before), Some(other)) = (before, other) else { return Ok(false) };
    match before.compare(&other) {
        StoreRelation::Same => Ok(true),
        StoreRelation::Different => Ok(false),
        StoreRelation::Unknown => {
            let after = source.store.identify().await?;
            match after.is_some_and(|after| is_between(&before, &other, &after)) {
                true => find_mark(source, target).await,
                false => Ok(false),
            }
        }
    }
}

/// Returns whether the revision of a store may be that of another, which was asked before and after it.
fn is_between(before: &StoreIdentity, other: &StoreIdentity, after: &StoreIdentity) -> bool {
    let revision = |identity: &StoreIdentity| match identity {
        StoreIdentity::Etcd { revision, .. } => Some(*revision),
        StoreIdentity::ObjectStore { .. } | StoreIdentity::Table { .. } => None,
    };
    let (before, other, after) = (revision(before), revision(other), revision(after));
    before
        .zip(other)
        .zip(after)
        .is_some_and(|((before, other), after)| (before..=after).contains(&other))
}

/// Leaves a mark in the target and looks for it in the source. Where that is not possible, the revisions of
/// all keys decide.
async fn find_mark(source: ReadStore<'_>, target: ReadStore<'_>) -> Result<bool, StoreError> {
    let mark = match target.store.leave_mark().await {
        Ok(Some(mark)) => mark,
        Ok(None) => return Ok(have_equal_revisions(source.snapshot, target.snapshot)),
        Err(error) => {
            tracing::info!("{}: no mark could be left: {error}", target.store.name());
            return Ok(have_equal_revisions(source.snapshot, target.snapshot));
        }
    };
    let is_there = source.store.has_mark(mark).await;
    target.store.remove_mark(mark).await;
    is_there
}

fn have_equal_revisions(one: &Snapshot, other: &Snapshot) -> bool {
    !one.is_empty() && list_tokens(one) == list_tokens(other)
}

fn list_tokens(snapshot: &Snapshot) -> BTreeMap<&Key, &CasToken> {
    let tokens = snapshot.iter().map(|(key, entry)| match entry {
        Entry::Intact(_, token) | Entry::Damaged { tag: token, .. } => (key, token),
    });
    tokens.collect()
}

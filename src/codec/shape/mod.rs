//! Checks that the servers would read a document back, and run on it: the fields that their decoders need,
//! the form of each, and what has to hold between them.
//!
//! There is no source to read this from. The shapes in [`kinds`] and the rules in [`rules`] were found by
//! starting real 1.7.12 servers on edited documents; `tests/edit/oracle.rs` does that again. An unknown
//! field is skipped, as the servers skip it.

mod error;
mod form;
mod kinds;
mod rules;
mod schema;
mod text;
mod walk;

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::codec::Tree;
use crate::model::Key;
pub use error::ShapeError;

/// Returns every error of a decoded value. A key that is not Restate's has none.
pub fn find_shape_errors(key: &Key, document: &Tree<'_>) -> Vec<ShapeError> {
    let Some(shape) = kinds::shape_of(key) else { return Vec::new() };
    let mut errors = walk::find_mismatches(shape, document);
    errors.extend(rules::find_broken_rules(key, document));
    errors
}

/// Returns the errors of a document that the stored one does not have.
///
/// So a value with two errors can be mended one at a time, and what a newer server has written stays.
pub fn find_added_errors(key: &Key, document: &Json, stored: Option<&Json>) -> Vec<ShapeError> {
    let mut errors = find_shape_errors(key, &Tree::borrow(document));
    let Some(stored) = stored else { return errors };
    errors.extend(find_lost_fingerprint(key, document, stored));
    let before = find_shape_errors(key, &Tree::borrow(stored));
    let mut same_place = count(before.iter().cloned());
    errors.retain(|error| !take(&mut same_place, error));
    // What is left of the old ones may have moved, as the elements of a list do.
    let left = same_place.into_iter().flat_map(|(error, count)| std::iter::repeat_n(error, count));
    let mut moved = count(left.map(|error| describe_content(stored, &error)));
    errors.retain(|error| !take(&mut moved, &describe_content(document, error)));
    errors
}

/// A cluster may be older than fingerprints; one that has had one can't lose it: its metadata servers
/// refuse such a `nodes_config`, and never come up (seen with 1.7.12).
fn find_lost_fingerprint(key: &Key, document: &Json, stored: &Json) -> Option<ShapeError> {
    let has_one = |document: &Json| {
        document.get("cluster_fingerprint").is_some_and(|fingerprint| !fingerprint.is_null())
    };
    let is_lost = *key == Key::NodesConfig && has_one(stored) && !has_one(document);
    is_lost
        .then(|| ShapeError::new("/cluster_fingerprint", "is missing, and the stored value has it"))
}

fn count<T: std::hash::Hash + Eq>(all: impl Iterator<Item = T>) -> HashMap<T, usize> {
    all.fold(HashMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}

/// Removes one of these; returns whether there was one.
fn take<T: std::hash::Hash + Eq>(counts: &mut HashMap<T, usize>, one: &T) -> bool {
    match counts.get_mut(one) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

/// Returns what tells an error apart wherever it stands: its message, the innermost value that is there,
/// and the names of what is not.
fn describe_content(document: &Json, error: &ShapeError) -> (String, String, String) {
    let mut place = error.path.as_str();
    while document.pointer(place).is_none() {
        let Some((parent, _)) = place.rsplit_once('/') else { break };
        place = parent;
    }
    let value = document.pointer(place).map(Json::to_string).unwrap_or_default();
    let absent = error.path.get(place.len()..).unwrap_or_default().to_owned();
    (error.message.clone(), value, absent)
}

#[cfg(test)]
mod tests;

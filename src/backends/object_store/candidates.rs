//! Objects with names that this version does not know: which of them are keys of Restate's.
//!
//! A bucket may hold a million of others, and any size of them: the listing decides first, and few are read.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::body::MIN_VALUE_BODY;
use super::examined::{Examined, MAX_CANDIDATES};
use super::page::ListedObject;
use super::probe::SCRATCH_PREFIX;
use super::store::ObjectStore;
use crate::model::{Key, StoreError};

/// The unknown names that may be keys, those that resemble a known name first.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    kept: BTreeSet<(bool, String)>,
    left_out: usize,
}

impl Candidates {
    /// Adds an object with an unknown name, unless its size or its name say that it is no key.
    pub(super) fn add_object(&mut self, name: &str, object: &ListedObject, most: usize) {
        let may_be_value =
            object.size.is_none_or(|size| (MIN_VALUE_BODY as u64..=most as u64).contains(&size));
        // A store that ignores the delimiter lists what lies in folders, such as the keys of another prefix.
        let may_be_key = !name.starts_with(SCRATCH_PREFIX)
            && !name.contains(|c: char| c == '/' || c.is_control());
        if !may_be_value || !may_be_key {
            return;
        }
        let resembles = Key::FIXED.iter().any(|key| name.starts_with(&key.to_string()))
            || name.starts_with(Key::EPOCH_PREFIX);
        self.kept.insert((!resembles, name.to_owned()));
        if self.kept.len() > MAX_CANDIDATES {
            self.kept.pop_last();
            self.left_out += 1;
        }
    }
}

/// Reads the candidates as far as it takes to know what they are: of most, the first byte and the
/// Content-Encoding are enough.
///
/// # Errors
/// What may be over at the next attempt; an object that alone can't be read is counted.
pub(super) async fn examine_candidates(
    store: &ObjectStore,
    candidates: Candidates,
) -> Result<Examined, StoreError> {
    let names = candidates.kept.into_iter().map(|(_, name)| name);
    let looks = names.map(|name| async move {
        match store.client.holds_value(&format!("{}{name}", store.prefix)).await {
            Ok(is_ours) => Ok((Key::parse(&name), Some(is_ours))),
            // What may pass is no reason to leave a key out.
            Err(
                error @ (StoreError::Unavailable { .. }
                | StoreError::Throttled { .. }
                | StoreError::Untrusted { .. }),
            ) => Err(error),
            Err(error) => {
                tracing::debug!("{name} can't be read, and counts as foreign: {error}");
                Ok((Key::parse(&name), None))
            }
        }
    });
    let concurrency = store.client.retries.pace.max_concurrency();
    let looks = stream::iter(looks).buffer_unordered(concurrency);
    let nothing = Examined { left_out: candidates.left_out, ..Examined::default() };
    looks
        .try_fold(nothing, |mut examined, (key, is_ours)| async move {
            match is_ours {
                Some(true) => drop(examined.ours.insert(key)),
                Some(false) => {}
                None => examined.unreadable += 1,
            }
            Ok(examined)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(objects: &[(&str, Option<u64>)]) -> Vec<String> {
        let mut candidates = Candidates::default();
        for (name, size) in objects {
            let object = ListedObject { name: format!("p/{name}"), size: *size };
            candidates.add_object(name, &object, 100);
        }
        candidates.kept.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn only_objects_that_can_be_values_are_candidates() {
        let objects = [
            (".keep", Some(0)),
            ("large", Some(101)),
            ("line\nbreak", Some(50)),
            ("nested/nodes_config", Some(50)),
            ("restatectl-probe-1", Some(50)),
            ("a_future_key", Some(100)),
            ("without_size", None),
            ("nodes_config.bak", Some(50)),
        ];
        assert_eq!(kept(&objects), ["nodes_config.bak", "a_future_key", "without_size"]);
    }

    #[test]
    fn number_of_candidates_is_limited_and_those_that_resemble_a_key_are_kept() {
        let mut candidates = Candidates::default();
        let size = Some(50);
        for n in 0..MAX_CANDIDATES + 5 {
            let name = format!("foreign-{n}");
            candidates.add_object(&name, &ListedObject { name: name.clone(), size }, 100);
        }
        let name = "pp_epoch_7.bak".to_owned();
        candidates.add_object(&name, &ListedObject { name: name.clone(), size }, 100);
        assert_eq!((candidates.kept.len(), candidates.left_out), (MAX_CANDIDATES, 6));
        assert_eq!(candidates.kept.first(), Some(&(false, name)));
    }
}

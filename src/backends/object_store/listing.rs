//! Lists the objects below the prefix: Restate's, and foreign ones.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::body::TOMBSTONE;
use super::candidates::{Candidates, examine_candidates};
use super::examined::Examined;
use super::store::ObjectStore;
use super::walk::{Walked, walk_objects};
use crate::model::unless_denied;
use crate::model::{Key, StoreError};

/// Restate's keys. An unknown name counts if its object decodes as Restate's, and a known one unless its object
/// is a tombstone. `None` where listing is not permitted.
pub(super) async fn list_keys(store: &ObjectStore) -> Result<Option<BTreeSet<Key>>, StoreError> {
    // Restate itself never lists.
    let Some(Found { known: mut keys, may_be_deleted, candidates, unknown }) =
        unless_denied(find_keys(store).await)?
    else {
        return Ok(None);
    };
    let examined = Examined { unknown, ..examine_candidates(store, candidates).await? };
    keys.extend(examined.ours.iter().cloned());
    for key in find_deleted_keys(store, may_be_deleted).await? {
        keys.remove(&key);
    }
    *store.examined.lock().unwrap_or_else(PoisonError::into_inner) = Some(examined);
    Ok(Some(keys))
}

/// Returns which of these keys are tombstones.
async fn find_deleted_keys(store: &ObjectStore, keys: Vec<Key>) -> Result<Vec<Key>, StoreError> {
    let looks = keys.into_iter().map(|key| async move {
        let is_deleted = store.read_one(&key).await?.is_none();
        Ok(is_deleted.then_some(key))
    });
    let concurrency = store.client.retries.pace.max_concurrency();
    let looks = stream::iter(looks).buffer_unordered(concurrency);
    looks.try_filter_map(|deleted| async move { Ok(deleted) }).try_collect().await
}

/// The objects right below the prefix.
struct Found {
    known: BTreeSet<Key>,
    /// Those of them whose objects may be tombstones by their size.
    may_be_deleted: Vec<Key>,
    candidates: Candidates,
    /// The number of all others, where there are no folders.
    unknown: Option<u64>,
}

/// Finds the objects with known names, and those that may be keys with unknown ones.
async fn find_keys(store: &ObjectStore) -> Result<Found, StoreError> {
    let (mut known, mut candidates) = (BTreeSet::new(), Candidates::default());
    let (mut unknown, mut may_be_deleted) = (0, Vec::new());
    let most = store.client.max_body;
    let walked = walk_objects(store, Some("/"), |name, object| {
        let key = Key::parse(name);
        if !key.is_known() {
            unknown += 1;
            candidates.add_object(name, object, most);
        } else {
            if object.size.is_none_or(|size| size == TOMBSTONE.len() as u64) {
                may_be_deleted.push(key.clone());
            }
            if !known.insert(key) {
                return Err(format!("has the name {name:?} twice"));
            }
        }
        Ok(())
    });
    match walked.await? {
        Walked::Completely { has_folders } => {
            let unknown = (!has_folders).then_some(unknown);
            Ok(Found { known, may_be_deleted, candidates, unknown })
        }
        Walked::InPart(reason) => Err(StoreError::Unusable {
            store: store.client.name.clone(),
            reason: format!(
                "the listing of its objects {reason}: too much lies beside the metadata, or the store \
                 never ends a listing"
            ),
        }),
    }
}

/// Counts the foreign objects below the prefix; `None` where listing is not permitted.
///
/// Nothing depends on the number: where there are too many, the count ends.
pub(super) async fn count_foreign_objects(store: &ObjectStore) -> Result<Option<u64>, StoreError> {
    let listed = || store.examined.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if listed().is_none() && list_keys(store).await?.is_none() {
        return Ok(None);
    }
    let Examined { ours, unknown, .. } = listed().unwrap_or_default();
    let ours = ours.len() as u64;
    // Without folders, the listing of the keys has counted them.
    if let Some(unknown) = unknown {
        return Ok(Some(unknown.saturating_sub(ours)));
    }
    let mut unknown = 0_u64;
    let walked = walk_objects(store, None, |name, _| {
        unknown += u64::from(!Key::parse(name).is_known());
        Ok(())
    });
    let Some(walked) = unless_denied(walked.await)? else { return Ok(None) };
    if let Walked::InPart(reason) = walked {
        tracing::info!("the listing of foreign objects {reason}: the rest is not counted");
    }
    Ok(Some(unknown.saturating_sub(ours)))
}

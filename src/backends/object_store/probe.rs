//! Probes how a store treats conditional writes, on a scratch object: Restate corrupts its
//! metadata on one that does not honour them.

use prost::bytes::Bytes;

use super::body::TOMBSTONE;
use super::client::{Precondition, Put};
use super::store::ObjectStore;
use crate::model::{ConditionalWrites, StoreError};

/// An ETag that no object has.
const STALE: &str = "\"00000000000000000000000000000000\"";

/// Returns a name that is not Restate's, and that no other run uses.
///
/// Its body is a tombstone, so that it means nothing where it has to be left behind.
fn scratch_name(store: &ObjectStore) -> String {
    format!("{}restatectl-probe-{:016x}", store.prefix, fastrand::u64(..))
}

/// Tries a write that can't succeed, since there is no object with that ETag.
pub(super) async fn probe_write(store: &ObjectStore) -> Result<(), StoreError> {
    let name = scratch_name(store);
    let condition = Precondition::ETag(STALE.to_owned());
    match attempt_put(store, &name, &condition).await? {
        true => {
            // It does not honour the condition: what it wrote is taken away, and the probe of
            // conditional writes will say so.
            let _ = store.client.delete(&name).await;
            Ok(())
        }
        false => Ok(()),
    }
}

/// Creates twice, with a stale ETag, and where nothing is.
pub(super) async fn probe_conditional_writes(
    store: &ObjectStore,
) -> Result<ConditionalWrites, StoreError> {
    let (name, absent) = (scratch_name(store), scratch_name(store));
    let stale = Precondition::ETag(STALE.to_owned());
    let created = attempt_put(store, &name, &Precondition::Absent).await?;
    let again = attempt_put(store, &name, &Precondition::Absent).await?;
    let with_stale = attempt_put(store, &name, &stale).await?;
    let found = store.client.get(&name, false).await?;
    let with_right = match found {
        Some(object) => attempt_put(store, &name, &Precondition::ETag(object.etag)).await?,
        None => false,
    };
    let onto_nothing = attempt_put(store, &absent, &stale).await?;
    let faults = [
        (!created, "it refuses to create an object that does not exist"),
        (again, "it overwrites an existing object in spite of If-None-Match: *"),
        (with_stale, "it overwrites an object in spite of an If-Match with another ETag"),
        (!with_right, "it refuses an If-Match with the right ETag"),
        (onto_nothing, "it creates an object in spite of an If-Match on a missing one"),
    ];
    clean_up(store, &name).await;
    if onto_nothing {
        clean_up(store, &absent).await;
    }
    let faults: Vec<_> =
        faults.into_iter().filter(|(is_fault, _)| *is_fault).map(|(_, words)| words).collect();
    Ok(match faults.is_empty() {
        true => ConditionalWrites::Honoured,
        false => ConditionalWrites::Violated(faults.join("; ")),
    })
}

/// Returns whether the write was carried out. A lost answer is an error: nothing is known then.
async fn attempt_put(
    store: &ObjectStore,
    name: &str,
    condition: &Precondition,
) -> Result<bool, StoreError> {
    match store.client.put_once(name, &Bytes::from_static(TOMBSTONE), condition).await? {
        Put::Done => Ok(true),
        Put::Unmet => Ok(false),
        Put::Refused(reason) | Put::Lost(reason) => Err(store.client.unavailable(reason)),
    }
}

/// Deletes the scratch object; where that is not permitted, the tombstone stays.
async fn clean_up(store: &ObjectStore, name: &str) {
    if let Err(error) = store.client.delete(name).await {
        tracing::debug!("the scratch object {name} stays as a tombstone: {error}");
    }
}

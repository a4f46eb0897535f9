//! Probes how a store treats conditional writes and what it keeps of an object, on scratch objects: Restate
//! corrupts its metadata on a store that does not honour conditions, and can't read an object that lost its
//! Content-Encoding.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

use prost::bytes::Bytes;
use tokio::join;

use super::body::{BILROST, TOMBSTONE};
use super::client::{Precondition, Put};
use super::object::{Content, Object};
use super::store::ObjectStore;
use crate::model::{ConditionalWrites, StoreError};

/// An ETag that no object has.
const STALE: &str = "\"00000000000000000000000000000000\"";

/// The beginning of the names of all scratch objects.
pub(super) const SCRATCH_PREFIX: &str = "restatectl-probe-";

/// Returns a name that is not Restate's, and that no other run uses.
fn scratch_name(store: &ObjectStore) -> String {
    format!("{}{SCRATCH_PREFIX}{:016x}", store.prefix, fastrand::u64(..))
}

/// Returns a body that is like a value's to a store, with every byte there is. Its first byte is not one of
/// Restate's headers, so that no reader takes it for a key; and no other write has the same.
fn scratch_body() -> Bytes {
    let salt = fastrand::u64(..).to_be_bytes();
    [b"probe", salt.as_slice(), &(0..=u8::MAX).collect::<Vec<_>>()].concat().into()
}

/// Tries a write that can't succeed, since there is no object with that ETag.
///
/// # Errors
/// [`StoreError::Unconditional`] if it succeeds.
pub(super) async fn probe_write(store: &ObjectStore) -> Result<(), StoreError> {
    let condition = Precondition::ETag(STALE.to_owned());
    let body = Bytes::from_static(TOMBSTONE);
    let is_written = attempt_put(store, &scratch_name(store), &body, &condition).await;
    remove_scratch_objects(store).await;
    match is_written? {
        false => Ok(()),
        true => Err(StoreError::Unconditional {
            store: store.client.name.clone(),
            reason: ONTO_NOTHING.to_owned(),
        }),
    }
}

const ONTO_NOTHING: &str = "it creates an object in spite of an If-Match on a missing one";

/// Tries each condition, met and unmet, and reads back what was written as a value is.
pub(super) async fn probe_conditional_writes(
    store: &ObjectStore,
) -> Result<ConditionalWrites, StoreError> {
    let mut probe = Probe { store, name: scratch_name(store), held: None, faults: Vec::new() };
    let ended = probe.try_all().await;
    remove_scratch_objects(store).await;
    match ended {
        Ok(()) => {}
        Err(StoreError::Unconditional { reason, .. } | StoreError::Unusable { reason, .. }) => {
            probe.faults.push(reason);
        }
        Err(error) => return Err(error),
    }
    Ok(match probe.faults.is_empty() {
        true => ConditionalWrites::Honoured,
        false => ConditionalWrites::Violated(probe.faults.join("; ")),
    })
}

/// The probe of one object.
struct Probe<'a> {
    store: &'a ObjectStore,
    name: String,
    /// The body that was written last.
    held: Option<Bytes>,
    faults: Vec<String>,
}

/// The writes that are to be refused, and the object as it was read beside them.
struct RefusedWrites {
    /// `true` if those to the object were refused.
    are_all: bool,
    is_created_onto_nothing: bool,
    found: Option<Object>,
}

impl Probe<'_> {
    async fn try_all(&mut self) -> Result<(), StoreError> {
        if !self.put(&Precondition::Absent).await? {
            self.add_fault("it refuses to create an object that does not exist");
        }
        let refused = self.try_refused_writes().await?;
        let found = match refused.are_all {
            true => refused.found,
            // The object may have been read before or after it was overwritten.
            false => self.store.client.get(&self.name).await?,
        };
        match found {
            Some(object) => {
                self.compare(&object);
                self.try_etag(&object.etag).await?;
            }
            None if self.held.is_some() => {
                self.add_fault("it does not have the object that it has just written");
            }
            None => {}
        }
        if refused.is_created_onto_nothing {
            self.add_fault(ONTO_NOTHING);
        }
        Ok(())
    }

    /// Tries, all at once, each write that is to be refused, and reads the object.
    ///
    /// All of them end before this returns, also after an error: one that is abandoned on its way could create
    /// the object again after its removal.
    async fn try_refused_writes(&mut self) -> Result<RefusedWrites, StoreError> {
        let (store, name) = (self.store, self.name.as_str());
        let (stale, absent) = (Precondition::ETag(STALE.to_owned()), scratch_name(store));
        let (again, other, tombstone) =
            (scratch_body(), scratch_body(), Bytes::from_static(TOMBSTONE));
        let (again_tried, other_tried, absent_tried, read) = join!(
            attempt_put(store, name, &again, &Precondition::Absent),
            attempt_put(store, name, &other, &stale),
            attempt_put(store, &absent, &tombstone, &stale),
            store.client.get(name),
        );
        let (is_created_again, is_overwritten) = (again_tried?, other_tried?);
        let (is_created_onto_nothing, found) = (absent_tried?, read?);
        if is_created_again {
            self.add_fault("it overwrites an existing object in spite of If-None-Match: *");
        }
        if is_overwritten {
            self.add_fault("it overwrites an object in spite of an If-Match with another ETag");
        }
        match (is_created_again, is_overwritten) {
            (false, false) => {}
            (true, false) => self.held = Some(again),
            (false, true) => self.held = Some(other),
            // It is not known which was the last.
            (true, true) => self.held = None,
        }
        let are_all = !is_created_again && !is_overwritten;
        Ok(RefusedWrites { are_all, is_created_onto_nothing, found })
    }

    fn add_fault(&mut self, fault: &str) {
        self.faults.push(fault.to_owned());
    }

    async fn put(&mut self, condition: &Precondition) -> Result<bool, StoreError> {
        let body = scratch_body();
        let is_written = attempt_put(self.store, &self.name, &body, condition).await?;
        if is_written {
            self.held = Some(body);
        }
        Ok(is_written)
    }

    /// Compares what was read with what was written.
    fn compare(&mut self, object: &Object) {
        match object.encoding.as_deref() {
            Some(BILROST) => {}
            None | Some("") => self.add_fault(
                "it drops the header Content-Encoding, without which servers can't read a value",
            ),
            Some(other) => self.faults.push(format!(
                "it changes the header Content-Encoding from {BILROST} to {other:?}, with which servers \
                 can't read a value"
            )),
        }
        let is_same = |body: &Bytes| object.content == Content::Whole(body.clone());
        if self.held.as_ref().is_some_and(|body| !is_same(body)) {
            self.add_fault("it returns other bytes than were written");
        }
    }

    /// Replaces the object under its ETag, and once more under the same, which is stale then.
    ///
    /// What is written is a tombstone, so that it means nothing where it has to be left behind.
    async fn try_etag(&mut self, etag: &str) -> Result<(), StoreError> {
        let tombstone = Bytes::from_static(TOMBSTONE);
        let right = Precondition::ETag(etag.to_owned());
        if attempt_put(self.store, &self.name, &tombstone, &right).await? {
            if self.put(&right).await? {
                self.add_fault(
                    "it overwrites an object in spite of an If-Match with its former ETag",
                );
            }
            return Ok(());
        }
        // Ceph RGW on RADOS compares with the ETag as it keeps it, without quotes.
        let bare = Precondition::ETag(etag.trim_matches('"').to_owned());
        let takes_bare =
            bare != right && attempt_put(self.store, &self.name, &tombstone, &bare).await?;
        self.add_fault(match takes_bare {
            true => {
                "it takes an If-Match only with an ETag without its quotes, which Restate never sends"
            }
            false => "it refuses an If-Match with the right ETag",
        });
        Ok(())
    }
}

/// Returns whether the write was carried out; one without an answer is repeated under the retry policy.
async fn attempt_put(
    store: &ObjectStore,
    name: &str,
    body: &Bytes,
    condition: &Precondition,
) -> Result<bool, StoreError> {
    let is_new = scratch_names(store).insert(name.to_owned());
    let outcome = put_with_retries(store, name, body, condition).await;
    if is_new && matches!(outcome, Ok(false)) {
        scratch_names(store).remove(name);
    }
    outcome
}

async fn put_with_retries(
    store: &ObjectStore,
    name: &str,
    body: &Bytes,
    condition: &Precondition,
) -> Result<bool, StoreError> {
    let (since, mut failed, mut is_in_doubt) = (Instant::now(), 0, false);
    let mut turn = store.client.retries.wait_for_permit(&store.client.name).await?;
    loop {
        let put = store.client.put_once(name, body, condition, turn).await?;
        is_in_doubt |= matches!(put, Put::Lost(_));
        match put {
            // What is not there after all is found when it is read.
            Put::Done | Put::Unproven(_) => return Ok(true),
            Put::Unclear(error) => return Err(error),
            Put::Unmet if !is_in_doubt => return Ok(false),
            Put::Unmet => {
                // What it meets may be the attempt whose answer was lost.
                let found = store.client.get(name).await?;
                return Ok(found.is_some_and(|it| it.content == Content::Whole(body.clone())));
            }
            Put::Refused(reason) | Put::Lost(reason) => {
                failed += 1;
                let next = store.client.retries.wait_for_retry(failed, since).await;
                turn = next.ok_or_else(|| store.client.unavailable(reason))?;
            }
        }
    }
}

fn scratch_names(store: &ObjectStore) -> MutexGuard<'_, BTreeSet<String>> {
    store.scratch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes the scratch objects that may be there; where that is not permitted, they stay as tombstones, or
/// as bytes that are not Restate's.
pub(super) async fn remove_scratch_objects(store: &ObjectStore) {
    // Forgotten only once they are gone: a signal may end this in between.
    let names = scratch_names(store).clone();
    for name in names {
        let deleted =
            tokio::time::timeout(store.client.request_timeout, store.client.delete(&name));
        match deleted.await {
            Ok(Ok(())) => {
                scratch_names(store).remove(&name);
            }
            Ok(Err(error)) => tracing::debug!("the scratch object {name} stays: {error}"),
            Err(_) => tracing::debug!("the scratch object {name} stays: no answer in time"),
        }
    }
}

//! Conditional writes, each judged by reading where its answer leaves a doubt.

use std::time::Instant;

use futures_util::future::join_all;
use prost::bytes::Bytes;

use super::body::{self, Body};
use super::client::{Precondition, Put};
use super::object::Object;
use super::store::{ObjectStore, entry_from_object};
use crate::model::{CasToken, Change, Effect, FailedWrite, Key, StoreError};

/// The number of times that a write may meet a state that explains nothing, such as an absent
/// object where one has just conflicted.
const MOST_ROUNDS: u64 = 10;

/// Carries out each change under its own condition; there is no batch.
pub(super) async fn write_changes(
    store: &ObjectStore,
    changes: &[Change],
) -> Result<(), FailedWrite> {
    let outcomes = join_all(changes.iter().map(|change| write_one(store, change))).await;
    let mut may_have_written = outcomes.iter().any(Result::is_ok);
    let (mut conflicts, mut other) = (Vec::new(), None);
    for failed in outcomes.into_iter().filter_map(Result::err) {
        may_have_written |= failed.may_have_written;
        match failed.error {
            StoreError::Conflict { keys, .. } => conflicts.extend(keys),
            error => other = other.or(Some(error)),
        }
    }
    let error = match (other, conflicts) {
        (Some(error), _) => error,
        (None, keys) if keys.is_empty() => return Ok(()),
        (None, keys) => StoreError::Conflict { store: store.client.name.clone(), keys },
    };
    Err(FailedWrite { error, may_have_written })
}

/// One write: its body, and how its own object is known again.
struct Intent {
    body: Bytes,
    /// The salt of a value; `None` for a tombstone.
    salt: Option<u64>,
}

impl Intent {
    fn from_effect(effect: &Effect) -> Intent {
        match effect {
            Effect::Create(value) | Effect::Overwrite(value, _) => {
                // Chosen once per write, so that an attempt that was thought lost is known again.
                let salt = fastrand::u64(..);
                let body = body::encode_body(salt, value.version.0, &value.bytes);
                Intent { body, salt: Some(salt) }
            }
            Effect::Delete(_) => Intent { body: Bytes::from_static(body::TOMBSTONE), salt: None },
        }
    }

    fn is_done(&self, object: &Object) -> bool {
        match object.decode() {
            Ok(Body::Value { salt, .. }) => self.salt == Some(salt),
            Ok(Body::Tombstone) => self.salt.is_none(),
            Err(_) => false,
        }
    }

    /// Returns whether the write has been carried out, after its condition was not met by `found`.
    ///
    /// That is so although the only attempt was refused, where a gateway has repeated a request whose answer it lost: the
    /// salt proves it. A tombstone may be another writer's, which leaves the write in doubt.
    fn settle(&self, found: Option<&Object>, is_in_doubt: &mut bool) -> bool {
        let is_done = found.is_some_and(|object| self.is_done(object));
        let is_proven = self.salt.is_some() || *is_in_doubt;
        *is_in_doubt |= is_done;
        is_done && is_proven
    }
}

async fn write_one(store: &ObjectStore, change: &Change) -> Result<(), FailedWrite> {
    let mut is_in_doubt = false;
    let written = write_until_settled(store, change, &mut is_in_doubt).await;
    written.map_err(|error| FailedWrite { error, may_have_written: is_in_doubt })
}

/// Makes attempts until one of them, or reading, tells how the write ended; `is_in_doubt` is set once an
/// attempt may have been carried out without an answer.
async fn write_until_settled(
    store: &ObjectStore,
    change: &Change,
    is_in_doubt: &mut bool,
) -> Result<(), StoreError> {
    let name = store.object_name(&change.key);
    let intent = Intent::from_effect(&change.effect);
    let mut condition = first_condition(&change.effect);
    let (since, mut failed, mut rounds) = (Instant::now(), 0, 0);
    let retries = &store.client.retries;
    let mut turn = retries.wait_for_permit(&store.client.name).await?;
    loop {
        let put = store.client.put_once(&name, &intent.body, &condition, turn).await?;
        *is_in_doubt |= matches!(put, Put::Lost(_) | Put::Unclear(_) | Put::Unproven(_));
        match put {
            Put::Done => return Ok(()),
            Put::Unclear(error) => return Err(error),
            Put::Refused(reason) | Put::Lost(reason) | Put::Unproven(reason) => {
                failed += 1;
                let next = retries.wait_for_retry(failed, since).await;
                turn = next.ok_or_else(|| store.client.unavailable(reason))?;
            }
            Put::Unmet => {
                let found = store.client.get(&name).await;
                *is_in_doubt |= found.is_err();
                let found = found?;
                if intent.settle(found.as_ref(), is_in_doubt) {
                    return Ok(());
                }
                rounds += 1;
                condition = match next_condition(&change.effect, found) {
                    Some(condition) if rounds < MOST_ROUNDS => condition,
                    Some(condition) => return Err(unexplained_error(store, &condition)),
                    None => return Err(conflict_error(store, &change.key)),
                };
                // Two writes that race get 409 while they do.
                if let Some(pause) = retries.pause_before_retry(1, since) {
                    tokio::time::sleep(pause).await;
                }
                turn = retries.wait_for_permit(&store.client.name).await?;
            }
        }
    }
}

fn first_condition(effect: &Effect) -> Precondition {
    match effect {
        Effect::Create(_) => Precondition::Absent,
        Effect::Overwrite(_, tag) | Effect::Delete(tag) => Precondition::ETag(required_etag(tag)),
    }
}

/// Returns the condition for the next attempt, after one that was not met by `found`; `None` if
/// that is a conflict.
fn next_condition(effect: &Effect, found: Option<Object>) -> Option<Precondition> {
    match (effect, found) {
        (Effect::Create(_), None) => Some(Precondition::Absent),
        (Effect::Create(_), Some(object)) => {
            let etag = object.etag.clone();
            // A tombstone counts as absent.
            entry_from_object(object).is_none().then_some(Precondition::ETag(etag))
        }
        (Effect::Overwrite(_, tag) | Effect::Delete(tag), Some(object)) => {
            (object.etag == required_etag(tag)).then_some(Precondition::ETag(object.etag))
        }
        (Effect::Overwrite(..) | Effect::Delete(_), None) => None,
    }
}

/// Returns the ETag to require; a token of another store matches nothing.
fn required_etag(tag: &CasToken) -> String {
    match tag {
        CasToken::ETag(etag) => etag.clone(),
        CasToken::Version(_) | CasToken::Revisions { .. } | CasToken::Item(_) => {
            "\"of-another-store\"".to_owned()
        }
    }
}

/// Returns the error of a write that is refused though its condition holds: there is no other writer to look
/// for.
fn unexplained_error(store: &ObjectStore, condition: &Precondition) -> StoreError {
    let reason = match condition {
        Precondition::Absent => "it refuses to create an object that does not exist",
        Precondition::ETag(_) => "it refuses an If-Match with the ETag that the object has",
    };
    StoreError::Unconditional { store: store.client.name.clone(), reason: reason.to_owned() }
}

fn conflict_error(store: &ObjectStore, key: &Key) -> StoreError {
    StoreError::Conflict { store: store.client.name.clone(), keys: vec![key.clone()] }
}

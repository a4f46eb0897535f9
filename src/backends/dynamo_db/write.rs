//! Conditional writes as transactions, each judged by reading where its answer leaves a doubt.

use std::time::Instant;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use prost::bytes::Bytes;

use super::super::Source as _;
use super::super::request::Request;
use super::client::Transacted;
use super::item::{self, ConditionExpression};
use super::store::DynamoDb;
use crate::model::{Change, Effect, FailedWrite, StoreError, Value, Version, unmet_keys};
use crate::wording::plural;

const TRANSACT: &str = "TransactWriteItems";

/// The attempts after which a throttled transaction of several items is given back: pauses of 0.7 s in all.
const SPLIT_AFTER: u64 = 4;

/// Carries out all changes, or none of them.
pub(super) async fn write_changes(store: &DynamoDb, changes: &[Change]) -> Result<(), FailedWrite> {
    if changes.is_empty() {
        return Ok(());
    }
    let items = changes
        .iter()
        .map(|change| build_operation(&store.client.table, &store.item_name(&change.key), change))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| FailedWrite::not_written(store.client.build_error(&error)))?;
    let keys: Vec<_> = changes.iter().map(|change| &change.key).collect();
    let (unmet, in_doubt) =
        match run_transaction(store, &items, &Request::about_keys(TRANSACT, &keys)).await? {
            Ended::Done => return Ok(()),
            Ended::Unmet { places, in_doubt } => (places, in_doubt),
        };
    let key_at = |place: &usize| changes.get(*place).map(|change| change.key.clone());
    let mut keys: Vec<_> = unmet.iter().filter_map(key_at).collect();
    if in_doubt {
        // Amazon knows an attempt again by its token. Where that is not so, or not any more, the next
        // one meets what the lost one has written.
        let all: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
        let found = store.read(&all).await;
        let found = found.map_err(|error| FailedWrite { error, may_have_written: true })?;
        let mut pairs = changes.iter().zip(&found);
        if pairs.all(|(change, found)| change.is_done(found.as_ref())) {
            return Ok(());
        }
        keys = unmet_keys(changes, &found);
    }
    let error = StoreError::Conflict { store: store.client.name.clone(), keys };
    Err(FailedWrite { error, may_have_written: in_doubt })
}

/// Runs a transaction whose condition never applies: permission and table are checked anyway.
///
/// No other item has its name, so that nothing is lost on a server that does not honour conditions.
pub(super) async fn probe_write(store: &DynamoDb) -> Result<(), StoreError> {
    let name = format!("{}restatectl-probe-{:016x}", store.prefix, fastrand::u64(..));
    let value = Value { version: Version(0), bytes: Bytes::from_static(b"probe") };
    let put = build_put(&store.client.table, &name, &value, ConditionExpression::never_met());
    let items = [put.map_err(|error| store.client.build_error(&error))?];
    let ended = run_transaction(store, &items, &Request::about_key(TRANSACT, &name)).await;
    match ended.map_err(|failed| failed.error)? {
        Ended::Unmet { .. } => Ok(()),
        Ended::Done => {
            // What it wrote is this program's own, and no key of Restate.
            store.client.delete_scratch_item(&name).await;
            Err(StoreError::Unconditional {
                store: store.client.name.clone(),
                reason: format!("it wrote {name} under a condition that is never met"),
            })
        }
    }
}

/// The end of a transaction after all its attempts.
enum Ended {
    Done,
    Unmet {
        /// The indexes of the conditions that do not apply.
        places: Vec<usize>,
        /// `true` if an earlier attempt may have been carried out.
        in_doubt: bool,
    },
}

/// Makes attempts until one is answered, or there are to be no more.
async fn run_transaction(
    store: &DynamoDb,
    items: &[TransactWriteItem],
    what: &Request<'_>,
) -> Result<Ended, FailedWrite> {
    let client = &store.client;
    // One for all attempts, so that they are carried out once.
    let token = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let (since, mut attempts, mut in_doubt) = (Instant::now(), 0, false);
    let turn = client.retries.wait_for_permit(&client.name).await;
    let mut turn = turn.map_err(FailedWrite::not_written)?;
    loop {
        attempts += 1;
        let started = Instant::now();
        let ended = client.transact_once(items, &token).await;
        what.finish(&client.name, started, describe_failure(&ended).as_deref());
        let ended = ended.map_err(|error| FailedWrite { error, may_have_written: in_doubt })?;
        turn.finish(matches!(ended, Transacted::Done | Transacted::Unmet(_)));
        let mut can_retry = true;
        let error = match ended {
            Transacted::Done => return Ok(Ended::Done),
            Transacted::Unmet(places) => return Ok(Ended::Unmet { places, in_doubt }),
            Transacted::Throttled(reason) => {
                // The caller splits it: all of it at once may never fit.
                can_retry = items.len() == 1 || attempts < SPLIT_AFTER;
                client.throttled("write", &reason, since.elapsed())
            }
            Transacted::Unclear(error) => {
                return Err(FailedWrite { error, may_have_written: true });
            }
            Transacted::Refused(reason) => client.unavailable(reason),
            Transacted::Lost(reason) => {
                in_doubt = true;
                client.unavailable(reason)
            }
        };
        let next = match can_retry {
            true => client.retries.wait_for_retry(attempts, since).await,
            false => None,
        };
        turn = next.ok_or(FailedWrite { error, may_have_written: in_doubt })?;
    }
}

/// Describes why an attempt did not succeed.
fn describe_failure(ended: &Result<Transacted, StoreError>) -> Option<String> {
    match ended {
        Ok(Transacted::Done) => None,
        Ok(Transacted::Unmet(places)) => {
            Some(format!("{} not met", plural(places.len(), "condition")))
        }
        Ok(
            Transacted::Refused(reason) | Transacted::Throttled(reason) | Transacted::Lost(reason),
        ) => Some(reason.clone()),
        Ok(Transacted::Unclear(error)) | Err(error) => Some(error.to_string()),
    }
}

fn build_operation(
    table: &str,
    name: &str,
    change: &Change,
) -> Result<TransactWriteItem, BuildError> {
    match &change.effect {
        Effect::Create(value) => build_put(table, name, value, ConditionExpression::absent()),
        Effect::Overwrite(value, tag) => {
            build_put(table, name, value, ConditionExpression::as_read(tag))
        }
        Effect::Delete(tag) => {
            let (expression, names, values) = ConditionExpression::as_read(tag).into_parts();
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(item::key(name)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            Ok(TransactWriteItem::builder().delete(delete.build()?).build())
        }
    }
}

fn build_put(
    table: &str,
    name: &str,
    value: &Value,
    condition: ConditionExpression,
) -> Result<TransactWriteItem, BuildError> {
    let (expression, names, values) = condition.into_parts();
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item::item_of_value(name, value)))
        .set_condition_expression(expression)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values);
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

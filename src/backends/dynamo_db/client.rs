//! Requests to one table.

use std::error::Error;
use std::time::Instant;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, TransactWriteItem};

use super::super::aws::{self, AwsError, Retries};
use super::super::request::Request;
use super::answers::{self, ReadItems, ScanPage};
use super::item::{self, Item, VERSION};
use crate::model::StoreError;

/// The permissions of a transaction: those of the writes in it.
pub(super) const WRITE_ACTION: &str = "dynamodb:PutItem or dynamodb:DeleteItem";

pub(super) struct TableClient {
    pub(super) dynamo: aws_sdk_dynamodb::Client,
    pub(super) table: String,
    pub(super) region: String,
    /// The name of the store in messages.
    pub(super) name: String,
    pub(super) retries: Retries,
}

/// The end of one attempt of a transaction.
#[derive(Debug)]
pub(super) enum Transacted {
    Done,
    /// Nothing was written: the conditions at these places do not hold.
    Unmet(Vec<usize>),
    /// Nothing was written, and the next attempt may succeed.
    Refused(String),
    /// Nothing was written: the transaction needs more capacity than there is at the moment.
    Throttled(String),
    /// Nothing is known of it.
    Lost(String),
    /// Nothing is known of it, and no further attempt would tell.
    Unclear(StoreError),
}

impl TableClient {
    /// Reads the items that exist, in any order; at most 100 names, each once.
    pub(super) async fn get(&self, names: Vec<String>) -> Result<Vec<Item>, StoreError> {
        let (mut found, mut missing) = (Vec::with_capacity(names.len()), names);
        let (mut since, mut idle) = (Instant::now(), 0);
        while !missing.is_empty() {
            // What an answer leaves is part of what it was asked for: with each answer it shrinks, or the
            // retries are counted.
            let ReadItems { items, unprocessed } = self.get_some(&missing).await?;
            found.extend(items);
            if unprocessed.len() < missing.len() {
                // An answer has 16 MiB: the rest is asked for at once.
                (since, idle) = (Instant::now(), 0);
            } else {
                idle += 1;
                match self.retries.pause_before_retry(idle, since) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => {
                        let reason = "it leaves reads unprocessed";
                        return Err(self.throttled("read", reason, since.elapsed()));
                    }
                }
            }
            missing = unprocessed;
        }
        Ok(found)
    }

    /// Reads as many items as one answer holds, and the names that it leaves unprocessed.
    async fn get_some(&self, names: &[String]) -> Result<ReadItems, StoreError> {
        let keys: Vec<_> = names.iter().map(|name| item::key(name)).collect();
        let wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
        let wanted = wanted.build().map_err(|error| self.build_error(&error))?;
        self.retries
            .run_with_retries(&self.name, &Request::about_keys("BatchGetItem", names), || async {
                let request =
                    self.dynamo.batch_get_item().request_items(&self.table, wanted.clone());
                let answer = request.send().await;
                let answer =
                    answer.map_err(|error| self.classify_error("dynamodb:BatchGetItem", &error))?;
                answers::sort_read(names, answer).map_err(|fault| self.classify_answer(&fault))
            })
            .await
    }

    /// Reads one page of all items whose names begin with `prefix`: their names and versions.
    pub(super) async fn scan(
        &self,
        prefix: &str,
        start: Option<&str>,
    ) -> Result<ScanPage, StoreError> {
        self.retries
            .run_with_retries(&self.name, &Request::about_key("Scan of", &self.table), || async {
                let mut request = self
                    .dynamo
                    .scan()
                    .table_name(&self.table)
                    .consistent_read(true)
                    .projection_expression("pk, #v")
                    .expression_attribute_names("#v", VERSION)
                    .set_exclusive_start_key(start.map(item::key));
                if !prefix.is_empty() {
                    request = request
                        .filter_expression("begins_with(pk, :p)")
                        .expression_attribute_values(":p", AttributeValue::S(prefix.to_owned()));
                }
                let answer = request.send().await;
                let answer =
                    answer.map_err(|error| self.classify_error("dynamodb:Scan", &error))?;
                answers::sort_page(answer).map_err(|fault| self.classify_answer(&fault))
            })
            .await
    }

    /// Makes one attempt of a transaction. Attempts with one token are carried out once.
    pub(super) async fn transact_once(
        &self,
        items: &[TransactWriteItem],
        token: &str,
    ) -> Result<Transacted, StoreError> {
        let request = self
            .dynamo
            .transact_write_items()
            .set_transact_items(Some(items.to_vec()))
            .client_request_token(token);
        let error = match request.send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        if let SdkError::ServiceError(service) = &error
            && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
        {
            return self.classify_cancellation(cancelled.cancellation_reasons());
        }
        match self.classify_error(WRITE_ACTION, &error) {
            AwsError::Retryable(reason) | AwsError::NoResponse(reason) => {
                Ok(Transacted::Lost(reason))
            }
            AwsError::NotExecuted(reason) => {
                Ok(match error.code().is_some_and(Self::is_throttle) {
                    true => Transacted::Throttled(reason),
                    false => Transacted::Refused(reason),
                })
            }
            AwsError::Permanent(fault) => match aws::is_certainly_refused(&error) {
                true => Err(fault),
                false => Ok(Transacted::Unclear(fault)),
            },
        }
    }

    /// Removes an item of the program's own making, as far as that is permitted.
    pub(super) async fn delete_scratch_item(&self, name: &str) {
        let key = Some(item::key(name));
        let _ = self.dynamo.delete_item().table_name(&self.table).set_key(key).send().await;
    }

    pub(super) fn unavailable(&self, reason: String) -> StoreError {
        StoreError::Unavailable { store: self.name.clone(), reason }
    }

    /// Returns the error of a request that could not be built.
    pub(super) fn build_error(&self, error: &dyn Error) -> StoreError {
        StoreError::Other { store: self.name.clone(), reason: error.to_string() }
    }
}

//! Classification of DynamoDB's errors.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::super::aws::{self, AwsError, describe_error};
use super::answers::AnswerFault;
use super::client::{TableClient, Transacted, WRITE_ACTION};
use crate::model::StoreError;

impl TableClient {
    /// Classifies a failed request that needs the permission `action`.
    pub(super) fn classify_error<E>(
        &self,
        action: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return aws::classify_missing_answer(&self.name, error);
        };
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or_default();
        let message = service.err().message().unwrap_or_default();
        self.classify_code(action, status, code, message)
    }

    /// Returns whether the code means that capacity is exceeded, of the table or the account.
    pub(super) fn is_throttle(code: &str) -> bool {
        matches!(
            code,
            "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
        )
    }

    fn classify_code(&self, action: &str, status: u16, code: &str, message: &str) -> AwsError {
        if let Some(rejected) = aws::classify_rejected_identity(&self.name, code, message) {
            return AwsError::Permanent(rejected);
        }
        let (store, reason) = (self.name.clone(), describe_error(code, message));
        match code {
            "ResourceNotFoundException" => AwsError::Permanent(self.missing_table()),
            "TransactionConflictException" | "ReplicatedWriteConflictException" => {
                AwsError::NotExecuted(reason)
            }
            _ if Self::is_throttle(code) => AwsError::NotExecuted(reason),
            "UnknownOperationException" => AwsError::Permanent(self.unknown_operation(action)),
            "TransactionInProgressException" => AwsError::Retryable(reason),
            "ValidationException" => AwsError::Permanent(self.classify_invalid(message, reason)),
            // A gateway in front of it may deny in words of its own.
            _ if code == "AccessDeniedException" || matches!(status, 401 | 403) => {
                let detail = if reason.is_empty() { status.to_string() } else { reason };
                let reason =
                    format!("{action} on the table {} is not permitted ({detail})", self.table);
                AwsError::Permanent(StoreError::Denied { store, reason })
            }
            _ if status == 429 || (status >= 500 && status != 501) => {
                AwsError::Retryable(format!("{status} {reason}"))
            }
            "" => AwsError::Permanent(StoreError::Other {
                store,
                reason: format!("{status} without a code, as no DynamoDB does; check the endpoint"),
            }),
            _ => AwsError::Permanent(StoreError::Other {
                store,
                reason: format!("{status} {reason}"),
            }),
        }
    }

    /// Classifies an answer that is not one to the request. Another attempt would be answered alike.
    pub(super) fn classify_answer(&self, fault: &AnswerFault) -> AwsError {
        AwsError::Permanent(match fault {
            AnswerFault::Wrong(what) => self.unusable_answer(what),
            AnswerFault::OtherKey(key) => self.wrong_schema(Some(key)),
        })
    }

    /// Returns the error of a store that does what no DynamoDB does.
    pub(super) fn unusable_answer(&self, what: &str) -> StoreError {
        let reason = what.to_owned();
        StoreError::Unusable { store: self.name.clone(), reason }
    }

    /// Returns the error of reads or writes (`verb`) that are throttled for this long.
    pub(super) fn throttled(&self, verb: &str, reason: &str, since: Duration) -> StoreError {
        let (table, seconds) = (&self.table, since.as_secs_f64());
        let reason = format!(
            "the {verb} capacity of the table {table} has been exceeded for {seconds:.1} s; raise it, or make \
             the table on-demand ({reason})"
        );
        StoreError::Throttled { store: self.name.clone(), reason }
    }

    pub(super) fn missing_table(&self) -> StoreError {
        let (table, region) = (&self.table, &self.region);
        self.unavailable(format!("the table {table} does not exist in region {region}"))
    }

    /// Classifies an invalid request: DynamoDB has one code for all causes, distinguished only by
    /// text.
    fn classify_invalid(&self, message: &str, reason: String) -> StoreError {
        let store = self.name.clone();
        if message.contains("does not match the schema") || message.contains("Missing the key") {
            return self.wrong_schema(None);
        }
        match is_size(message) {
            true => StoreError::TooLarge { store, reason },
            false => StoreError::Other { store, reason },
        }
    }

    /// Returns the error of a server that lacks an operation. Restate itself writes without transactions.
    fn unknown_operation(&self, action: &str) -> StoreError {
        let store = self.name.clone();
        match action {
            WRITE_ACTION => StoreError::Unconditional {
                store,
                reason: "it does not know TransactWriteItems (UnknownOperationException), by which keys are written \
                         completely or not at all"
                    .to_owned(),
            },
            _ => {
                let operation = action.trim_start_matches("dynamodb:");
                StoreError::Unusable {
                    store,
                    reason: format!("it does not know {operation} (UnknownOperationException)"),
                }
            }
        }
    }

    /// Returns the error of a table that Restate can't use, with what is known of its key.
    pub(super) fn wrong_schema(&self, found: Option<&str>) -> StoreError {
        let found = found.map(|found| format!(": {found}")).unwrap_or_default();
        let reason = format!(
            "Restate needs a table whose only key is the partition key pk of type String; the \
             table {} has another{found}",
            self.table
        );
        StoreError::Usage(format!("{}: {reason}", self.name))
    }

    /// Classifies a cancelled transaction, item by item.
    pub(super) fn classify_cancellation(
        &self,
        reasons: &[CancellationReason],
    ) -> Result<Transacted, StoreError> {
        let mut unmet = Vec::new();
        let (mut again, mut throttled) = (None, None);
        for (place, reason) in reasons.iter().enumerate() {
            let (code, message) =
                (reason.code().unwrap_or("None"), reason.message().unwrap_or_default());
            match code {
                "None" => {}
                "ConditionalCheckFailed" => unmet.push(place),
                "TransactionConflict" => again = Some(describe_error(code, message)),
                "ProvisionedThroughputExceeded" | "ThrottlingError" | "RequestLimitExceeded" => {
                    throttled = Some(describe_error(code, message));
                }
                "AccessDenied" => {
                    let reason = describe_error(code, message);
                    return Err(StoreError::Denied { store: self.name.clone(), reason });
                }
                "ResourceNotFound" | "ResourceNotFoundException" => {
                    return Err(self.missing_table());
                }
                _ if code.starts_with("ItemCollectionSize") || is_size(message) => {
                    let reason = describe_error(code, message);
                    return Err(StoreError::TooLarge { store: self.name.clone(), reason });
                }
                _ => return Err(self.classify_invalid(message, describe_error(code, message))),
            }
        }
        Ok(match (throttled, again) {
            // A condition that does not hold is final, whatever else came in the way.
            _ if !unmet.is_empty() => Transacted::Unmet(unmet),
            (Some(reason), _) => Transacted::Throttled(reason),
            (None, Some(reason)) => Transacted::Refused(reason),
            (None, None) => {
                Transacted::Lost("it was cancelled, and no reason was given".to_owned())
            }
        })
    }
}

fn is_size(message: &str) -> bool {
    let words = ["size has exceeded", "exceeded the maximum", "exceeds the maximum", "size limit"];
    words.iter().any(|words| message.contains(words))
}

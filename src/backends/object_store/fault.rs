//! Classifies the failures of requests for objects.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::super::aws::{self, AwsError, describe_answer, describe_error};
use crate::model::StoreError;

/// The failure of one attempt of a request for an object.
#[derive(Debug)]
pub(super) enum ObjectError {
    Aws(AwsError),
    /// There is no such object.
    Missing,
    /// The precondition was not met.
    Unmet,
    /// The object has no such byte, as described.
    NoSuchRange(String),
    /// The store does not take the request, as described: what it asks for is not implemented, or not
    /// understood.
    NotUnderstood(String),
}

/// The bucket that a request went to, as its failures name it.
pub(super) struct Faults<'a> {
    pub(super) store: &'a str,
    pub(super) bucket: &'a str,
}

impl Faults<'_> {
    /// Returns the failure of a request for which none of the special answers has a meaning.
    pub(super) fn unexpected(&self, fault: ObjectError) -> AwsError {
        let store = self.store.to_owned();
        match fault {
            ObjectError::Aws(error) => error,
            ObjectError::Missing => self.unusable("404 to a request that has no object"),
            ObjectError::Unmet => {
                self.unusable("an unmet condition, to a request that has no condition")
            }
            ObjectError::NoSuchRange(reason) | ObjectError::NotUnderstood(reason) => {
                AwsError::Permanent(StoreError::Other { store, reason })
            }
        }
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> AwsError {
        AwsError::Permanent(StoreError::Unusable {
            store: self.store.to_owned(),
            reason: reason.into(),
        })
    }

    pub(super) fn classify_error<E>(&self, error: &SdkError<E, HttpResponse>) -> ObjectError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return ObjectError::Aws(aws::classify_missing_answer(self.store, error));
        };
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or_default();
        let message = service.err().message().unwrap_or_default();
        let described = || describe_answer(status, code, message);
        match (status, code) {
            // A page for people, such as that of a gateway that asks for a login.
            (200..300, _) => ObjectError::Aws(self.unusable(format!(
                "{status}, with other content than S3's: check aws-endpoint-url"
            ))),
            // 304 belongs to reads; some stores also answer a create so, where there is an object.
            (412 | 409 | 304, _) => ObjectError::Unmet,
            (404, code) if code != "NoSuchBucket" => ObjectError::Missing,
            (416, _) => ObjectError::NoSuchRange(described()),
            (501, _) | (400, "InvalidArgument" | "InvalidRequest" | "NotImplemented" | "") => {
                ObjectError::NotUnderstood(described())
            }
            _ => ObjectError::Aws(self.classify_code(status, code, message)),
        }
    }

    fn classify_code(&self, status: u16, code: &str, message: &str) -> AwsError {
        if code != "NoSuchBucket"
            && let Some(rejected) = aws::classify_rejected_identity(self.store, code, message)
        {
            return AwsError::Permanent(rejected);
        }
        let (store, reason) = (self.store.to_owned(), describe_error(code, message));
        let described = || describe_answer(status, code, message);
        match (status, code) {
            (_, "NoSuchBucket") => {
                let reason = format!("the bucket {} does not exist", self.bucket);
                AwsError::Permanent(StoreError::Unavailable { store, reason })
            }
            (301 | 307 | 308, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                let reason = format!(
                    "the bucket {} is in another region: check aws-region ({reason})",
                    self.bucket
                );
                AwsError::Permanent(StoreError::Usage(reason))
            }
            (401 | 403 | 405, "") => {
                AwsError::Permanent(StoreError::Denied { store, reason: described() })
            }
            (401 | 403 | 405, _) => AwsError::Permanent(StoreError::Denied { store, reason }),
            _ if is_full(status, code) => AwsError::Permanent(StoreError::Full { store, reason }),
            // Refused before it was looked at, or while its body was still awaited.
            (429, _) | (_, "SlowDown" | "RequestTimeout") => AwsError::NotExecuted(described()),
            (500.., _) => AwsError::Retryable(described()),
            _ => AwsError::Permanent(StoreError::Other { store, reason: described() }),
        }
    }
}

/// Returns whether a store other than Amazon's reports that it is full.
fn is_full(status: u16, code: &str) -> bool {
    status == 507 || code.contains("StorageFull") || code == "QuotaExceeded"
}

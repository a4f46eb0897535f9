//! Requests to one bucket, and the classification of their failures.

use std::error::Error;
use std::time::Instant;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use prost::bytes::{Bytes, BytesMut};

use super::super::aws::{self, AwsError, Retries, describe_error};
use super::super::request::Request;
use super::super::transport::MAX_MESSAGE;
use super::body::BILROST;
use crate::model::StoreError;

/// An object as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) encoding: Option<String>,
    pub(super) etag: String,
}

/// The precondition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    Absent,
    ETag(String),
}

/// The end of one attempt of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    Done,
    /// The condition does not hold, or another write got in the way; reading tells which.
    Unmet,
    /// It was not carried out, and the next attempt may succeed.
    Refused(String),
    /// Nothing is known of it.
    Lost(String),
}

/// The reason of a listing that fails with 404: S3 answers so only where it names the missing
/// bucket.
const NO_S3: &str = "there is no such bucket, or another server than S3 responds there (404): check path and \
                     aws-endpoint-url";

/// The failure of one attempt of a request for an object.
#[derive(Debug)]
enum ObjectError {
    Aws(AwsError),
    /// There is no such object.
    Missing,
    /// The precondition was not met.
    Unmet,
}

impl From<ObjectError> for AwsError {
    fn from(error: ObjectError) -> AwsError {
        match error {
            ObjectError::Aws(error) => error,
            ObjectError::Missing | ObjectError::Unmet => {
                AwsError::Retryable("an answer that does not fit".to_owned())
            }
        }
    }
}

pub(super) struct BucketClient {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) retries: Retries,
}

/// Lists one page of the names with that prefix; with a delimiter, none that contain it.
pub(super) type ListPage = (Vec<(String, i64)>, Option<String>);

/// Receives the whole body in one piece of memory; the SDK's own collecting has it twice for a
/// moment.
async fn receive_body(mut body: ByteStream, length: usize) -> Result<Bytes, AwsError> {
    let mut whole = BytesMut::with_capacity(length.min(MAX_MESSAGE));
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(
            &piece.map_err(|error| AwsError::Retryable(aws::innermost_cause(&error)))?,
        );
    }
    Ok(whole.freeze())
}

impl BucketClient {
    /// Reads the object, or its first byte alone.
    pub(super) async fn get(
        &self,
        name: &str,
        first_byte: bool,
    ) -> Result<Option<Object>, StoreError> {
        self.retries
            .run_with_retries(&self.name, &Request::about_key("GetObject", &name), || async {
                let range = first_byte.then(|| "bytes=0-0".to_owned());
                let request = self.s3.get_object().bucket(&self.bucket).key(name).set_range(range);
                let answer = match request.send().await {
                    Ok(answer) => answer,
                    Err(error) => match self.classify_error(&error) {
                        ObjectError::Missing => return Ok(None),
                        fault => return Err(fault.into()),
                    },
                };
                let encoding = answer.content_encoding().map(ToOwned::to_owned);
                let etag = answer.e_tag().unwrap_or_default().to_owned();
                let length = usize::try_from(answer.content_length().unwrap_or_default());
                let body = receive_body(answer.body, length.unwrap_or_default()).await?;
                Ok(Some(Object { body, encoding, etag }))
            })
            .await
    }

    /// Lists one page of the names with that prefix; with a delimiter, none that contain it.
    pub(super) async fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<&str>,
    ) -> Result<ListPage, StoreError> {
        self.retries
            .run_with_retries(
                &self.name,
                &Request::about_key("ListObjectsV2 below", &prefix),
                || async {
                    let request = self
                        .s3
                        .list_objects_v2()
                        .bucket(&self.bucket)
                        .prefix(prefix)
                        .set_delimiter(delimiter.map(ToOwned::to_owned))
                        .set_continuation_token(token.map(ToOwned::to_owned));
                    let answer = request.send().await.map_err(|error| {
                        match self.classify_error(&error) {
                            ObjectError::Missing => ObjectError::Aws(AwsError::Permanent(
                                self.unavailable(NO_S3.to_owned()),
                            )),
                            fault => fault,
                        }
                    })?;
                    let names = answer.contents().iter();
                    let names = names.filter_map(|object| {
                        Some((object.key()?.to_owned(), object.size().unwrap_or_default()))
                    });
                    Ok((names.collect(), answer.next_continuation_token().map(ToOwned::to_owned)))
                },
            )
            .await
    }

    /// Makes one attempt of a conditional write.
    pub(super) async fn put_once(
        &self,
        name: &str,
        body: &Bytes,
        condition: &Precondition,
    ) -> Result<Put, StoreError> {
        let (absent, etag) = match condition {
            Precondition::Absent => (Some("*".to_owned()), None),
            Precondition::ETag(etag) => (None, Some(etag.clone())),
        };
        let request = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .content_type("application/octet-stream")
            .content_encoding(BILROST)
            .set_if_none_match(absent)
            .set_if_match(etag)
            .body(ByteStream::from(body.clone()));
        let turn = self.retries.pace.acquire_permit().await;
        let began = Instant::now();
        let put = match request.send().await {
            Ok(_) => Ok(Put::Done),
            Err(error) => match self.classify_error(&error) {
                ObjectError::Aws(AwsError::NotExecuted(reason)) => Ok(Put::Refused(reason)),
                ObjectError::Aws(AwsError::Retryable(reason) | AwsError::NoResponse(reason)) => {
                    Ok(Put::Lost(reason))
                }
                ObjectError::Aws(AwsError::Permanent(error)) => Err(error),
                ObjectError::Missing | ObjectError::Unmet => Ok(Put::Unmet),
            },
        };
        Request::about_key("PutObject", &name).finish(
            &self.name,
            began,
            describe_failure(&put).as_deref(),
        );
        turn.finish(!matches!(put, Ok(Put::Lost(_) | Put::Refused(_))));
        put
    }

    /// Removes an object of the program's own making.
    pub(super) async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.retries
            .run_with_retries(&self.name, &Request::about_key("DeleteObject", &name), || async {
                let request = self.s3.delete_object().bucket(&self.bucket).key(name);
                request.send().await.map_err(|error| self.classify_error(&error))?;
                Ok(())
            })
            .await
    }

    pub(super) fn unavailable(&self, reason: String) -> StoreError {
        StoreError::Unavailable { store: self.name.clone(), reason }
    }

    fn classify_error<E>(&self, error: &SdkError<E, HttpResponse>) -> ObjectError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return ObjectError::Aws(aws::classify_missing_answer(&self.name, error));
        };
        let status = service.raw().status().as_u16();
        let code = service.err().code().unwrap_or_default();
        let message = service.err().message().unwrap_or_default();
        match (status, code) {
            (412 | 409, _) => ObjectError::Unmet,
            (404, code) if code != "NoSuchBucket" => ObjectError::Missing,
            _ => ObjectError::Aws(self.classify_code(status, code, message)),
        }
    }

    fn classify_code(&self, status: u16, code: &str, message: &str) -> AwsError {
        if code != "NoSuchBucket"
            && let Some(rejected) = aws::classify_rejected_identity(&self.name, code, message)
        {
            return AwsError::Permanent(rejected);
        }
        let (store, reason) = (self.name.clone(), describe_error(code, message));
        match (status, code) {
            (_, "NoSuchBucket") => {
                let reason = format!("the bucket {} does not exist", self.bucket);
                AwsError::Permanent(self.unavailable(reason))
            }
            (301 | 307 | 308, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                let reason = format!(
                    "the bucket {} is in another region: check aws-region ({reason})",
                    self.bucket
                );
                AwsError::Permanent(StoreError::Usage(reason))
            }
            (401 | 403, _) => AwsError::Permanent(StoreError::Denied { store, reason }),
            _ if is_full(status, code) => AwsError::Permanent(StoreError::Full { store, reason }),
            // Refused before it was looked at, or while its body was still awaited.
            (429, _) | (_, "SlowDown" | "RequestTimeout") => {
                AwsError::NotExecuted(format!("{status} {reason}"))
            }
            (500.., _) => AwsError::Retryable(format!("{status} {reason}")),
            _ => AwsError::Permanent(StoreError::Other {
                store,
                reason: format!("{status} {reason}"),
            }),
        }
    }
}

/// Describes why a write did not succeed.
fn describe_failure(put: &Result<Put, StoreError>) -> Option<String> {
    match put {
        Ok(Put::Done) => None,
        Ok(Put::Unmet) => Some("the condition was not met".to_owned()),
        Ok(Put::Refused(reason) | Put::Lost(reason)) => Some(reason.clone()),
        Err(error) => Some(error.to_string()),
    }
}

/// Returns whether a store other than Amazon's reports that it is full.
fn is_full(status: u16, code: &str) -> bool {
    status == 507 || code.contains("StorageFull") || code == "QuotaExceeded"
}

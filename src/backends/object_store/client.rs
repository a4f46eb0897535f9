//! Requests to one bucket, and their answers.

use std::time::{Duration, Instant};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use prost::bytes::Bytes;
use tokio::sync::Semaphore;

use super::super::aws::{self, AwsError, Retries};
use super::super::concurrency_limiter::Permit;
use super::super::request::Request;
use super::body::{self, BILROST, Body};
use super::fault::{Faults, ObjectError};
use super::object::{BodyLimits, Object, receive_body};
use super::page::{ListPage, check_page};
use crate::model::StoreError;

/// The precondition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    Absent,
    ETag(String),
}

impl Precondition {
    /// Returns the name of the header that has it.
    pub(super) fn header(&self) -> &'static str {
        match self {
            Precondition::Absent => "If-None-Match",
            Precondition::ETag(_) => "If-Match",
        }
    }
}

/// The end of one attempt of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    Done,
    /// A success without an ETag, which something else than the store may have answered.
    Unproven(String),
    /// The condition does not hold, or another write got in the way; reading tells which.
    Unmet,
    /// It was not carried out, and the next attempt may succeed.
    Refused(String),
    /// Nothing is known of it.
    Lost(String),
    /// Nothing is known of it, and no further attempt would tell.
    Unclear(StoreError),
}

/// The reason of a listing that fails with 404: S3 answers so only where it names the missing
/// bucket.
const NO_S3: &str = "there is no such bucket, or another server than S3 responds there (404): check path and \
                     aws-endpoint-url";

pub(super) struct BucketClient {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) retries: Retries,
    /// The time limit of one attempt of a request, and of each piece of a body.
    pub(super) request_timeout: Duration,
    /// The most bytes of a body that are read.
    pub(super) max_body: usize,
    pub(super) large_bodies: Semaphore,
}

impl BucketClient {
    fn faults(&self) -> Faults<'_> {
        Faults { store: &self.name, bucket: &self.bucket }
    }

    pub(super) fn unavailable(&self, reason: String) -> StoreError {
        StoreError::Unavailable { store: self.name.clone(), reason }
    }

    /// Reads the object.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for one without an ETag: no write can be conditional on that.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Object>, StoreError> {
        self.retries
            .run_with_retries(&self.name, &Request::about_key("GetObject", &name), || async {
                let Some(answer) = self.request_object(name, None).await? else { return Ok(None) };
                let etag = answer.e_tag().filter(|etag| !etag.is_empty());
                let etag = etag.ok_or_else(|| {
                    self.faults()
                        .unusable(format!("the object {name} has no ETag, by which to replace it"))
                })?;
                let (etag, encoding) =
                    (etag.to_owned(), answer.content_encoding().map(ToOwned::to_owned));
                let limits = BodyLimits {
                    bytes: self.max_body,
                    time: self.request_timeout,
                    large: &self.large_bodies,
                };
                Ok(Some(Object { content: receive_body(answer, limits).await?, encoding, etag }))
            })
            .await
    }

    /// Returns whether the object decodes as a value of Restate's. One that does not begin as such is not
    /// read any further.
    pub(super) async fn holds_value(&self, name: &str) -> Result<bool, StoreError> {
        let begins_so = self
            .retries
            .run_with_retries(&self.name, &Request::about_key("GetObject", &name), || async {
                let Some(answer) = self.request_object(name, Some("bytes=0-0")).await? else {
                    return Ok(false);
                };
                let encoding = answer.content_encoding().map(ToOwned::to_owned);
                let mut body = answer.body;
                // A store that ignores the range sends more; it is left unread.
                let first = tokio::time::timeout(self.request_timeout, body.next()).await;
                let first = first.map_err(|_| AwsError::Retryable("no first byte".to_owned()))?;
                let first = first.transpose();
                let first = first
                    .map_err(|error| AwsError::Retryable(aws::innermost_cause(&error)))?
                    .and_then(|piece| piece.first().copied());
                Ok(body::may_be_ours(first, encoding.as_deref()))
            })
            .await?;
        if !begins_so {
            return Ok(false);
        }
        let object = self.get(name).await?;
        Ok(object.is_some_and(|object| matches!(object.decode(), Ok(Body::Value { .. }))))
    }

    /// Asks for an object, or a range of it; `None` where there is none.
    async fn request_object(
        &self,
        name: &str,
        range: Option<&str>,
    ) -> Result<Option<GetObjectOutput>, AwsError> {
        let request = self.s3.get_object().bucket(&self.bucket).key(name);
        match request.set_range(range.map(ToOwned::to_owned)).send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match self.faults().classify_error(&error) {
                ObjectError::Missing => Ok(None),
                // An empty object has no first byte.
                ObjectError::NoSuchRange(_) if range.is_some() => Ok(None),
                fault => Err(self.faults().unexpected(fault)),
            },
        }
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
                        match self.faults().classify_error(&error) {
                            ObjectError::Missing => {
                                AwsError::Permanent(self.unavailable(NO_S3.to_owned()))
                            }
                            fault => self.faults().unexpected(fault),
                        }
                    })?;
                    check_page(&answer).map_err(|fault| {
                        self.faults().unusable(format!("the listing of its objects {fault}"))
                    })
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
        turn: Permit<'_>,
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
        let began = Instant::now();
        let put = match request.send().await {
            Ok(answer) if answer.e_tag().is_some_and(|etag| !etag.is_empty()) => Ok(Put::Done),
            Ok(_) => Ok(Put::Unproven("its answer to a write has no ETag".to_owned())),
            Err(error) => match self.faults().classify_error(&error) {
                ObjectError::Aws(AwsError::Permanent(fault))
                    if !aws::is_certainly_refused(&error) =>
                {
                    Ok(Put::Unclear(fault))
                }
                ObjectError::Aws(AwsError::NotExecuted(reason)) => Ok(Put::Refused(reason)),
                ObjectError::Aws(AwsError::Retryable(reason) | AwsError::NoResponse(reason)) => {
                    Ok(Put::Lost(reason))
                }
                ObjectError::Aws(AwsError::Permanent(error)) => Err(error),
                ObjectError::Missing | ObjectError::Unmet => Ok(Put::Unmet),
                ObjectError::NotUnderstood(reason) => Err(StoreError::Unconditional {
                    store: self.name.clone(),
                    reason: format!("a write with {} is answered {reason}", condition.header()),
                }),
                fault @ ObjectError::NoSuchRange(_) => match self.faults().unexpected(fault) {
                    AwsError::Permanent(error) => Err(error),
                    other => Ok(Put::Lost(other.describe_error())),
                },
            },
        };
        Request::about_key("PutObject", &name).finish(
            &self.name,
            began,
            describe_failure(&put).as_deref(),
        );
        turn.finish(!matches!(put, Ok(Put::Lost(_) | Put::Refused(_) | Put::Unproven(_))));
        put
    }

    /// Removes an object of the program's own making.
    pub(super) async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.retries
            .run_with_retries(&self.name, &Request::about_key("DeleteObject", &name), || async {
                let request = self.s3.delete_object().bucket(&self.bucket).key(name);
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) => match self.faults().classify_error(&error) {
                        ObjectError::Missing => Ok(()),
                        fault => Err(self.faults().unexpected(fault)),
                    },
                }
            })
            .await
    }
}

/// Describes why a write did not succeed.
fn describe_failure(put: &Result<Put, StoreError>) -> Option<String> {
    match put {
        Ok(Put::Done) => None,
        Ok(Put::Unmet) => Some("the condition was not met".to_owned()),
        Ok(Put::Refused(reason) | Put::Lost(reason) | Put::Unproven(reason)) => {
            Some(reason.clone())
        }
        Ok(Put::Unclear(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

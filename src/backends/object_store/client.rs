//! Requests to one bucket, and what their failures mean.

use std::error::Error;
use std::time::{Duration, Instant};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use prost::bytes::{Bytes, BytesMut};

use super::super::StoreError;
use super::super::transport::MAX_MESSAGE;
use super::body::BILROST;
use crate::config::RetryPolicy;

/// An object as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) encoding: Option<String>,
    pub(super) etag: String,
}

/// What a write requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Absent,
    ETag(String),
}

/// How one attempt of a conditional write ended.
#[derive(Debug)]
pub(super) enum Put {
    Done,
    /// The condition does not hold, or another write got in the way; reading tells which.
    Unmet,
    /// Nothing is known of it.
    Lost(String),
}

/// Why one attempt of a request failed.
#[derive(Debug)]
enum Fault {
    /// It may be made again.
    Again(String),
    Final(StoreError),
    /// There is no such object.
    Missing,
    /// A condition did not hold.
    Unmet,
}

pub(super) struct Client {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) request: Duration,
    pub(super) retry: RetryPolicy,
}

/// One page of a listing: names with sizes, and where the next one begins.
pub(super) type Page = (Vec<(String, i64)>, Option<String>);

/// The whole body in one piece of memory; the SDK's own collecting has it twice for a moment.
async fn received(mut body: ByteStream, length: usize) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::with_capacity(length.min(MAX_MESSAGE));
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece.map_err(|error| Fault::Again(innermost(&error)))?);
    }
    Ok(whole.freeze())
}

impl Client {
    /// The object, or its first byte alone.
    pub(super) async fn get(
        &self,
        name: &str,
        first_byte: bool,
    ) -> Result<Option<Object>, StoreError> {
        self.again(name, || async {
            let range = first_byte.then(|| "bytes=0-0".to_owned());
            let request = self.s3.get_object().bucket(&self.bucket).key(name).set_range(range);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => match self.fault(&error) {
                    Fault::Missing => return Ok(None),
                    fault => return Err(fault),
                },
            };
            let encoding = answer.content_encoding().map(ToOwned::to_owned);
            let etag = answer.e_tag().unwrap_or_default().to_owned();
            let length = usize::try_from(answer.content_length().unwrap_or_default());
            let body = received(answer.body, length.unwrap_or_default()).await?;
            Ok(Some(Object { body, encoding, etag }))
        })
        .await
    }

    /// One page of the names with that prefix; with a delimiter, none that contain it.
    pub(super) async fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<&str>,
    ) -> Result<Page, StoreError> {
        self.again("list", || async {
            let request = self
                .s3
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_delimiter(delimiter.map(ToOwned::to_owned))
                .set_continuation_token(token.map(ToOwned::to_owned));
            let answer = request.send().await.map_err(|error| self.fault(&error))?;
            let names = answer.contents().iter();
            let names = names.filter_map(|object| {
                Some((object.key()?.to_owned(), object.size().unwrap_or_default()))
            });
            Ok((names.collect(), answer.next_continuation_token().map(ToOwned::to_owned)))
        })
        .await
    }

    /// One attempt of a conditional write.
    pub(super) async fn put_once(
        &self,
        name: &str,
        body: &Bytes,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let (absent, etag) = match condition {
            Condition::Absent => (Some("*".to_owned()), None),
            Condition::ETag(etag) => (None, Some(etag.clone())),
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
        match request.send().await {
            Ok(_) => Ok(Put::Done),
            Err(error) => match self.fault(&error) {
                Fault::Again(reason) => Ok(Put::Lost(reason)),
                Fault::Missing | Fault::Unmet => Ok(Put::Unmet),
                Fault::Final(error) => Err(error),
            },
        }
    }

    /// Removes an object of the program's own making.
    pub(super) async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.again(name, || async {
            let request = self.s3.delete_object().bucket(&self.bucket).key(name);
            request.send().await.map(|_| ()).map_err(|error| self.fault(&error))
        })
        .await
    }

    /// The pause before the next attempt, with jitter; `None` when there is to be none.
    pub(super) fn pause(&self, attempt: u64, since: Instant) -> Option<Duration> {
        let pause =
            self.retry.pause_before(attempt + 1)?.mul_f64(fastrand::f64().mul_add(0.5, 0.75));
        let unlimited = match &self.retry {
            RetryPolicy::FixedDelay { max_attempts, .. }
            | RetryPolicy::Exponential { max_attempts, .. } => max_attempts.is_none(),
            RetryPolicy::None => false,
        };
        // Without a limit of its own, a policy ends after a time in which one attempt may hang.
        (!unlimited || since.elapsed() + pause < 3 * self.request).then_some(pause)
    }

    pub(super) fn unavailable(&self, reason: String) -> StoreError {
        StoreError::Unavailable { store: self.name.clone(), reason }
    }

    /// Makes a request that changes nothing until it succeeds, fails for good, or the policy ends.
    async fn again<T, F>(&self, what: &str, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let since = Instant::now();
        for count in 1.. {
            let started = Instant::now();
            let outcome = attempt().await;
            tracing::debug!(what, elapsed = ?started.elapsed(), failed = outcome.is_err());
            let reason = match outcome {
                Ok(answer) => return Ok(answer),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Again(reason)) => reason,
                Err(Fault::Missing | Fault::Unmet) => "an answer that does not fit".to_owned(),
            };
            match self.pause(count, since) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(self.unavailable(reason)),
            }
        }
        Err(self.unavailable("no attempt was made".to_owned()))
    }

    fn fault<E>(&self, error: &SdkError<E, HttpResponse>) -> Fault
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let store = self.name.clone();
        let denied =
            |reason: String| Fault::Final(StoreError::Denied { store: store.clone(), reason });
        if let SdkError::ServiceError(service) = error {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or_default().to_owned();
            let message = service.err().message().unwrap_or_default().to_owned();
            return self.service_fault(status, &code, &message);
        }
        if let Some(reason) = credentials_fault(error) {
            return denied(format!("there are no AWS credentials: {reason}"));
        }
        match error {
            SdkError::ConstructionFailure(_) => {
                Fault::Final(StoreError::Other { store, reason: innermost(error) })
            }
            _ => Fault::Again(innermost(error)),
        }
    }

    fn service_fault(&self, status: u16, code: &str, message: &str) -> Fault {
        let store = self.name.clone();
        let told = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
        let denied = |reason| Fault::Final(StoreError::Denied { store: store.clone(), reason });
        match (status, code) {
            (_, "NoSuchBucket") => {
                Fault::Final(self.unavailable(format!("the bucket {} does not exist", self.bucket)))
            }
            (_, "RequestTimeTooSkewed") => denied(format!(
                "this machine's clock is too far from the store's; set it right ({told})"
            )),
            (
                _,
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken",
            ) => denied(format!("the AWS credentials are not accepted ({told})")),
            (301 | 307 | 308, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                let reason = format!(
                    "the bucket {} is in another region: check aws-region ({told})",
                    self.bucket
                );
                Fault::Final(StoreError::Usage(reason))
            }
            (412 | 409, _) => Fault::Unmet,
            (404, _) => Fault::Missing,
            (401 | 403, _) => denied(told),
            (429 | 500.., _) | (_, "SlowDown" | "RequestTimeout") if !is_full(status, code) => {
                Fault::Again(format!("{status} {told}"))
            }
            _ if is_full(status, code) => Fault::Final(StoreError::Full { store, reason: told }),
            _ => Fault::Final(StoreError::Other { store, reason: format!("{status} {told}") }),
        }
    }
}

/// What stores other than Amazon's say when there is no room.
fn is_full(status: u16, code: &str) -> bool {
    status == 507 || code.contains("StorageFull") || code == "QuotaExceeded"
}

fn credentials_fault(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return Some(innermost(error));
        }
        cause = error.source();
    }
    None
}

/// The innermost cause, which says most to an operator.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

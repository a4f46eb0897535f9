//! Reads the body of an object, never more of it than a value can have, and never for longer than its size
//! explains.

use std::time::{Duration, Instant};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use prost::bytes::{Bytes, BytesMut};
use tokio::sync::Semaphore;

use super::super::aws::{AwsError, innermost_cause};
use super::super::transport::MAX_MESSAGE;
use super::body::{self, Body};
use crate::wording::format_bytes;

/// The bytes of a body that each have the time of a request: the whole of one may take longer than that.
const TIMED_PIECE: usize = 4 << 20;

/// The bytes of a body that any number of requests may have received. Larger ones are few, and are received
/// two at a time, so that many at once do not add up.
const SMALL_BODY: usize = 256 << 10;
pub(super) const LARGE_BODIES_AT_ONCE: usize = 2;

/// An object as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) content: Content,
    pub(super) encoding: Option<String>,
    pub(super) etag: String,
}

/// The body of an object, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Whole(Bytes),
    /// More than a value can have, so that it was not read.
    TooLarge {
        /// The size, as far as the store named it.
        bytes: Option<u64>,
        /// The most bytes that are read.
        most: usize,
    },
}

impl Object {
    /// Decodes the body.
    ///
    /// # Errors
    /// What is wrong, to be read after the key's name.
    pub(super) fn decode(&self) -> Result<Body, String> {
        match &self.content {
            Content::Whole(body) => body::decode_body(body, self.encoding.as_deref()),
            Content::TooLarge { bytes, most } => Err(describe_excess(*bytes, *most)),
        }
    }
}

fn describe_excess(bytes: Option<u64>, most: usize) -> String {
    let most = format_bytes(most as u64);
    let size = match bytes {
        Some(bytes) => format!("has {}", format_bytes(bytes)),
        None => "does not end".to_owned(),
    };
    format!(
        "{size}, and is not read: a value can have {most}, or the message-size-limit of the \
         [metadata-client] section if that is larger"
    )
}

/// The limits of one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits<'a> {
    /// The most bytes.
    pub(super) bytes: usize,
    /// The time of each [`TIMED_PIECE`].
    pub(super) time: Duration,
    /// A permit for each body beyond [`SMALL_BODY`].
    pub(super) large: &'a Semaphore,
}

/// Receives the whole body in one piece of memory; the SDK's own collecting has it twice for a
/// moment.
pub(super) async fn receive_body(
    answer: GetObjectOutput,
    limits: BodyLimits<'_>,
) -> Result<Content, AwsError> {
    let most = limits.bytes;
    let named = answer.content_length().and_then(|length| u64::try_from(length).ok());
    if let Some(length) = named.filter(|length| *length > most as u64) {
        // Dropping the answer closes its connection.
        return Ok(Content::TooLarge { bytes: Some(length), most });
    }
    let room = named.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut whole = BytesMut::with_capacity(room.min(MAX_MESSAGE));
    let mut body = answer.body;
    let (began, mut waited, mut permit) = (Instant::now(), Duration::ZERO, None);
    loop {
        let pieces = u32::try_from(1 + whole.len() / TIMED_PIECE).unwrap_or(u32::MAX);
        let left = (limits.time * pieces + waited).saturating_sub(began.elapsed());
        let piece = match tokio::time::timeout(left, body.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(error))) => return Err(AwsError::Retryable(innermost_cause(&error))),
            Ok(None) => return Ok(Content::Whole(whole.freeze())),
            Err(_) => {
                let received = format_bytes(whole.len() as u64);
                let reason = format!("the body of the object is too slow: {received} in time");
                return Err(AwsError::Retryable(reason));
            }
        };
        if whole.len().saturating_add(piece.len()) > most {
            return Ok(Content::TooLarge { bytes: named, most });
        }
        whole.extend_from_slice(&piece);
        if permit.is_none() && whole.len() > SMALL_BODY {
            let since = Instant::now();
            // The semaphore is never closed.
            permit = limits.large.acquire().await.ok();
            waited = since.elapsed();
            // At once: growing by doubling has the body twice for a moment.
            whole.reserve(most.min(MAX_MESSAGE).saturating_sub(whole.len()));
        }
    }
}

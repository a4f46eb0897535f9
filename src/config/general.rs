//! The fields that every type of store has. A fault in one of them makes the server exit.

use std::time::Duration;

use super::byte_size::parse_byte_size;
use super::fields::{FieldError, Fields};
use super::retry::{Missing, read_retry_policy};
use super::store::Timeouts;

/// The names of these fields.
pub(super) const FIELDS: [&str; 6] = [
    "type",
    "connect-timeout",
    "keep-alive-interval",
    "keep-alive-timeout",
    "backoff-policy",
    "message-size-limit",
];

/// Checks the general fields and returns the time-outs, with the server's own defaults.
///
/// # Errors
/// [`FieldError`] for the first field that the server does not take.
pub(super) fn read_general(fields: &Fields<'_>) -> Result<Timeouts, FieldError> {
    let seconds = Duration::from_secs;
    read_message_size_limit(fields)?;
    read_retry_policy(fields, "backoff-policy", Missing::IsTheDefault)?;
    Ok(Timeouts {
        connect: fields.timeout("connect-timeout")?.unwrap_or(seconds(3)),
        keep_alive_interval: fields.timeout("keep-alive-interval")?.unwrap_or(seconds(5)),
        keep_alive: fields.timeout("keep-alive-timeout")?.unwrap_or(seconds(5)),
    })
}

/// Returns the most bytes of a message, which is the most of a value.
///
/// # Errors
/// [`FieldError`] for a size that the server does not take.
pub(super) fn read_message_size_limit(fields: &Fields<'_>) -> Result<Option<u64>, FieldError> {
    const NAME: &str = "message-size-limit";
    const WANTED: &str = "a size such as \"32 MiB\", or a whole number of bytes of at least 1";
    let (bytes, at) = match fields.integer(NAME) {
        Some((bytes, at)) => (bytes, at),
        None => match fields.text_as(NAME, WANTED)? {
            Some((text, at)) => (parse_byte_size(&text), at),
            None => return Ok(None),
        },
    };
    match bytes.filter(|bytes| *bytes > 0) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err((at, format!("{NAME} must be {WANTED}"))),
    }
}

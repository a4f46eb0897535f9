//! The time-outs that every type of store has.

use std::time::Duration;

use super::fields::{FieldError, Fields};
use super::store::Timeouts;

/// Reads the time-outs of a section, with the server's own defaults.
///
/// # Errors
/// [`FieldError`] for a field that is not a duration.
pub(super) fn read_timeouts(fields: &Fields<'_>) -> Result<Timeouts, FieldError> {
    let seconds = Duration::from_secs;
    Ok(Timeouts {
        connect: fields.duration("connect-timeout")?.unwrap_or(seconds(3)),
        keep_alive_interval: fields.duration("keep-alive-interval")?.unwrap_or(seconds(5)),
        keep_alive: fields.duration("keep-alive-timeout")?.unwrap_or(seconds(5)),
    })
}

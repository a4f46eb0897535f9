//! Durations as the server reads them: the friendly and the ISO forms of its own library.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The longest duration that the server can print, and so the longest that it takes.
const LONGEST: SignedDuration = SignedDuration::from_secs(631_107_417_600);

/// Reads a duration; a day has 24 hours. `None` for months and years, for a negative duration, and
/// for one that is too long.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    // The server reads a zero without a unit, but no other number.
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let span: Span = text.parse().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    if duration > LONGEST {
        return None;
    }
    Duration::try_from(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_the_server_reads_them() {
        for (text, seconds) in
            [("5s", 5), ("1m 30s", 90), ("PT5S", 5), ("00:01:05", 65), ("1w", 604_800), ("0", 0)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "1", "1 month", "1y", "P1M", "-5s", "9999999999h", "7304484d 1h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}

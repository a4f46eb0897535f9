//! The time in which nothing has happened, and the moments at which that is reported: ever less often.

use std::time::{Duration, Instant};

/// The time until the first report. It doubles with each report.
const FIRST_REPORT: Duration = Duration::from_secs(5);

/// The longest time between two reports.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// A time without events.
pub(super) struct QuietTime {
    /// The time of the last event; `None` while the operator is waited for, not the servers.
    since: Option<Instant>,
    /// The time after `since` at which the next report is due.
    next_report: Duration,
}

impl QuietTime {
    /// Starts at the last event; `None` means that the operator is waited for, not the servers.
    pub(super) fn start(since: Option<Instant>) -> Self {
        QuietTime { since, next_report: FIRST_REPORT }
    }

    /// Returns the length of the quiet time if a report of it is due.
    pub(super) fn take_report(&mut self, now: Instant) -> Option<Duration> {
        let lasted = now.saturating_duration_since(self.since?);
        if lasted < self.next_report {
            return None;
        }
        self.next_report = lasted + lasted.min(LONGEST_INTERVAL);
        Some(Duration::from_secs(lasted.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_time_is_reported_ever_less_often() {
        let start = Instant::now();
        let mut quiet_time = QuietTime::start(Some(start));
        let reported: Vec<_> = (0..240)
            .filter(|second| quiet_time.take_report(start + Duration::from_secs(*second)).is_some())
            .collect();
        assert_eq!(reported, [5, 10, 20, 40, 80, 140, 200]);
        assert_eq!(QuietTime::start(None).take_report(start + Duration::from_secs(9)), None);
    }
}

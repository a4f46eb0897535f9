//! How long nothing has happened, and when someone who waits is told so: ever less often.

use std::time::{Duration, Instant};

/// Before someone who waits is told what for, the first time; each later time it is twice as long.
const FIRST_TOLD: Duration = Duration::from_secs(5);
const LONGEST_UNTOLD: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct QuietTime {
    /// `None` while it is not the servers that are waited for.
    since: Option<Instant>,
    /// When it is told next, after that.
    next: Duration,
}

impl QuietTime {
    /// From then on; `None` while it is not the servers that are waited for.
    pub(super) fn starting(since: Option<Instant>) -> Self {
        QuietTime { since, next: FIRST_TOLD }
    }

    /// How long it has lasted, where that is to be told now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Duration> {
        let lasted = now.saturating_duration_since(self.since?);
        if lasted < self.next {
            return None;
        }
        self.next = lasted + lasted.min(LONGEST_UNTOLD);
        Some(Duration::from_secs(lasted.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_ever_less_often() {
        let start = Instant::now();
        let mut quiet_time = QuietTime::starting(Some(start));
        let told: Vec<_> = (0..240)
            .filter(|second| quiet_time.due(start + Duration::from_secs(*second)).is_some())
            .collect();
        assert_eq!(told, [5, 10, 20, 40, 80, 140, 200]);
        assert_eq!(QuietTime::starting(None).due(start + Duration::from_secs(9)), None);
    }
}

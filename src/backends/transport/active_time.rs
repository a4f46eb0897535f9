//! Time limits that count only the time in which this process ran.
//!
//! A process that was suspended (SIGSTOP, a frozen container, a laptop that slept) would otherwise find all its
//! time-outs expired when it wakes, with the answers that came in the meantime still unread.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

/// The time between two looks at the clock, while something is waited for.
pub(super) const STEP: Duration = Duration::from_millis(100);

/// The length of a step from which on it counts as one in which the process did not run.
const SUSPENSION: Duration = Duration::from_secs(1);

/// A clock that stands still while the process is suspended. It has to be read ten times a second.
pub struct ActiveTime {
    counted: Duration,
    last: Instant,
    suspensions: u32,
}

impl ActiveTime {
    /// Starts a clock at zero.
    pub fn start() -> Self {
        ActiveTime { counted: Duration::ZERO, last: Instant::now(), suspensions: 0 }
    }

    /// Returns the time since the start in which the process ran.
    pub(super) fn elapsed(&mut self) -> Duration {
        let now = Instant::now();
        let step = now.saturating_duration_since(self.last);
        self.last = now;
        if step >= SUSPENSION {
            self.suspensions += 1;
            self.counted += STEP;
        } else {
            self.counted += step;
        }
        self.counted
    }

    /// Returns how often the process was suspended.
    pub(super) fn suspensions(&self) -> u32 {
        self.suspensions
    }

    /// Runs the future for at most `limit`; `None` if it did not finish.
    pub async fn limit<T>(
        &mut self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        let end = self.elapsed() + limit;
        loop {
            let left = end.saturating_sub(self.elapsed());
            // Polled once more after a suspension: what has arrived is read before time is up.
            match tokio::time::timeout(left.min(STEP), &mut future).await {
                Ok(done) => {
                    // A suspension counts also where what it broke is met first.
                    self.elapsed();
                    return Some(done);
                }
                Err(_) if self.elapsed() >= end => return None,
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn limit_ends_what_takes_longer() {
        let mut clock = ActiveTime::start();
        let (short, long) = (Duration::from_millis(10), Duration::from_secs(60));
        assert_eq!(clock.limit(long, async { 1 }).await, Some(1));
        assert_eq!(clock.limit(short, tokio::time::sleep(long)).await, None);
        assert!(clock.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn suspension_is_seen_by_what_fails_right_after_it() {
        let mut clock = ActiveTime::start();
        let failed = async { std::thread::sleep(Duration::from_millis(1100)) };
        assert!(clock.limit(Duration::from_millis(500), failed).await.is_some());
        assert_eq!(clock.suspensions(), 1);
    }

    #[tokio::test]
    async fn time_without_the_process_is_not_counted() {
        let mut clock = ActiveTime::start();
        // As after SIGCONT: no task has run, and all timers have expired.
        let answer = async {
            std::thread::sleep(Duration::from_millis(1200));
            tokio::time::sleep(Duration::from_millis(150)).await;
        };
        assert!(clock.limit(Duration::from_millis(500), answer).await.is_some());
        assert_eq!(clock.suspensions(), 1);
        assert!(clock.elapsed() < Duration::from_millis(600));
    }
}

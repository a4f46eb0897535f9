//! The attempts of one call on several servers, and the error that they make together.

use std::time::Duration;

use tonic::Code;

use super::CallFailure;
use super::active_time::{ActiveTime, STEP};
use super::server::Server;

/// A server that is asked has at least this part of a call's time before the next one is asked as well.
const MOST_SHARES: u32 = 16;

/// The most servers whose failures an error describes.
const DESCRIBED_SERVERS: usize = 20;

/// The end of a call that no server carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No server could respond in time; the reason of each.
    Unavailable(String),
    /// The same, where a certificate was rejected on either side.
    Untrusted(String),
    /// One of them refused, and would again.
    Permanent(Code, String),
}

/// How far one server is with the call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not asked in this round.
    Untried,
    /// Asked, and it has not answered.
    Running,
    /// Failed in this round; it may respond later.
    Failed,
    /// Can't respond, now or later.
    Hopeless,
}

/// The attempts of one call, and the time that is left for it.
pub(super) struct Attempts {
    pub(super) clock: ActiveTime,
    /// The time of the whole call, however many servers are asked.
    pub(super) limit: Duration,
    count: u32,
    progress: Vec<Progress>,
    /// The latest failure of each server that has failed.
    failures: Vec<Option<CallFailure>>,
    /// The number of failed attempts when this call's delay was last reported; 0 if it was not.
    reported: u32,
}

impl Attempts {
    /// Starts a call on so many servers, which together have this time.
    pub(super) fn new(servers: usize, limit: Duration) -> Self {
        Attempts {
            clock: ActiveTime::start(),
            limit,
            count: 0,
            progress: vec![Progress::Untried; servers],
            failures: vec![None; servers],
            reported: 0,
        }
    }

    fn set(&mut self, index: usize, progress: Progress) {
        if let Some(slot) = self.progress.get_mut(index) {
            *slot = progress;
        }
    }

    /// Returns the next server to ask, beginning with the preferred one; `None` if each is being asked, or has
    /// failed.
    pub(super) fn find_next(&self, preferred: usize) -> Option<usize> {
        let count = self.progress.len();
        let mut indices = (0..count).map(|step| (preferred + step) % count.max(1));
        indices.find(|index| self.progress.get(*index) == Some(&Progress::Untried))
    }

    /// Records that this server is asked, and returns how long to wait before another one is asked as well: its
    /// share of the time that is left. `has_spare` if the same server can be asked on another connection.
    pub(super) fn start(&mut self, index: usize, has_spare: bool) -> Duration {
        self.set(index, Progress::Running);
        let may_respond = |one: &&Progress| matches!(one, Progress::Untried | Progress::Failed);
        let others = self.progress.iter().filter(may_respond).count() + usize::from(has_spare);
        let left = self.limit.saturating_sub(self.clock.elapsed());
        let share = left / u32::try_from(others + 1).unwrap_or(u32::MAX);
        // Many servers must not be asked within moments because one is slow.
        share.max(self.limit / MOST_SHARES).max(STEP)
    }

    /// Lets a server that does not answer be asked once more, on another connection.
    pub(super) fn ask_again(&mut self, index: usize) {
        self.set(index, Progress::Untried);
    }

    /// Begins a round: the servers that have failed may be asked again.
    pub(super) fn begin_round(&mut self) {
        for one in self.progress.iter_mut().filter(|one| **one == Progress::Failed) {
            *one = Progress::Untried;
        }
    }

    /// Adds the failure of the server at this place in the list.
    pub(super) fn add_failure(&mut self, index: usize, failure: CallFailure) {
        self.count += 1;
        let may_respond = matches!(failure, CallFailure::Elsewhere(_));
        self.set(index, if may_respond { Progress::Failed } else { Progress::Hopeless });
        if let Some(slot) = self.failures.get_mut(index) {
            *slot = Some(failure);
        }
    }

    /// Returns the number of failed attempts.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Returns whether this call's delay has been reported.
    pub(super) fn is_reported(&self) -> bool {
        self.reported > 0
    }

    /// Returns whether to report the delay: for the first time, and then ever less often.
    pub(super) fn is_report_due(&mut self, is_first: bool) -> bool {
        let is_next = self.reported > 0 && self.count.is_power_of_two();
        let is_due = self.count > self.reported && (is_first || is_next);
        if is_due {
            self.reported = self.count;
        }
        is_due
    }

    /// Returns whether no time is left.
    pub(super) fn is_expired(&mut self) -> bool {
        self.clock.elapsed() >= self.limit
    }

    /// Returns whether another round after this pause makes no sense.
    pub(super) fn is_over(&mut self, pause: Duration) -> bool {
        let is_hopeless = self.progress.iter().all(|one| *one == Progress::Hopeless);
        is_hopeless || self.clock.elapsed() + pause >= self.limit
    }

    /// Describes the latest failure of each server, and those that do not answer.
    pub(super) fn describe_reasons(&self, servers: &[Server]) -> String {
        let silent = no_answer(self.limit);
        let described = servers.iter().enumerate().filter_map(|(index, server)| {
            let failure = self.failures.get(index)?.as_ref().map(CallFailure::reason);
            let is_running = self.progress.get(index) == Some(&Progress::Running);
            let reason = if is_running { Some(silent.as_str()) } else { failure };
            Some(format!("{}: {}", server.address, reason?))
        });
        let mut described: Vec<_> = described.collect();
        let more = described.len().saturating_sub(DESCRIBED_SERVERS);
        if more > 0 {
            described.truncate(DESCRIBED_SERVERS);
            described.push(format!("and {more} more"));
        }
        described.join("; ")
    }

    /// Returns the end of the call.
    pub(super) fn into_error(self, servers: &[Server]) -> CallError {
        let reasons = self.describe_reasons(servers);
        let mut latest = self.failures.iter().flatten();
        match latest.any(|failure| matches!(failure, CallFailure::Untrusted(_))) {
            true => CallError::Untrusted(reasons),
            false => CallError::Unavailable(reasons),
        }
    }
}

/// Returns the reason of a server that did not answer in this time.
pub(super) fn no_answer(limit: Duration) -> String {
    format!("no response within {}", humantime::format_duration(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_share_the_time_of_a_call() {
        let limit = Duration::from_secs(12);
        let near = |share: Duration, seconds: u64| {
            let expected = Duration::from_secs(seconds);
            assert!(share <= expected && share + STEP > expected, "{share:?}, not {expected:?}");
        };
        let mut attempts = Attempts::new(3, limit);
        assert_eq!(attempts.find_next(1), Some(1));
        near(attempts.start(1, false), 4);
        assert_eq!(attempts.find_next(1), Some(2));
        near(attempts.start(2, false), 6);
        attempts.add_failure(2, CallFailure::Elsewhere("refused".to_owned()));
        // One that failed at once may respond later; one that does not answer has had its time.
        near(attempts.start(0, false), 6);
        assert_eq!(attempts.find_next(0), None);
        attempts.begin_round();
        assert_eq!(attempts.find_next(0), Some(2));
        attempts.add_failure(2, CallFailure::NotHere("no node".to_owned()));
        attempts.begin_round();
        assert_eq!(attempts.find_next(0), None);
        // A connection that may be dead is one more way to ask.
        near(Attempts::new(1, limit).start(0, true), 6);
        near(Attempts::new(1, limit).start(0, false), 12);
    }
}

//! One call on several servers: one after the other is asked, and the first answer counts.
//!
//! The time of the call is shared among them. A server that does not answer within its share is not given up, since
//! it may only be slow: the next one is asked as well. While it still sends or receives, it is no more than slow.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tonic::transport::Channel;

use super::CallFailure;
use super::active_time::STEP;
use super::attempts::{Attempts, CallError};
use super::server::Server;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The most servers that one call waits for at once.
const ATTEMPTS_AT_ONCE: usize = 64;

/// The bytes that a server has to send or receive in its share of the time to count as slow only: more than the
/// checks that a connection lives.
const PROGRESS_BYTES: u64 = 1024;

/// The servers of a call.
#[derive(Clone, Copy)]
pub(super) struct Pool<'a> {
    pub(super) servers: &'a [Server],
    /// The place of the server that is asked first.
    pub(super) preferred: &'a AtomicUsize,
    /// `true` once a waiting operator has been informed why, for the first call that has to wait.
    pub(super) is_delay_reported: &'a AtomicBool,
}

/// Makes one attempt on the server at a place in the list.
pub(super) type Attempt<'a, T> =
    dyn Fn(usize, Channel) -> BoxFuture<'a, Result<T, CallFailure>> + Send + Sync + 'a;

/// A call under way.
pub(super) struct Call<'a, T> {
    pool: Pool<'a>,
    attempt: Box<Attempt<'a, T>>,
    attempts: Attempts,
    running: FuturesUnordered<BoxFuture<'a, Answer<T>>>,
    pause: Duration,
}

/// The end of one attempt.
struct Answer<T> {
    index: usize,
    result: Result<T, CallFailure>,
}

/// A server that has just been asked.
struct Asked<'a> {
    index: usize,
    server: &'a Server,
    /// The number of its connection, if that may be dead.
    used_connection: Option<u32>,
    /// How long it may be silent before another one is asked as well.
    patience: Duration,
}

impl<'a, T: Send + 'a> Call<'a, T> {
    /// Creates a call that takes at most `limit` in all.
    pub(super) fn new(pool: Pool<'a>, limit: Duration, attempt: Box<Attempt<'a, T>>) -> Self {
        let attempts = Attempts::new(pool.servers.len(), limit);
        Call { pool, attempt, attempts, running: FuturesUnordered::new(), pause: FIRST_PAUSE }
    }

    /// Runs the call to its end.
    ///
    /// # Errors
    /// [`CallError`], after every server was tried, and the time is over.
    pub(super) async fn run(mut self) -> Result<T, CallError> {
        loop {
            let asked = self.ask_next();
            if asked.is_none() {
                if self.running.is_empty() && self.attempts.is_over(self.pause) {
                    return Err(self.attempts.into_error(self.pool.servers));
                }
                self.report_delay();
            }
            match (self.wait_for_answer(asked.as_ref()).await, asked) {
                (Some(Answer { result: Ok(answer), .. }), _) => return Ok(answer),
                (Some(Answer { result: Err(CallFailure::Final(code, reason)), .. }), _) => {
                    return Err(CallError::Permanent(code, reason));
                }
                (Some(Answer { index, result: Err(failure) }), _) => {
                    self.attempts.add_failure(index, failure);
                    self.prefer_next(index);
                }
                (None, _) if self.attempts.is_expired() => {
                    return Err(self.attempts.into_error(self.pool.servers));
                }
                (None, Some(silent)) => self.pass_over(&silent),
                (None, None) => {
                    self.attempts.begin_round();
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Asks the next server; `None` if each is being asked, or has failed.
    fn ask_next(&mut self) -> Option<Asked<'a>> {
        if self.running.len() >= ATTEMPTS_AT_ONCE {
            return None;
        }
        let index = self.attempts.find_next(self.pool.preferred.load(Ordering::Relaxed))?;
        let server = self.pool.servers.get(index)?;
        let connection = server.connection();
        let number = connection.number;
        let used_connection = connection.is_used.then_some(number);
        let patience = self.attempts.start(index, used_connection.is_some());
        let attempt = (self.attempt)(index, connection.channel);
        self.running.push(Box::pin(async move {
            let result = attempt.await;
            if matches!(result, Ok(_) | Err(CallFailure::Final(..))) {
                server.set_answered(number);
            }
            Answer { index, result }
        }));
        Some(Asked { index, server, used_connection, patience })
    }

    /// Waits for an answer of any server: until the one just asked has been silent for its share of the time,
    /// or, without one, for the pause between two rounds.
    async fn wait_for_answer(&mut self, asked: Option<&Asked<'_>>) -> Option<Answer<T>> {
        let patience = asked.map_or(self.pause, |asked| asked.patience);
        let bytes = || asked.map_or(0, |asked| asked.server.traffic().bytes());
        let (mut since, mut seen) = (self.attempts.clock.elapsed(), bytes());
        loop {
            let now = self.attempts.clock.elapsed();
            let left = (since + patience).min(self.attempts.limit).saturating_sub(now);
            if left.is_zero() {
                return None;
            }
            let step = left.min(STEP);
            if self.running.is_empty() {
                tokio::time::sleep(step).await;
            } else if let Ok(answer) = tokio::time::timeout(step, self.running.next()).await {
                return answer;
            }
            if bytes().saturating_sub(seen) >= PROGRESS_BYTES {
                (since, seen) = (self.attempts.clock.elapsed(), bytes());
            }
        }
    }

    /// Turns to the other servers, and to a new connection where the one in use may be dead.
    fn pass_over(&mut self, silent: &Asked<'_>) {
        self.prefer_next(silent.index);
        if let Some(number) = silent.used_connection {
            silent.server.renew(number);
            self.attempts.ask_again(silent.index);
        }
    }

    fn prefer_next(&self, index: usize) {
        let next = (index + 1) % self.pool.servers.len().max(1);
        // Whoever failed first has moved on already.
        let preferred = self.pool.preferred;
        let _ = preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Informs a waiting operator: once the pauses are long, and then ever less often.
    fn report_delay(&mut self) {
        let is_first = self.pause == LONGEST_PAUSE
            && !self.attempts.is_reported()
            && !self.pool.is_delay_reported.swap(true, Ordering::Relaxed);
        if self.attempts.is_report_due(is_first) {
            let reasons = self.attempts.describe_reasons(self.pool.servers);
            let most = humantime::format_duration(self.attempts.limit);
            let count = self.attempts.count();
            tracing::warn!(
                "no response after {count} attempts; giving up after {most} in total: {reasons}"
            );
        }
    }
}

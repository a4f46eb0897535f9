//! Retries of requests, under the configured policy and with jitter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::request::Request;
use super::{AwsError, ConcurrencyLimiter};
use crate::config::RetryPolicy;
use crate::model::StoreError;

/// The policy by which failed requests are repeated.
pub(in super::super) struct Retries {
    policy: RetryPolicy,
    /// The time limit of one attempt.
    request: Duration,
    pub(in super::super) pace: ConcurrencyLimiter,
    /// `true` once the service has responded at all.
    heard: AtomicBool,
}

impl Retries {
    pub(in super::super) fn new(
        policy: RetryPolicy,
        request: Duration,
        pace: ConcurrencyLimiter,
    ) -> Self {
        Retries { policy, request, pace, heard: AtomicBool::new(false) }
    }

    /// Returns the pause before the next attempt, with jitter; `None` if there is no further
    /// attempt.
    pub(in super::super) fn pause_before_retry(
        &self,
        attempt: u64,
        since: Instant,
    ) -> Option<Duration> {
        let pause =
            self.policy.pause_before(attempt + 1)?.mul_f64(fastrand::f64().mul_add(0.5, 0.75));
        let unlimited = match &self.policy {
            RetryPolicy::FixedDelay { max_attempts, .. }
            | RetryPolicy::Exponential { max_attempts, .. } => max_attempts.is_none(),
            RetryPolicy::None => false,
        };
        // Without a limit of its own, a policy ends after a time in which one attempt may hang, and
        // sooner where nobody may be at all.
        let most = if self.heard.load(Ordering::Relaxed) { 3 } else { 1 };
        let in_time = attempt == 1 || since.elapsed() + pause < most * self.request;
        (!unlimited || in_time).then_some(pause)
    }

    /// Makes a request that changes nothing until it succeeds, fails for good, or the policy ends.
    pub(in super::super) async fn run_with_retries<T, F>(
        &self,
        store: &str,
        what: &Request<'_>,
        attempt: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let since = Instant::now();
        let mut count = 0;
        loop {
            count += 1;
            let turn = self.pace.acquire_permit().await;
            let started = Instant::now();
            let outcome = attempt().await;
            turn.finish(matches!(outcome, Ok(_) | Err(AwsError::Permanent(_))));
            if !matches!(outcome, Err(AwsError::NoResponse(_))) {
                self.heard.store(true, Ordering::Relaxed);
            }
            what.finish(
                &store,
                started,
                outcome.as_ref().err().map(AwsError::describe_error).as_deref(),
            );
            let store = || store.to_owned();
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(AwsError::Permanent(error)) => return Err(error),
                Err(AwsError::Retryable(reason) | AwsError::NoResponse(reason)) => {
                    StoreError::Unavailable { store: store(), reason }
                }
                Err(AwsError::NotExecuted(reason)) => {
                    StoreError::Throttled { store: store(), reason }
                }
            };
            match self.pause_before_retry(count, since) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

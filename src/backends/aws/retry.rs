//! Retries of requests, under the configured policy and with jitter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::concurrency_limiter::{ConcurrencyLimiter, Permit};
use super::super::request::Request;
use super::AwsError;
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
        let in_time = attempt == 1 || since.elapsed() + pause < self.time_limit();
        (self.has_own_limit() || in_time).then_some(pause)
    }

    fn has_own_limit(&self) -> bool {
        match &self.policy {
            RetryPolicy::FixedDelay { max_attempts, .. }
            | RetryPolicy::Exponential { max_attempts, .. } => max_attempts.is_some(),
            RetryPolicy::None => true,
        }
    }

    /// Returns the time after which a policy without a limit of its own ends: one in which an attempt may hang, and
    /// less where nobody may be at all.
    fn time_limit(&self) -> Duration {
        let most = if self.heard.load(Ordering::Relaxed) { 3 } else { 1 };
        most * self.request
    }

    /// Waits for the permit of an attempt that follows no failed one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if other requests are given up before, and none succeeds: with many that wait, each
    /// would otherwise have to find out in its turn. The request is then not sent.
    pub(in super::super) async fn wait_for_permit(
        &self,
        store: &str,
    ) -> Result<Permit<'_>, StoreError> {
        self.pace.acquire_permit_unless_silent().await.ok_or_else(|| StoreError::Unavailable {
            store: store.to_owned(),
            reason: "it answers no request, so that this one was not sent".to_owned(),
        })
    }

    /// Waits for the next attempt: the pause, then a permit. Returns `None` if there is no further attempt, or no permit
    /// in time: requests that a silent service leaves without an answer would otherwise wait for one another, since
    /// each failure lets fewer be made at once. The permit is waited for as long as a request may take, even if all
    /// time is used up: that of a process that was suspended is, before any of its requests was repeated.
    pub(in super::super) async fn wait_for_retry(
        &self,
        attempt: u64,
        since: Instant,
    ) -> Option<Permit<'_>> {
        let next = match self.pause_before_retry(attempt, since) {
            Some(pause) => self.wait_for_turn(pause, since).await,
            None => None,
        };
        if next.is_none() {
            self.pace.give_up(self.request);
        }
        next
    }

    async fn wait_for_turn(&self, pause: Duration, since: Instant) -> Option<Permit<'_>> {
        tokio::time::sleep(pause).await;
        let waited = if self.has_own_limit() { Duration::ZERO } else { since.elapsed() };
        let left = self.time_limit().saturating_sub(waited).max(self.request);
        tokio::time::timeout(left, self.pace.acquire_permit()).await.ok()
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
        let mut turn = self.wait_for_permit(store).await?;
        loop {
            count += 1;
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
            match self.wait_for_retry(count, since).await {
                Some(next) => turn = next,
                None => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn first_retry_waits_for_its_permit_after_a_suspension() {
        let request = Duration::from_secs(20);
        let retries = Retries::new(RetryPolicy::DEFAULT, request, ConcurrencyLimiter::new(1, 1));
        let since = Instant::now().checked_sub(10 * request).unwrap();
        let taken = retries.pace.acquire_permit().await;
        let held = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            taken.finish(true);
        };
        let (next, ()) = tokio::join!(retries.wait_for_retry(1, since), held);
        assert!(next.is_some());
    }

    #[tokio::test]
    async fn requests_to_a_service_that_falls_silent_end_together() {
        let request = Duration::from_millis(50);
        let retries = Retries::new(RetryPolicy::DEFAULT, request, ConcurrencyLimiter::new(64, 64));
        retries.heard.store(true, Ordering::Relaxed);
        let silence = || async move {
            tokio::time::sleep(request).await;
            Err::<(), _>(AwsError::NoResponse("no response".to_owned()))
        };
        let what = Request::without_key("read");
        let started = Instant::now();
        // More than may be made at once: the others wait for their first attempt.
        let all = (0..192).map(|_| retries.run_with_retries("s3", &what, silence));
        let ended = join_all(all).await;
        assert!(ended.iter().all(Result::is_err));
        // One after the other, they would take more than 40 times as long as a request.
        assert!(started.elapsed() < 10 * request, "{:?}", started.elapsed());
    }
}

//! Limits the requests under way: as many as is good, and fewer for a while when the store asks
//! for time or does not keep up.
//!
//! A failure halves the number, once for all requests that were under way; from then on, each round of
//! successes adds one (additive increase, multiplicative decrease, as TCP does).
//!
//! A store that is far gets more: there, the rate is the number divided by the round trip. Nearby, more would only
//! cost connections.
//!
//! Requests that wait are not kept waiting by a store that has fallen silent: each of those under way would have to be
//! given up before the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// A store of which none of the first responses was quicker is far.
const FAR: Duration = Duration::from_millis(10);
/// The number of responses by which that is decided.
const TIMED: usize = 3;

/// The number of requests that a store may have under way.
pub(super) struct ConcurrencyLimiter {
    most_far: usize,
    turns: Semaphore,
    /// Wakes those that wait for a permit, once the store is taken for silent.
    fell_silent: Notify,
    state: Mutex<LimiterState>,
}

struct LimiterState {
    most: usize,
    limit: usize,
    timed: usize,
    quickest: Duration,
    /// Turns that are to be taken out when they end.
    surplus: usize,
    /// Since the limit last changed.
    successes: usize,
    /// The time at which it was last lowered.
    lowered: Option<Instant>,
    /// The time of the last success, or of the beginning.
    succeeded: Instant,
}

/// The right to make one request.
pub(super) struct Permit<'a> {
    pace: &'a ConcurrencyLimiter,
    permit: Option<SemaphorePermit<'a>>,
    began: Instant,
}

impl ConcurrencyLimiter {
    /// Creates a limiter of at most this many permits at once, and at least one, nearby and far.
    pub(super) fn new(near: usize, far: usize) -> ConcurrencyLimiter {
        let most = near.clamp(1, Semaphore::MAX_PERMITS);
        let state = LimiterState {
            most,
            limit: most,
            timed: 0,
            quickest: Duration::MAX,
            surplus: 0,
            successes: 0,
            lowered: None,
            succeeded: Instant::now(),
        };
        ConcurrencyLimiter {
            most_far: far.clamp(most, Semaphore::MAX_PERMITS),
            turns: Semaphore::new(most),
            fell_silent: Notify::new(),
            state: Mutex::new(state),
        }
    }

    /// Returns the highest limit, near or far.
    pub(super) fn max_concurrency(&self) -> usize {
        self.most_far
    }

    /// Waits until one more request may be made.
    pub(super) async fn acquire_permit(&self) -> Permit<'_> {
        // The semaphore is never closed.
        let permit = self.turns.acquire().await.ok();
        Permit { pace: self, permit, began: Instant::now() }
    }

    /// Waits until one more request may be made; returns `None` if the store falls silent before.
    pub(super) async fn acquire_permit_unless_silent(&self) -> Option<Permit<'_>> {
        tokio::select! {
            biased;
            permit = self.acquire_permit() => Some(permit),
            () = self.fell_silent.notified() => None,
        }
    }

    /// Takes the store for silent if it has answered nothing well for so long, now that a request is given up.
    pub(super) fn give_up(&self, silence: Duration) {
        if self.state().succeeded.elapsed() >= silence {
            self.fell_silent.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lower_limit(&self, began: Instant) {
        let mut state = self.state();
        // Those that began before the limit was lowered say nothing of the new one.
        if state.lowered.is_none_or(|lowered| began >= lowered) {
            let limit = (state.limit / 2).max(1);
            state.surplus += state.limit - limit;
            (state.limit, state.successes, state.lowered) = (limit, 0, Some(Instant::now()));
            tracing::debug!("the store does not keep up: from now on {limit} requests at once");
        }
    }

    fn raise_limit(&self, took: Duration) {
        let mut state = self.state();
        self.judge_distance(&mut state, took);
        state.succeeded = Instant::now();
        state.successes += 1;
        if state.limit < state.most && state.successes >= state.limit {
            state.successes = 0;
            state.limit += 1;
            match state.surplus {
                0 => self.turns.add_permits(1),
                _ => state.surplus -= 1,
            }
        }
    }

    /// Raises the highest limit, once, if the store turns out to be far.
    fn judge_distance(&self, state: &mut LimiterState, took: Duration) {
        if state.timed >= TIMED {
            return;
        }
        state.timed += 1;
        state.quickest = state.quickest.min(took);
        if state.timed == TIMED && state.quickest >= FAR && state.most < self.most_far {
            // One that was lowered already rises step by step.
            if state.limit == state.most {
                self.turns.add_permits(self.most_far - state.most);
                state.limit = self.most_far;
            }
            state.most = self.most_far;
            tracing::debug!("the store is far: up to {} requests at once", self.most_far);
        }
    }
}

impl Permit<'_> {
    /// Returns the permit after the request; `well` is `true` if the store kept up.
    pub(super) fn finish(self, well: bool) {
        if well {
            self.pace.raise_limit(self.began.elapsed())
        } else {
            self.pace.lower_limit(self.began)
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::{StreamExt, stream};

    use super::*;

    /// The most requests under way while so many are made, all of which end so.
    async fn most_under_way(pace: &ConcurrencyLimiter, requests: usize, well: bool) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let request = async |_| {
            let turn = pace.acquire_permit().await;
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
            now.fetch_sub(1, Ordering::Relaxed);
            turn.finish(well);
        };
        stream::iter(0..requests).map(request).buffer_unordered(100).collect::<Vec<_>>().await;
        most.into_inner()
    }

    #[tokio::test]
    async fn failures_of_one_moment_halve_it_once_and_successes_bring_it_back() {
        let pace = ConcurrencyLimiter::new(16, 16);
        assert_eq!(most_under_way(&pace, 100, true).await, 16);
        most_under_way(&pace, 16, false).await;
        assert_eq!(most_under_way(&pace, 8, true).await, 8);
        most_under_way(&pace, 400, true).await;
        assert_eq!(most_under_way(&pace, 100, true).await, 16);
    }

    #[tokio::test]
    async fn store_that_is_far_gets_more() {
        for (milliseconds, most) in [(1, 16), (30, 48)] {
            let pace = ConcurrencyLimiter::new(16, 48);
            for _ in 0..TIMED {
                let mut turn = pace.acquire_permit().await;
                turn.began -= Duration::from_millis(milliseconds);
                turn.finish(true);
            }
            assert_eq!(most_under_way(&pace, 100, true).await, most);
        }
    }

    #[tokio::test]
    async fn one_is_always_left() {
        let pace = ConcurrencyLimiter::new(16, 16);
        for _ in 0..20 {
            most_under_way(&pace, 1, false).await;
        }
        assert_eq!(most_under_way(&pace, 1, false).await, 1);
        assert_eq!(pace.state().limit, 1);
        assert_eq!(pace.turns.available_permits(), 1);
    }

    #[tokio::test]
    async fn those_that_wait_give_up_with_a_silent_store_only() {
        let pace = ConcurrencyLimiter::new(1, 1);
        pace.acquire_permit().await.finish(true);
        let held = pace.acquire_permit().await;
        let give_up_after = async |silence| {
            let given_up = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                pace.give_up(silence);
            };
            let waiting = pace.acquire_permit_unless_silent();
            let limited = tokio::time::timeout(Duration::from_millis(100), waiting);
            tokio::join!(limited, given_up).0
        };
        assert!(give_up_after(Duration::from_secs(60)).await.is_err());
        assert!(give_up_after(Duration::from_millis(10)).await.unwrap().is_none());
        drop(held);
        assert!(pace.acquire_permit_unless_silent().await.is_some());
    }

    #[tokio::test]
    async fn a_request_that_was_given_up_leaves_its_turn() {
        let pace = ConcurrencyLimiter::new(1, 1);
        drop(pace.acquire_permit().await);
        pace.acquire_permit().await.finish(true);
    }
}

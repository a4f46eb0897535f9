//! Repeated attempts at what a cluster settles by itself, such as the election of a leader.

use std::future::Future;
use std::time::{Duration, Instant};

/// The pause between two attempts.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Repeats `attempt` until its result is settled for the time that has passed; returns the last result.
pub(super) async fn poll_until<T, F>(
    attempt: impl Fn() -> F,
    is_settled: impl Fn(&T, Duration) -> bool,
) -> T
where
    F: Future<Output = T>,
{
    let since = Instant::now();
    let mut result = attempt().await;
    while !is_settled(&result, since.elapsed()) {
        tokio::time::sleep(POLL_INTERVAL).await;
        result = attempt().await;
    }
    result
}

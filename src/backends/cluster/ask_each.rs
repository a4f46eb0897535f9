//! Asks many nodes at once, within a bound: a `nodes_config` may name thousands, of which none responds.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

/// The nodes that are asked at once.
const ASKED_AT_ONCE: usize = 64;

/// The reason of a node that was not asked.
pub const NOT_ASKED: &str = "was not asked: too many other nodes did not respond in time";

/// Asks each, and returns the answers in the same order. Once `limit` has passed, the rest is not asked.
///
/// Each question stands beside the answer of one that is not asked.
pub async fn ask_each<T, F: Future<Output = T>>(questions: Vec<(F, T)>, limit: Duration) -> Vec<T> {
    let started = Instant::now();
    let asked = stream::iter(questions).map(|(question, unasked)| async move {
        match started.elapsed() < limit {
            true => question.await,
            false => unasked,
        }
    });
    asked.buffered(ASKED_AT_ONCE).collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nodes_beyond_the_limit_are_not_asked() {
        let ask = |node: u32| async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok(node)
        };
        let questions = (0..200).map(|node| (ask(node), Err(node))).collect();
        let answers = ask_each(questions, Duration::from_millis(20)).await;
        assert_eq!((answers.len(), answers[63], answers[64]), (200, Ok(63), Err(64)));
    }
}

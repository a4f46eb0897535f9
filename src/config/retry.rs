//! Retry policies, as the server's configuration writes them.

use std::time::Duration;

use super::fields::{FieldError, Fields};

/// The number of attempts of a failed request, and the pauses between them.
#[derive(Clone, Debug, PartialEq)]
pub enum RetryPolicy {
    /// Never.
    None,
    /// After the same pause each time.
    FixedDelay {
        /// The pause.
        interval: Duration,
        /// All attempts together; `None`: as long as a request may take.
        max_attempts: Option<u64>,
    },
    /// After pauses that grow.
    Exponential {
        /// The first pause.
        initial: Duration,
        /// The factor from one pause to the next.
        factor: f64,
        /// All attempts together; `None`: as long as a request may take.
        max_attempts: Option<u64>,
        /// The longest pause.
        max_interval: Option<Duration>,
    },
}

impl Eq for RetryPolicy {}

impl RetryPolicy {
    /// The default policy: attempts continue as long as a request may take.
    pub const DEFAULT: RetryPolicy = RetryPolicy::Exponential {
        initial: Duration::from_millis(100),
        factor: 2.0,
        max_attempts: None,
        max_interval: Some(Duration::from_secs(2)),
    };

    /// Returns the pause before the attempt of this number, 2 for the first retry; `None` if there
    /// is no further attempt.
    pub fn pause_before(&self, attempt: u64) -> Option<Duration> {
        let (first, factor, max_attempts, longest) = match self {
            RetryPolicy::None => return None,
            RetryPolicy::FixedDelay { interval, max_attempts } => {
                (*interval, 1.0, *max_attempts, None)
            }
            RetryPolicy::Exponential { initial, factor, max_attempts, max_interval } => {
                (*initial, *factor, *max_attempts, *max_interval)
            }
        };
        if max_attempts.is_some_and(|most| attempt > most) {
            return None;
        }
        let longest = longest.unwrap_or(Duration::from_secs(60));
        let exponent = i32::try_from(attempt.saturating_sub(2)).unwrap_or(i32::MAX);
        let seconds = first.as_secs_f64() * factor.powi(exponent);
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest))
    }
}

pub(super) fn retry_policy(fields: &Fields<'_>, name: &str) -> Result<RetryPolicy, FieldError> {
    let Some((policy, at)) = fields.table(name)? else { return Ok(RetryPolicy::DEFAULT) };
    let wrong = |reason: &str| (at, format!("{name}: {reason}"));
    let (kind, _) = policy.text("type")?.ok_or_else(|| wrong("needs a type"))?;
    let max_attempts = policy.count("max-attempts")?;
    match kind.as_str() {
        "none" => Ok(RetryPolicy::None),
        "fixed-delay" => Ok(RetryPolicy::FixedDelay {
            interval: policy.duration("interval")?.ok_or_else(|| wrong("needs an interval"))?,
            max_attempts,
        }),
        "exponential" => Ok(RetryPolicy::Exponential {
            initial: policy
                .duration("initial-interval")?
                .ok_or_else(|| wrong("needs an initial-interval"))?,
            factor: policy.number("factor")?.unwrap_or(2.0),
            max_attempts,
            max_interval: policy.duration("max-interval")?,
        }),
        _ => Err(wrong("the type is none, fixed-delay or exponential")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_end_with_the_attempts() {
        let policy = RetryPolicy::Exponential {
            initial: Duration::from_millis(100),
            factor: 2.0,
            max_attempts: Some(5),
            max_interval: Some(Duration::from_millis(300)),
        };
        let pauses: Vec<_> = (2..=6)
            .map(|attempt| policy.pause_before(attempt).map(|pause| pause.as_millis()))
            .collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(300), Some(300), None]);
        assert_eq!(RetryPolicy::None.pause_before(2), None);
        assert!(RetryPolicy::DEFAULT.pause_before(u64::MAX).unwrap() <= Duration::from_secs(2));
    }
}

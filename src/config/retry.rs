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
        max_interval: Duration,
    },
}

impl Eq for RetryPolicy {}

/// The least pause, so that a policy without one does not flood a store.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

impl RetryPolicy {
    /// The default policy: attempts continue as long as a request may take.
    pub const DEFAULT: RetryPolicy = RetryPolicy::Exponential {
        initial: Duration::from_millis(100),
        factor: 2.0,
        max_attempts: None,
        max_interval: Duration::from_secs(2),
    };

    /// Returns the pause before the attempt of this number, 2 for the first retry; `None` if there
    /// is no further attempt.
    pub fn pause_before(&self, attempt: u64) -> Option<Duration> {
        let (first, factor, max_attempts, longest) = match self {
            RetryPolicy::None => return None,
            RetryPolicy::FixedDelay { interval, max_attempts } => {
                (*interval, 1.0, *max_attempts, *interval)
            }
            RetryPolicy::Exponential { initial, factor, max_attempts, max_interval } => {
                (*initial, *factor, *max_attempts, *max_interval)
            }
        };
        if max_attempts.is_some_and(|most| attempt > most) {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(2)).unwrap_or(i32::MAX);
        let seconds = first.as_secs_f64() * factor.powi(exponent);
        // A factor may be anything: what is not a duration is the longest pause.
        let pause = Duration::try_from_secs_f64(seconds).unwrap_or(longest);
        Some(pause.min(longest).max(SHORTEST_PAUSE))
    }

    /// Returns whether a server with this policy for an object store panics at the first request
    /// that fails (seen with 1.7.12): the library below it can't draw a pause from such bounds.
    pub(super) fn panics_servers(&self) -> bool {
        match self {
            RetryPolicy::None => false,
            RetryPolicy::FixedDelay { .. } => true,
            RetryPolicy::Exponential { initial, factor, max_interval, .. } => {
                let grows = *factor > 1.0 && factor.is_finite();
                !grows || initial.is_zero() || max_interval < initial
            }
        }
    }
}

/// The fields of each type in the form of a list, which the server takes as well.
const LIST_FORMS: [&[&str]; 3] = [
    &["none"],
    &["fixed-delay", "interval", "max-attempts"],
    &["exponential", "initial-interval", "factor", "max-attempts", "max-interval"],
];

/// The source of what a table does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The server does not read the policy.
    IsAFault,
    /// The server takes it from its own default, an exponential policy.
    IsTheDefault,
}

/// Reads a retry policy; a list of its values in their order is one, too.
pub(super) fn read_retry_policy(
    fields: &Fields<'_>,
    name: &str,
    missing: Missing,
) -> Result<RetryPolicy, FieldError> {
    let Some((policy, at)) = fields.table_or_list(name, &LIST_FORMS)? else {
        return Ok(RetryPolicy::DEFAULT);
    };
    let wrong = |reason: String| (at, format!("{name}: {reason}"));
    let needs = |what: &str| wrong(format!("needs {what}"));
    let or_default = |default: Duration| (missing == Missing::IsTheDefault).then_some(default);
    let duration = |name: &str, default: Option<Duration>| {
        policy.duration(name)?.or(default).ok_or_else(|| needs(&format!("{name}, a duration")))
    };
    let kind = match policy.text("type")? {
        Some((kind, _)) => kind,
        None if missing == Missing::IsTheDefault => "exponential".to_owned(),
        None => return Err(needs("a type")),
    };
    match kind.as_str() {
        "none" => Ok(RetryPolicy::None),
        "fixed-delay" => Ok(RetryPolicy::FixedDelay {
            interval: duration("interval", None)?,
            max_attempts: policy.count("max-attempts")?,
        }),
        "exponential" => Ok(RetryPolicy::Exponential {
            initial: duration("initial-interval", or_default(Duration::from_millis(100)))?,
            factor: match (policy.number("factor")?, missing) {
                (Some(factor), _) => factor,
                (None, Missing::IsTheDefault) => 1.4,
                (None, Missing::IsAFault) => return Err(needs("factor, a number")),
            },
            max_attempts: policy.count("max-attempts")?,
            max_interval: duration("max-interval", or_default(Duration::from_secs(1)))?,
        }),
        _ => Err(wrong("the type is none, fixed-delay or exponential".to_owned())),
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
            max_interval: Duration::from_millis(300),
        };
        let pauses: Vec<_> = (2..=6)
            .map(|attempt| policy.pause_before(attempt).map(|pause| pause.as_millis()))
            .collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(300), Some(300), None]);
        assert_eq!(RetryPolicy::None.pause_before(2), None);
        assert!(RetryPolicy::DEFAULT.pause_before(u64::MAX).unwrap() <= Duration::from_secs(2));
    }
}

//! What the stores at Amazon have in common: who to be, how a request is made again, and what a
//! failure without an answer means.

mod access;
mod concurrency_limiter;
mod fault;
mod resolver;
mod retry;

pub(super) use access::{Reach, load_sdk_config, read_variable};
pub(super) use concurrency_limiter::ConcurrencyLimiter;
pub(super) use fault::{
    AwsError, classify_missing_answer, credentials_are_refused, describe_error, innermost_cause,
    is_clock,
};
pub(super) use retry::Retries;

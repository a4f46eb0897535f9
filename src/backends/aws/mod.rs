//! What the stores at Amazon have in common: who to be, how a request is made again, and what a
//! failure without an answer means.

mod access;
mod concurrency_limiter;
mod fault;
mod resolver;
mod retry;

pub(super) use access::{Reach, load, variable};
pub(super) use concurrency_limiter::ConcurrencyLimiter;
pub(super) use fault::{
    AwsError, credentials_are_refused, innermost, is_clock, told, without_answer,
};
pub(super) use retry::Retries;

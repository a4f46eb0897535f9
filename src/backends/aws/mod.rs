//! The parts that the backends for Amazon's stores share: identity, retries, and the classification of
//! failures.

mod access;
mod answer_limit;
mod credentials;
mod environment;
mod fault;
mod http_client;
mod identity_source;
mod origins;
mod renewed_client;
mod resolver;
mod retry;

pub(super) use access::{Reach, load_sdk_config};
pub(super) use environment::read_variable;
pub(super) use fault::{
    AwsError, classify_missing_answer, classify_rejected_identity, describe_answer, describe_error,
    innermost_cause, is_certainly_refused,
};
pub(super) use origins::find_origins;
pub(super) use retry::Retries;

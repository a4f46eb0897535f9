//! What the stores at Amazon have in common: who to be, how a request is made again, and what a
//! failure without an answer means.

mod access;
mod fault;
mod names;
mod pace;
mod retry;

pub(super) use access::{Reach, load, variable};
pub(super) use fault::{Fault, credentials_are_refused, innermost, is_clock, told, without_answer};
pub(super) use pace::Pace;
pub(super) use retry::Retries;

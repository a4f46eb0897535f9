//! The terminal and the operating system: log lines, confirmations, signals.

pub mod confirmation;
pub mod log;
mod secret_levels;
pub mod signals;

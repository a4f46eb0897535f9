//! The terminal and the operating system: log lines, confirmations, signals.

pub mod confirmation;
pub mod log;
pub mod signals;

//! The terminal and the operating system: log lines, confirmation, signals.

pub mod confirmation;
pub mod log;
pub mod signals;

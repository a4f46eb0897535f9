//! lib
pub mod apply;
pub mod backends;
pub mod codec;
pub mod config;
pub mod model;
pub mod outcome;
pub mod plan;
pub mod preflight;
pub mod proto;
pub mod snapshot;
pub mod verify;
pub mod watch;

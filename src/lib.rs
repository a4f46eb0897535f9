//! lib
pub mod backends;
pub mod codec;
pub mod config;
pub mod model;
pub mod proto;

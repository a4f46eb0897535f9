//! Moves the metadata of a Restate cluster between the stores that can keep it, and shows it.
//!
//! Metadata flows through the crate in one direction, and its modules are the stations:
//!
//! [`config`] -> source store ([`backends`]) -> [`snapshot`] -> [`plan`] -> target store
//! ([`apply`]) -> verdict ([`verify`]) -> [`report`]
//!
//! [`preflight`] stands before the first write, [`codec`] looks inside values, [`model`] is the data
//! that all of them pass on, and [`commands`] wires them together. Only [`report`] prints. See
//! `docs/architecture.md`.

pub mod apply;
pub mod backends;
pub mod cli;
pub mod codec;
pub mod commands;
pub mod config;
pub mod confirm;
pub mod edit;
#[cfg(test)]
mod fuzz;
mod log;
pub mod merge;
pub mod model;
pub mod outcome;
pub mod plan;
pub mod preflight;
pub mod proto;
mod ranges;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod verify;
pub mod watch;

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

pub mod backends;
pub mod cli;
pub mod codec;
pub mod commands;
pub mod config;
pub mod events;
#[cfg(test)]
mod fuzz;
pub mod model;
pub mod options;
pub mod outcome;
pub mod pipeline;
pub mod proto;
pub mod report;
pub mod run;
pub mod terminal;
pub mod wording;

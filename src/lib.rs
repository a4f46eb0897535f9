//! Moves the metadata of a Restate cluster between the stores that can keep it, and inspects it.
//!
//! Metadata flows through the crate in one direction, through the stages of [`pipeline`]:
//!
//! [`config`] -> source ([`backends`]) -> [`snapshot`](pipeline::snapshot) -> [`checks`](pipeline::checks)
//! -> [`plan`](pipeline::plan) -> target ([`apply`](pipeline::apply)) -> [`verify`](pipeline::verify) ->
//! [`report`]
//!
//! [`codec`] decodes values, [`model`] is the data that all stages pass on, and [`commands`] connects the
//! stages. Only [`report`] prints. See `docs/architecture.md`.

pub mod backends;
pub mod blocking;
pub mod cli;
pub mod codec;
pub mod commands;
pub mod config;
pub mod events;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod model;
pub mod options;
pub mod outcome;
pub mod pipeline;
pub mod proto;
pub mod report;
pub mod rocks_db;
pub mod run;
pub mod shell;
pub mod terminal;
pub mod userinfo;
pub mod visible;
pub mod wording;

//! `metadata patch` and `metadata put`.

mod edits;
mod refusals;

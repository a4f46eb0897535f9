//! `metadata patch` and `metadata put`.

mod edits;
mod oracle;
mod oracle_cases;
mod refusals;

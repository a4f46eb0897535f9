//! `metadata patch` and `metadata put`.

mod edits;
mod hidden_values;
mod inputs;
mod oracle;
mod oracle_cases;
mod refusals;

//! `docs/examples/maintenance-window.sh`, with real servers behind its four functions.

mod current_store;
mod every_step;
mod failures;
mod node_examples;
mod script_rules;
mod settings;
mod whole_windows;

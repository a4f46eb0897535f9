//! `docs/examples/maintenance-window.sh`, with real servers behind its four functions.

mod every_step;
mod failures;
mod harness;
mod invocations;
mod node_examples;
mod whole_windows;

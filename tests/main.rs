//! Every capability over real servers. `make test` installs what these need.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::print_stdout)]

mod check;
mod cli;
mod cluster;
mod docs;
mod edit;
mod maintenance_window;
mod migrate;
mod resilience;
mod rollback;
mod stopped_node;
mod stores;
mod structure;
mod support;
mod undo;

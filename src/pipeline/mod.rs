//! The stages of a migration, in their order: read, check, plan, write, verify. All but `snapshot`
//! and `apply` are pure functions.

pub mod apply;
pub mod checks;
pub mod edit;
pub mod nodes_config_merge;
pub mod plan;
pub mod references;
pub mod snapshot;
pub mod verify;

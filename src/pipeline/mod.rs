//! The stages of a migration, in their order: read, check, plan, write, verify. All but `snapshot`,
//! `same_store` and `apply` are pure functions.

pub mod apply;
pub mod changes;
pub mod checks;
pub mod cluster_status;
pub mod description;
pub mod difference;
pub mod edit;
pub mod hidden_values;
pub mod nodes_config_merge;
pub mod plan;
pub mod same_store;
pub mod snapshot;
pub mod soundness;
pub mod succession;
pub mod undo;
pub mod verify;

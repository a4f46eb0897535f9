//! The checks before anything is written: pure functions from what was read to a finding. All findings
//! are reported, not only the first that fails.

mod consistency;
mod data_loss;
mod guards;
mod live_nodes;
mod migration_mode;
mod node_states;
mod owner;
mod refusal;
mod rollback;
mod rollback_cluster;
mod rollback_quorum;
mod source;
mod target;
mod target_keys;
mod target_warnings;
mod undo;

pub use consistency::check_consistency;
pub use data_loss::check_data_loss;
pub use guards::{OverwriteCluster, Permits, check_target_cluster, check_target_newer};
pub use live_nodes::{NodeObservation, StoreUse, check_live_nodes};
pub use migration_mode::{check_ignored_ids, check_migration_mode, check_normal_roles};
pub use node_states::{describe_state, describe_unskippable, judge_response, judge_unasked};
pub use refusal::{failure_of_checks, refusal};
pub use rollback::{Answers, check_running_nodes};
pub use rollback_cluster::check_running_cluster;
pub use rollback_quorum::{FINISHED_ROLLBACK_HINT, Membership, check_members, check_target_quorum};
pub use source::{
    REACH_NODES_HINT, check_quorum, check_server_version, check_source, check_tls, check_values,
    not_of_migration,
};
pub use target::{
    CHECK_TARGET_HINT, add_capacity, add_endpoint_faults, are_in_migration_mode, check_environment,
    check_limits, check_store_probe, check_target, check_target_writable,
    describe_source_on_target, permit_unprobed_store, refuse_source_as_target, refuse_store_in_use,
};
pub use target_keys::check_target_keys;
pub use target_warnings::{add_unlisted_keys, warn_of_full_store};
pub use undo::{
    NodesToAsk, check_nodes_config, check_nodes_on_target, check_unasked_nodes,
    check_undo_writable, check_written_keys, warn_of_unrestorable,
};

#[cfg(test)]
mod tests;

//! Keys, versions, values, snapshots, plans and comparisons: plain data that every pipeline stage
//! passes on. No I/O, and no import from the rest of the crate.

mod access_origins;
mod change;
mod cluster;
mod cluster_report;
mod comparison;
mod data_loss;
mod digest;
mod document_change;
mod endpoint_fault;
pub(crate) mod epoch_ranges;
mod failed_write;
mod key;
mod metadata_finding;
mod node_label;
mod plan;
mod recorded_write;
mod saved_file;
mod stopped_members;
mod store_error;
mod store_identity;
mod target_limits;
mod unlisted_keys;
mod value;

pub use access_origins::{AccessOrigins, Origin};
pub(crate) use change::unmet_keys;
pub use change::{Change, Effect};
pub use cluster::{
    MemberCount, Members, NodeIdent, NodeProbe, NodeState, ObservedNode, Quorum, StoreProbe,
    UsesReplicatedStore,
};
pub use cluster_report::{
    NodeReport, PartitionProcessor, PartitionsReport, PortState, ProcessorMode, StoreReading,
};
pub use comparison::{Comparison, KeyComparison, KeyStatus};
pub use data_loss::DataLoss;
pub(crate) use digest::{DigestWriter, sha256_hex};
pub use document_change::{ChangedPlace, DocumentChange};
pub use endpoint_fault::{EndpointFault, EndpointFaultKind};
pub use failed_write::{FailedWrite, WriteState};
pub use key::Key;
pub use metadata_finding::{FindingClass, FindingLevel, MetadataFinding};
pub use node_label::NodeLabel;
pub use plan::{Action, Plan, Step};
pub use recorded_write::{RecordedWrite, RecordedWrites, ValueDigest};
pub use saved_file::SavedFile;
pub use stopped_members::{StoppedMember, StoppedMembers};
pub use store_error::StoreError;
pub(crate) use store_error::unless_denied;
pub use store_identity::{StoreIdentity, StoreRelation};
pub use target_limits::{ConditionalWrites, LimitViolation};
pub use unlisted_keys::UnlistedKeys;
pub use value::{Attribute, CasToken, Entry, ItemContent, Snapshot, Value, Version};

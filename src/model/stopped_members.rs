//! What the folders of stopped nodes hold of the replicated store.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::data_loss::DataLoss;
use super::node_label::NodeLabel;

/// A member whose folder was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StoppedMember {
    /// The node.
    #[serde(flatten)]
    pub node: NodeLabel,
    /// The folder of its store, as a shell reads it.
    pub folder: String,
    /// The term of the last entry of its log.
    pub last_term: u64,
    /// The index of the last entry of its log.
    pub last_index: u64,
    /// The index up to which it knew the log to be committed.
    pub commit: u64,
    /// The time of the last change of its files in UTC, where the system says it.
    pub last_write: Option<String>,
}

impl fmt::Display for StoppedMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StoppedMember { node, folder, last_term, last_index, .. } = self;
        write!(f, "{node} at {folder}: log to term {last_term}, index {last_index}")?;
        match &self.last_write {
            Some(time) => write!(f, ", last write {time}"),
            None => Ok(()),
        }
    }
}

/// The members whose folders were read, and the voters without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct StoppedMembers {
    /// The members; the first is the one with the longest log, whose state it is.
    pub members: Vec<StoppedMember>,
    /// The voters whose folders were not read.
    pub missing: Vec<NodeLabel>,
    /// `false` if writes may be missing.
    #[serde(rename = "complete")]
    pub is_complete: bool,
    /// What may be missing, if that is so.
    #[serde(skip)]
    pub loss: Option<DataLoss>,
    /// What an operator should know of what was read, such as a log that ends in the middle of a record.
    pub warnings: Vec<String>,
}

//! The cluster that the metadata in a target belongs to.

use crate::codec;
use crate::model::{Key, KeyStatus, Snapshot};
use crate::pipeline::verify::compare;

/// The owner of the metadata that a target holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// No owner: the target is empty.
    Nobody,
    /// The source's cluster.
    SameCluster,
    /// Another cluster, by name and fingerprint.
    OtherCluster(String, Option<u64>),
    /// A cluster of the source's name, where a fingerprint is missing that could tell them apart.
    Unproven(String, MissingFingerprint),
    /// A cluster that can't be known: there are keys, but no readable `nodes_config`.
    Unknown,
}

/// The store whose `nodes_config` has no fingerprint, as clusters have it that are older than those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingFingerprint {
    Source,
    Target,
    Both,
}

impl MissingFingerprint {
    fn find(source: Option<u64>, target: Option<u64>) -> Option<Self> {
        match (source, target) {
            (Some(_), Some(_)) => None,
            (None, Some(_)) => Some(MissingFingerprint::Source),
            (Some(_), None) => Some(MissingFingerprint::Target),
            (None, None) => Some(MissingFingerprint::Both),
        }
    }

    /// Returns the detail of the failed check.
    pub(super) fn describe(self, name: &str) -> String {
        let place = match self {
            MissingFingerprint::Source => "the source",
            MissingFingerprint::Target => "the target",
            MissingFingerprint::Both => "source and target",
        };
        format!(
            "target holds a cluster of the same name, {name}, but cluster_fingerprint is missing in \
             nodes_config of {place}: it may be another cluster"
        )
    }
}

/// Finds the owner of the target by `nodes_config`, or else by keys that are all the source's.
pub(super) fn find_owner(source: &Snapshot, target: &Snapshot) -> Owner {
    if target.is_empty() {
        return Owner::Nobody;
    }
    match (codec::cluster_of(target), codec::cluster_of(source)) {
        (Some((name, theirs)), Some((own_name, ours))) if name == own_name => {
            let missing = MissingFingerprint::find(ours, theirs);
            match missing.filter(|_| !has_same_nodes_config(source, target)) {
                Some(missing) => Owner::Unproven(name, missing),
                None if theirs == ours => Owner::SameCluster,
                None => Owner::OtherCluster(name, theirs),
            }
        }
        (Some((name, fingerprint)), _) => Owner::OtherCluster(name, fingerprint),
        (None, _) => {
            let comparison = compare(source, target);
            let is_copied = |status| matches!(status, KeyStatus::Same | KeyStatus::Missing);
            match comparison.rows.iter().all(|row| is_copied(row.status)) {
                true => Owner::SameCluster,
                false => Owner::Unknown,
            }
        }
    }
}

/// Returns whether both hold the same value, which names the time of its last change.
fn has_same_nodes_config(source: &Snapshot, target: &Snapshot) -> bool {
    let value = |snapshot: &Snapshot| snapshot.get(&Key::NodesConfig)?.value().cloned();
    value(source).is_some() && value(source) == value(target)
}

/// Returns the fingerprint, or "none" for a cluster without one.
pub(super) fn describe_fingerprint(fingerprint: Option<u64>) -> String {
    fingerprint.map_or("none".to_owned(), |number| number.to_string())
}

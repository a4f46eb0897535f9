//! Several replicas of one store: whether they belong together, which of them has the longest log, and whether they are a
//! majority.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster_marker::ClusterName;
use super::replica::Replica;
use crate::model::NodeLabel;

/// A replica with what is known of it beside its database.
#[derive(Clone, Debug)]
pub(super) struct FoundReplica {
    pub(super) replica: Replica,
    /// The folder, as a shell reads it.
    pub(super) folder: String,
    /// The cluster that the folder, or the metadata in it, is of; `None` if neither says it.
    pub(super) cluster: Option<ClusterName>,
}

/// Checks that no two replicas are of different clusters, or of one node.
///
/// # Errors
/// Which are.
pub(super) fn check_belonging(replicas: &[FoundReplica]) -> Result<(), String> {
    let mut nodes = BTreeMap::new();
    for found in replicas {
        if let Some(other) = nodes.insert(found.replica.node_id, &found.folder) {
            let (id, folder) = (found.replica.node_id, &found.folder);
            return Err(format!("both {other} and {folder} are of N{id}: name one of them"));
        }
    }
    let mut named = replicas.iter().filter_map(|found| Some((found.cluster.as_ref()?, found)));
    let Some((cluster, first)) = named.next() else { return Ok(()) };
    match named.find(|(other, _)| *other != cluster) {
        None => Ok(()),
        Some((other, found)) => Err(format!(
            "{} is of cluster {}, and {} of cluster {}",
            first.folder,
            describe_cluster(cluster),
            found.folder,
            describe_cluster(other)
        )),
    }
}

/// Describes a cluster by name and fingerprint.
pub(super) fn describe_cluster((name, fingerprint): &ClusterName) -> String {
    match fingerprint {
        Some(fingerprint) => format!("{name} (fingerprint {fingerprint})"),
        None => name.clone(),
    }
}

/// Checks that no two logs have different entries of one term at one index: then they are of different
/// histories, since a term has one leader.
///
/// # Errors
/// Where they differ.
pub(super) fn check_logs(replicas: &[FoundReplica]) -> Result<(), String> {
    let mut entries = BTreeMap::new();
    for found in replicas {
        for entry in &found.replica.log {
            let (other, request) =
                *entries.entry(entry.position).or_insert((&found.folder, &entry.request));
            if *request != entry.request {
                let (index, folder) = (entry.position.index, &found.folder);
                return Err(format!("{other} and {folder} have different logs at index {index}"));
            }
        }
    }
    Ok(())
}

/// Puts the replica first that an election would choose: by the term of its last entry, then by its index.
pub(super) fn sort_longest_first(replicas: &mut [FoundReplica]) {
    replicas.sort_by_key(|found| std::cmp::Reverse(found.replica.last_position()));
}

/// Finds the voters whose folders were not read.
pub(super) fn find_missing_voters(
    replicas: &[FoundReplica],
    names: &BTreeMap<u64, String>,
) -> Vec<NodeLabel> {
    let read: BTreeSet<u64> = read_voters(replicas).collect();
    let voters = voter_sets(replicas).flatten().copied();
    let missing: BTreeSet<u64> = voters.filter(|voter| !read.contains(voter)).collect();
    let label = |id: u64| NodeLabel { id, name: names.get(&id).cloned().unwrap_or_default() };
    missing.into_iter().map(label).collect()
}

/// Returns whether the replicas are a majority of each set of voters that may be the current one. One whose log ends with a
/// damaged record does not count: it may have lost what it had acknowledged.
pub(super) fn are_majority(replicas: &[FoundReplica]) -> bool {
    let is_whole =
        |found: &&FoundReplica| !found.replica.torn_tails.iter().any(|tail| tail.is_damaged);
    let read: BTreeSet<u64> = replicas.iter().filter(is_whole).map(node_id).collect();
    voter_sets(replicas).all(|voters| {
        let present = voters.iter().filter(|voter| read.contains(voter)).count();
        2 * present > voters.len()
    })
}

/// Returns the sets of voters that the longest log knows.
fn voter_sets(replicas: &[FoundReplica]) -> impl Iterator<Item = &Vec<u64>> {
    replicas.iter().take(1).flat_map(|found| &found.replica.voter_sets)
}

fn read_voters(replicas: &[FoundReplica]) -> impl Iterator<Item = u64> {
    replicas.iter().map(node_id)
}

fn node_id(found: &FoundReplica) -> u64 {
    u64::from(found.replica.node_id)
}

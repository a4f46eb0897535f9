//! Several replicas of one store: whether they belong together, which of them has the longest log, and whether they are a
//! majority.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster_marker::ClusterName;
use super::messages::RaftSnapshot;
use super::replica::{NODES_CONFIG, Replica};
use crate::codec;
use crate::model::{DataLoss, NodeLabel, Value};

/// A replica with what is known of it beside its database.
#[derive(Clone, Debug)]
pub(super) struct FoundReplica {
    pub(super) replica: Replica,
    /// The folder, as a shell reads it.
    pub(super) folder: String,
    /// The cluster that the folder, or the metadata in it, is of; `None` if neither says it.
    pub(super) cluster: Option<ClusterName>,
}

/// Checks that no two replicas are of different clusters, or of one node, and that each is of a present member.
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
    if let Some(reason) = replicas.iter().find_map(|found| describe_former_member(found, replicas))
    {
        return Err(reason);
    }
    let named = replicas.iter().filter_map(|found| Some((found.cluster.as_ref()?, found)));
    let mut pairs = named.clone().flat_map(|one| named.clone().map(move |other| (one, other)));
    match pairs.find(|((one, _), (other, _))| !may_be_same(one, other)) {
        None => Ok(()),
        Some(((cluster, first), (other, found))) => Err(format!(
            "{} is of cluster {}, and {} of cluster {}",
            first.folder,
            describe_cluster(cluster),
            found.folder,
            describe_cluster(other)
        )),
    }
}

/// Describes a folder of a node that left the members and joined again, as with a new disk; `None` for one of a member.
///
/// It has the id of a member, and would count as one, although it lacks what the member acknowledged since.
fn describe_former_member(found: &FoundReplica, replicas: &[FoundReplica]) -> Option<String> {
    let id = found.replica.node_id;
    let own = found.replica.snapshot.members.get(&id)?;
    let knows_later = |other: &&FoundReplica| {
        let changes = other.replica.changes_of_members();
        let known = changes.chain([&other.replica.snapshot.members]);
        known.filter_map(|members| members.get(&id)).any(|joined| joined > own)
    };
    let other = replicas.iter().find(knows_later)?;
    Some(format!(
        "{} is of an earlier N{id}: by {}, it left the metadata servers and joined again since. Leave this folder out",
        found.folder, other.folder
    ))
}

/// Returns whether two names may be those of one cluster.
pub(super) fn may_be_same(one: &ClusterName, other: &ClusterName) -> bool {
    codec::may_be_same_cluster((&one.0, one.1), (&other.0, other.1))
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

/// Puts the replica first that an election would choose: by the term of its last entry, then by its index. Of equal ones,
/// the first is the one that has applied the most.
pub(super) fn sort_longest_first(replicas: &mut [FoundReplica]) {
    replicas.sort_by_key(|found| {
        let replica = &found.replica;
        std::cmp::Reverse((replica.last_position(), replica.snapshot.position, replica.commit))
    });
}

/// Finds the snapshot that contains the most: that of any member, since a snapshot holds only what is committed. The
/// replicas are sorted.
///
/// # Errors
/// Why a snapshot does not belong to the longest log.
pub(super) fn find_base(replicas: &[FoundReplica]) -> Result<Option<&RaftSnapshot>, String> {
    let Some(longest) = replicas.first() else { return Ok(None) };
    let log = &longest.replica;
    for found in replicas {
        let snapshot = found.replica.snapshot.position;
        let own = log.log.iter().map(|entry| entry.position).chain([log.snapshot.position]);
        let same = own.into_iter().find(|position| position.index == snapshot.index);
        let is_part =
            same.map_or(snapshot.index < log.snapshot.position.index, |own| own == snapshot);
        if !is_part {
            let (index, folder) = (snapshot.index, &found.folder);
            return Err(format!(
                "the snapshot of {folder}, at index {index}, is not part of the log of {}",
                longest.folder
            ));
        }
    }
    let snapshots = replicas.iter().map(|found| &found.replica.snapshot);
    Ok(snapshots.max_by_key(|snapshot| snapshot.position.index))
}

/// Finds the keys of which a member with an equally long log has other values: the servers would not agree either.
pub(super) fn find_differences(
    replicas: &[FoundReplica],
    values: &BTreeMap<String, Value>,
) -> BTreeSet<String> {
    let last = replicas.first().map(|found| found.replica.last_position());
    let mut keys = BTreeSet::new();
    for found in replicas.iter().filter(|found| Some(found.replica.last_position()) == last) {
        // A change of members that it has not applied explains another `nodes_config`.
        let has_applied_all = found.replica.changes_of_members().next().is_none();
        let own = found.replica.rebuild_values();
        for key in own.keys().chain(values.keys()) {
            let is_same = match key.as_str() {
                NODES_CONFIG if has_applied_all => are_same_nodes(own.get(key), values.get(key)),
                NODES_CONFIG => true,
                _ => own.get(key) == values.get(key),
            };
            if !is_same {
                keys.insert(key.clone());
            }
        }
    }
    keys
}

/// Returns whether two members agree on `nodes_config`: after a change of members each has its own clock and order.
fn are_same_nodes(one: Option<&Value>, other: Option<&Value>) -> bool {
    let has_other_clock = |(one, other)| codec::differs_only_in_clock(one, other);
    one == other || one.zip(other).is_some_and(has_other_clock)
}

/// Finds the voters whose folders were not read.
pub(super) fn find_missing_voters(
    replicas: &[FoundReplica],
    names: &BTreeMap<u64, String>,
) -> Vec<NodeLabel> {
    let read: BTreeSet<u64> = read_voters(replicas).collect();
    let voters = voter_sets(replicas).flatten().copied();
    let missing: BTreeSet<u64> = voters.filter(|voter| !read.contains(voter)).collect();
    missing.into_iter().map(|id| label_node(id, names)).collect()
}

fn label_node(id: u64, names: &BTreeMap<u64, String>) -> NodeLabel {
    NodeLabel { id, name: names.get(&id).cloned().unwrap_or_default() }
}

/// Finds what may be missing; `None` if nothing is.
///
/// A majority is needed of each set of voters that may be the current one. One whose log ends with a damaged record does not
/// count: it may have lost what it had acknowledged.
pub(super) fn find_loss(
    replicas: &[FoundReplica],
    names: &BTreeMap<u64, String>,
    uncertain_writes: usize,
) -> Option<DataLoss> {
    let is_damaged =
        |found: &&FoundReplica| found.replica.torn_tails.iter().any(|tail| tail.is_damaged);
    let whole = replicas.iter().filter(|found| !is_damaged(found)).map(node_id).collect();
    let damaged = replicas.iter().filter(is_damaged).filter(|_| !are_majority(replicas, &whole));
    DataLoss {
        missing: find_missing_voters(replicas, names),
        lacks_majority: !are_majority(replicas, &read_voters(replicas).collect()),
        damaged: damaged.map(|found| label_node(node_id(found), names)).collect(),
        uncertain_writes,
    }
    .if_any()
}

/// Returns whether these members are a majority of each set of voters that may be the current one.
fn are_majority(replicas: &[FoundReplica], members: &BTreeSet<u64>) -> bool {
    voter_sets(replicas).all(|voters| {
        let present = voters.iter().filter(|voter| members.contains(voter)).count();
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

//! The partition epochs beside the partition table and the nodes, and what an operator chose for them. Each class is
//! one finding, however many partitions it is about.

use std::collections::BTreeSet;

use super::documents::{Documents, EpochFacts, ids_of, living_nodes};
use crate::codec;
use crate::model::epoch_ranges::in_ranges;
use crate::model::{FindingClass, Key, MetadataFinding, Snapshot};
use crate::wording::plural;

/// Finds what should be known of the epochs.
pub(super) fn find_epoch_findings(
    documents: &Documents<'_>,
    snapshot: &Snapshot,
) -> Vec<MetadataFinding> {
    let frozen = [
        find_epochs(documents, |epoch| epoch.has_frozen_leadership).map(|epochs| {
            let what = "has a frozen leadership: no leader until it is unfrozen";
            describe_epochs(FindingClass::LeadershipFrozen, what, epochs)
        }),
        find_epochs(documents, |epoch| epoch.has_frozen_placement).map(|epochs| {
            let what = "has a frozen placement: its replicas stay where they are";
            describe_epochs(FindingClass::PlacementFrozen, what, epochs)
        }),
    ];
    let of_nodes = documents.get(&Key::NodesConfig).map(|nodes| {
        let (living, known) = (living_nodes(nodes), ids_of(nodes, "/nodes"));
        find_absent_nodes(documents, &living, &known)
    });
    let of_table = find_unmatched_epochs(documents, snapshot);
    frozen.into_iter().flatten().chain(of_nodes.into_iter().flatten()).chain(of_table).collect()
}

fn find_epochs(
    documents: &Documents<'_>,
    is_meant: impl Fn(&EpochFacts) -> bool,
) -> Option<Vec<Key>> {
    let epochs = documents.epochs.iter().filter(|(_, facts)| is_meant(facts));
    let epochs: Vec<_> = epochs.map(|(key, _)| key.clone()).collect();
    (!epochs.is_empty()).then_some(epochs)
}

/// Describes epochs in one finding, which is about the first of them.
fn describe_epochs(class: FindingClass, what: &str, epochs: Vec<Key>) -> MetadataFinding {
    let message = match epochs.len() {
        0 | 1 => what.to_owned(),
        count => format!("{what}; the same in {count} partitions: {}", name_epochs(&epochs)),
    };
    let key = epochs.into_iter().next().unwrap_or(Key::PartitionTable);
    MetadataFinding::of_value(key, class, message)
}

/// Returns the names of epochs, those in a row as a range.
fn name_epochs<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let name = |range: &Vec<&Key>| match range.as_slice() {
        [first, .., last] => format!("{first} … {last}"),
        keys => keys.iter().map(ToString::to_string).collect(),
    };
    let ranges = in_ranges(keys, |key| key, |_, _| true);
    ranges.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Finds replicas, and chosen leaders, on nodes that do not exist or were removed.
fn find_absent_nodes(
    documents: &Documents<'_>,
    living: &BTreeSet<u64>,
    known: &BTreeSet<u64>,
) -> Vec<MetadataFinding> {
    let is_absent = |id: &u64| !living.contains(id);
    let describe = |id: &u64| match known.contains(id) {
        true => format!("N{id}, which was removed"),
        false => format!("N{id}, which nodes_config does not have"),
    };
    let replicas = find_epochs(documents, |epoch| {
        epoch.replicas.iter().any(is_absent) && !is_placement_lost(epoch, living)
    });
    let leaders = find_epochs(documents, |epoch| epoch.preferred_leader.iter().any(is_absent));
    let name_nodes = |nodes_of: fn(&EpochFacts) -> Vec<u64>| {
        let all: BTreeSet<u64> = documents.epochs.values().flat_map(nodes_of).collect();
        all.iter().filter(|id| is_absent(id)).map(describe).collect::<Vec<_>>().join(", ")
    };
    let of_replicas = replicas.map(|epochs| {
        let nodes = name_nodes(|epoch| epoch.replicas.clone());
        let what = format!("has replicas on {nodes}: the servers choose others");
        describe_epochs(FindingClass::ReplicaMissing, &what, epochs)
    });
    let of_leaders = leaders.map(|epochs| {
        let nodes = name_nodes(|epoch| epoch.preferred_leader.into_iter().collect());
        let what = format!("is to be led by {nodes}: the servers choose another");
        describe_epochs(FindingClass::AffinityMissing, &what, epochs)
    });
    let of_lost = find_lost_placements(documents, living);
    of_replicas.into_iter().chain(of_leaders).chain(of_lost).collect()
}

/// Finds frozen placements on nodes of which none is among the living ones.
pub(super) fn find_lost_placements(
    documents: &Documents<'_>,
    living: &BTreeSet<u64>,
) -> Option<MetadataFinding> {
    find_epochs(documents, |epoch| is_placement_lost(epoch, living)).map(|epochs| {
        let what = "has a frozen placement on nodes of which none is left";
        describe_epochs(FindingClass::PlacementLost, what, epochs)
    })
}

/// Returns whether the frozen placement has no living node. No others are chosen then: nothing leads the partition
/// (seen with 1.7.12).
fn is_placement_lost(epoch: &EpochFacts, living: &BTreeSet<u64>) -> bool {
    epoch.has_frozen_placement
        && !epoch.replicas.is_empty()
        && epoch.replicas.iter().all(|id| !living.contains(id))
}

/// Finds partitions without an epoch, and epochs without a partition. Nothing, where the table can't be read.
fn find_unmatched_epochs(documents: &Documents<'_>, snapshot: &Snapshot) -> Vec<MetadataFinding> {
    let table = documents.get(&Key::PartitionTable);
    let ids = table.and_then(|table| codec::partition_ids(table).ok());
    let Some(ids) = ids else { return Vec::new() };
    let expected: BTreeSet<_> = ids.into_iter().map(Key::PartitionEpoch).collect();
    let absent: Vec<_> = expected.iter().filter(|key| !snapshot.contains_key(key)).collect();
    let is_stray = |key: &&Key| matches!(key, Key::PartitionEpoch(_)) && !expected.contains(key);
    let stray: Vec<Key> = snapshot.keys().filter(is_stray).cloned().collect();
    let of_absent = (!absent.is_empty()).then(|| {
        let message = format!(
            "has {} without an epoch: {}; either it never had a leader, or the store did not return all of its \
             keys",
            plural(absent.len(), "partition"),
            name_epochs(absent.iter().copied())
        );
        MetadataFinding::of_value(Key::PartitionTable, FindingClass::EpochAbsent, message)
    });
    let of_stray = (!stray.is_empty()).then(|| {
        let what = "is of a partition that partition_table does not have: servers never read it";
        describe_epochs(FindingClass::EpochStray, what, stray)
    });
    of_absent.into_iter().chain(of_stray).collect()
}

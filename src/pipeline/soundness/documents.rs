//! The decoded values that refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::Tree;
use crate::model::Key;

/// The decoded values of a store, as far as references are made of them.
#[derive(Clone, Debug, Default)]
pub struct Documents<'a> {
    whole: BTreeMap<Key, Tree<'a>>,
    /// The facts of each epoch: whole, thousands of them would take much memory.
    pub(super) epochs: BTreeMap<Key, EpochFacts>,
}

/// What a partition epoch refers to, and what an operator chose for it.
#[derive(Clone, Debug, Default)]
pub(super) struct EpochFacts {
    /// The nodes of its replica sets.
    pub(super) replicas: Vec<u64>,
    /// `true` if a node has been its leader, and so has written to its log.
    pub(super) was_led: bool,
    /// The node that is to lead it, if one is chosen.
    pub(super) preferred_leader: Option<u64>,
    pub(super) has_frozen_leadership: bool,
    pub(super) has_frozen_placement: bool,
}

impl<'a> Documents<'a> {
    /// Adds a decoded value.
    pub fn add(&mut self, key: &Key, document: Tree<'a>) {
        match key {
            Key::NodesConfig | Key::Logs | Key::PartitionTable => {
                self.whole.insert(key.clone(), document);
            }
            Key::PartitionEpoch(_) => {
                self.epochs.insert(key.clone(), EpochFacts::of(&document));
            }
            Key::Schema | Key::RuleBook | Key::Unknown(_) => {}
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Tree<'a>> {
        self.whole.get(key)
    }
}

impl EpochFacts {
    fn of(epoch: &Tree<'_>) -> Self {
        // Field by field: there are tens of thousands of epochs, and each path would be taken apart anew.
        let field = |outer: &str, inner: &str| epoch.get(outer)?.get(inner);
        let is_set = |value: Option<&Tree<'_>>| value.is_some_and(|value| !value.is_null());
        let sets = ["current", "next"].map(|set| field(set, "replica_set"));
        let replicas = sets.into_iter().flatten().filter_map(Tree::as_list).flatten();
        let affinity = field("leadership_policy", "affinity");
        EpochFacts {
            was_led: is_set(epoch.get("leader_metadata")),
            replicas: replicas.filter_map(Tree::as_u64).collect(),
            preferred_leader: affinity.and_then(|one| one.get("Node")).and_then(Tree::as_u64),
            has_frozen_leadership: is_set(field("leadership_policy", "freeze")),
            has_frozen_placement: is_set(field("placement_policy", "freeze")),
        }
    }
}

/// Returns the ids of a map whose keys are numbers, which is stored as a list of pairs.
pub(super) fn ids_of(document: &Tree<'_>, list: &str) -> BTreeSet<u64> {
    document.elements(list).iter().filter_map(|pair| pair.element(0)?.as_u64()).collect()
}

/// Returns the ids of the nodes that were not removed.
pub(super) fn living_nodes(nodes_config: &Tree<'_>) -> BTreeSet<u64> {
    let is_tombstone =
        |pair: &&Tree<'_>| pair.element(1).and_then(Tree::as_str) == Some("Tombstone");
    let pairs = nodes_config.elements("/nodes").iter().filter(|pair| !is_tombstone(pair));
    pairs.filter_map(|pair| pair.element(0)?.as_u64()).collect()
}

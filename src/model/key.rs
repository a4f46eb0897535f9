//! The names of metadata keys. Which of them exist is in `docs/stored-formats.md`.

use std::fmt;

/// The name of a metadata key.
///
/// The order is the one a reader expects: the five fixed keys first, then the partition epochs by
/// number, then names that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `nodes_config`: cluster name, fingerprint, nodes.
    NodesConfig,
    /// `bifrost_config`: the log chains.
    Logs,
    /// `partition_table`: partitions and their key ranges.
    PartitionTable,
    /// `schema_registry`: deployments, services, subscriptions.
    Schema,
    /// `rule_book`: limiter rules.
    RuleBook,
    /// `pp_epoch_<N>`: leader epoch and replica set of partition N.
    PartitionEpoch(u16),
    /// Any other name.
    Unknown(String),
}

impl Key {
    /// The keys that every store may have, whatever the number of partitions.
    pub const FIXED: [Key; 5] =
        [Key::NodesConfig, Key::Logs, Key::PartitionTable, Key::Schema, Key::RuleBook];

    /// The beginning of the names of all partition epochs.
    pub const EPOCH_PREFIX: &str = "pp_epoch_";

    /// Returns the key with that name; total, since any name may be asked for.
    pub fn parse(name: &str) -> Key {
        if let Some(fixed) = Key::FIXED.into_iter().find(|key| key.fixed_name() == Some(name)) {
            return fixed;
        }
        name.strip_prefix(Key::EPOCH_PREFIX)
            .and_then(|number| number.parse::<u16>().ok())
            .map(Key::PartitionEpoch)
            // Only the canonical spelling is Restate's: not `pp_epoch_007`, not `pp_epoch_+7`.
            .filter(|key| key.to_string() == name)
            .unwrap_or_else(|| Key::Unknown(name.to_owned()))
    }

    fn fixed_name(&self) -> Option<&'static str> {
        match self {
            Key::NodesConfig => Some("nodes_config"),
            Key::Logs => Some("bifrost_config"),
            Key::PartitionTable => Some("partition_table"),
            Key::Schema => Some("schema_registry"),
            Key::RuleBook => Some("rule_book"),
            Key::PartitionEpoch(_) | Key::Unknown(_) => None,
        }
    }

    /// Returns the `kind` of tables and JSON documents.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::NodesConfig => "nodes-configuration",
            Key::Logs => "logs",
            Key::PartitionTable => "partition-table",
            Key::Schema => "schema",
            Key::RuleBook => "rule-book",
            Key::PartitionEpoch(_) => "partition-epoch",
            Key::Unknown(_) => "unknown",
        }
    }

    /// Returns whether this is one of the names that Restate uses.
    pub fn is_known(&self) -> bool {
        !matches!(self, Key::Unknown(_))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::PartitionEpoch(partition) => write!(f, "{}{partition}", Key::EPOCH_PREFIX),
            Key::Unknown(name) => f.write_str(name),
            fixed => f.write_str(fixed.fixed_name().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_only_canonical_ones_are_known() {
        for name in ["nodes_config", "bifrost_config", "partition_table", "schema_registry"] {
            assert!(Key::parse(name).is_known());
            assert_eq!(Key::parse(name).to_string(), name);
        }
        assert_eq!(Key::parse("pp_epoch_65535"), Key::PartitionEpoch(65535));
        for name in ["pp_epoch_65536", "pp_epoch_007", "pp_epoch_+7", "pp_epoch_", "", "rule_book2"]
        {
            assert_eq!(Key::parse(name), Key::Unknown(name.to_owned()));
        }
    }

    #[test]
    fn epochs_sort_by_number_after_the_fixed_keys() {
        let mut keys: Vec<_> = ["pp_epoch_10", "zzz", "rule_book", "pp_epoch_9", "nodes_config"]
            .map(Key::parse)
            .into();
        keys.sort();
        let names: Vec<_> = keys.iter().map(Key::to_string).collect();
        assert_eq!(names, ["nodes_config", "rule_book", "pp_epoch_9", "pp_epoch_10", "zzz"]);
    }
}

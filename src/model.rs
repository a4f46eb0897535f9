//! Keys, versions, values and snapshots: plain data that every station passes on. No I/O.
//!
//! The names of the keys, and which of them exist, are in `docs/stored-formats.md`.

use std::collections::BTreeMap;
use std::fmt;

use prost::bytes::Bytes;
use sha2::{Digest as _, Sha256};

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

    /// What the names of all partition epochs begin with.
    pub const EPOCH_PREFIX: &str = "pp_epoch_";

    /// The key of that name; total, since any name may be asked for.
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

    /// What the key holds, as the `kind` of tables and JSON documents.
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

    /// Whether this is one of the names that Restate uses.
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

/// The version that a store keeps beside a value. Restate's smallest is 1; 0 means "invalid".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a store holds for one key. The bytes are opaque to a copy and arrive unchanged.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The version beside the bytes.
    pub version: Version,
    /// The stored bytes, the codec's first byte included.
    pub bytes: Bytes,
}

impl Value {
    /// SHA-256 over the stored bytes, in lower-case hex.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
            use fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for Value {
    // Values can hold credentials, such as the headers of a deployment: never their bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(version {}, {} bytes)", self.version, self.bytes.len())
    }
}

/// How a store recognises the state that it was read in, so that a conditional write can require
/// it. Only the backend that made a tag reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The version itself: the replicated store compares nothing else.
    Version(Version),
    /// etcd's modification revisions of the value's key and of its version key; 0 where absent.
    Revisions {
        /// Of `<key>`.
        value: i64,
        /// Of `<key>::version`.
        version: i64,
    },
    /// An object's ETag.
    ETag(String),
    /// What an item of DynamoDB says: it has nothing that changes with every write.
    Item {
        /// The attribute `version`; `None` where there is none.
        version: Option<Attribute>,
        /// The attribute `data`.
        data: Option<Attribute>,
    },
}

impl Tag {
    /// How many bytes a request has to carry to require it.
    pub fn size(&self) -> usize {
        match self {
            Tag::Item { version, data } => {
                [version, data].into_iter().flatten().map(Attribute::size).sum()
            }
            Tag::Version(_) | Tag::Revisions { .. } | Tag::ETag(_) => 0,
        }
    }
}

/// The value of one attribute of an item.
#[derive(Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A number, as text.
    Number(String),
    /// Bytes.
    Binary(Bytes),
    /// Any other type, as the JSON that DynamoDB's protocol has for it.
    Json(String),
}

impl Attribute {
    fn size(&self) -> usize {
        match self {
            Attribute::Number(text) | Attribute::Json(text) => text.len(),
            Attribute::Binary(bytes) => bytes.len(),
        }
    }
}

impl fmt::Debug for Attribute {
    // As with a value: never its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Number(text) => write!(f, "Number({text})"),
            Attribute::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Attribute::Json(text) => write!(f, "Json({} bytes)", text.len()),
        }
    }
}

/// What a store answered for one key that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A version and its bytes.
    Whole(Value, Tag),
    /// Something is there, and it is not what Restate writes.
    Damaged {
        /// What is wrong, to be read after the key's name.
        reason: String,
        /// What lies there, by what the store calls its parts.
        raw: Vec<(String, Bytes)>,
        /// What to require when it is replaced.
        tag: Tag,
    },
}

impl Entry {
    /// The value, where it is whole.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Entry::Whole(value, _) => Some(value),
            Entry::Damaged { .. } => None,
        }
    }

    /// How many bytes lie there.
    pub fn size(&self) -> u64 {
        match self {
            Entry::Whole(value, _) => value.bytes.len() as u64,
            Entry::Damaged { raw, .. } => raw.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        }
    }

    /// What a conditional write on this entry has to require.
    pub fn tag(&self) -> &Tag {
        match self {
            Entry::Whole(_, tag) | Entry::Damaged { tag, .. } => tag,
        }
    }
}

/// All of a store's keys at one time.
pub type Snapshot = BTreeMap<Key, Entry>;

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

    #[test]
    fn debug_never_shows_the_bytes() {
        let value =
            Value { version: Version(3), bytes: Bytes::from_static(b"authorization: secret") };
        assert_eq!(format!("{value:?}"), "Value(version 3, 21 bytes)");
    }
}

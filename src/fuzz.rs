//! What fuzz tests and coverage-guided fuzzing give any bytes to: `fuzz/` has a program for each of these functions.
//!
//! None may panic, whatever the bytes are, and none takes long or much memory. `make soak PART=coverage-fuzz` runs them.

use crate::backends::backup::Backup;
pub use crate::backends::object_store::fuzz::decode_object;
pub use crate::backends::stopped_node::fuzz::{parse_messages, rebuild_state};
use crate::codec::{self, Tree};
use crate::model::{Key, Value, Version};
pub use crate::rocks_db::fuzz::{read_log, read_manifest, read_parts, read_table};

/// The keys, each of which is decoded in its own way.
const KEYS: [&str; 7] = [
    "nodes_config",
    "bifrost_config",
    "partition_table",
    "schema_registry",
    "rule_book",
    "pp_epoch_0",
    "another",
];

/// Decodes a stored value, and reads what decisions are made on: the first byte says of which key.
pub fn decode_value(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = KEYS.get(usize::from(*first) % KEYS.len()).copied().unwrap_or_default();
    let key = Key::parse(name);
    let value = Value { version: Version(1), bytes: bytes.to_vec().into() };
    let _ = (codec::check(&key, &value), codec::describe(&key, &value));
    let Ok(document) = codec::decode(&key, bytes) else { return };
    let _ =
        (codec::find_shape_errors(&key, &Tree::borrow(&document)), codec::is_editable(&key, bytes));
    if key == Key::NodesConfig {
        let _ = codec::nodes_configuration(&document);
    }
    if key == Key::PartitionTable {
        let _ = codec::partition_ids_in(bytes);
    }
}

/// Parses a configuration file.
pub fn parse_configuration(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = crate::config::parse(text, "fuzz.toml");
    }
}

/// Parses a backup file.
pub fn parse_backup(bytes: &[u8]) {
    let _ = Backup::parse(bytes, "fuzz.jsonl");
}

/// Returns the configuration of every fuzz test: ten thousand cases in `make test`, more in `make soak`. Their names
/// begin with `fuzz`.
#[cfg(test)]
pub(crate) fn fuzz_config() -> proptest::test_runner::Config {
    let cases = std::env::var("RESTATECTL_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    proptest::test_runner::Config {
        cases: cases.unwrap_or(10_000),
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

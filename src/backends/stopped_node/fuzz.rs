//! Any bytes as each record that a metadata server keeps. Fuzz tests and coverage-guided fuzzing call these.

use std::collections::BTreeMap;

use super::messages::{HardState, LogEntry, RaftSnapshot, parse_voters};
use super::replica::Replica;
use crate::rocks_db::{Database, Family};

/// Parses a message of each kind.
pub fn parse_messages(bytes: &[u8]) {
    let _ = (LogEntry::parse(bytes), RaftSnapshot::parse(bytes));
    let _ = (HardState::parse(bytes), parse_voters(bytes));
}

/// Rebuilds the state of a member out of the records that the bytes are: keys and values in turn, each behind its length of
/// two bytes, in the family `data` if the key begins with `l`.
pub fn rebuild_state(bytes: &[u8]) {
    let (mut data, mut metadata) = (Family::new(), Family::new());
    let mut rest = bytes;
    while let Some((key, value)) = take_part(&mut rest).zip(take_part(&mut rest)) {
        let family = if key.starts_with(b"l") { &mut data } else { &mut metadata };
        family.insert(key.to_vec(), value.to_vec());
    }
    let families = [("data", data), ("default", Family::new()), ("metadata", metadata)];
    let families: BTreeMap<_, _> =
        families.into_iter().map(|(name, family)| (name.to_owned(), family)).collect();
    let database = Database { families, torn_tails: Vec::new(), newest_change: None };
    let _ = Replica::from_database(database).map(|replica| replica.rebuild_values());
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let (part, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = behind;
    Some(part)
}

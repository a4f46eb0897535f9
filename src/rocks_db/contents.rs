//! The entries of all files of a database: of each key, the newest.

use std::collections::BTreeMap;

use super::budget::Amount;
use super::error::Fault;
use super::internal_key::Operation;
use super::write_batch::Write;

/// The keys and values of a column family.
pub type Family = BTreeMap<Vec<u8>, Vec<u8>>;

/// What an entry takes beside its key and its value, about.
const ENTRY_SIZE: usize = 100;

/// An entry of the state that is put together.
#[derive(Debug)]
struct Newest {
    sequence: u64,
    /// `None` for a deletion.
    value: Option<Vec<u8>>,
}

/// The newest entries found so far.
#[derive(Debug, Default)]
pub(super) struct Contents {
    entries: BTreeMap<u32, BTreeMap<Vec<u8>, Newest>>,
}

impl Contents {
    /// Adds an entry, unless a newer one is known. `kept` counts what is held.
    ///
    /// # Errors
    /// A [`Fault`] for two values with one sequence number, and for too much that is held.
    pub(super) fn add(&mut self, write: &Write<'_>, kept: &mut Amount) -> Result<(), Fault> {
        let value = match write.operation {
            Operation::Put => Some(write.value),
            Operation::Delete => None,
        };
        let family = self.entries.entry(write.family).or_default();
        let size = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len) as u64;
        if let Some(found) = family.get(write.key) {
            let held = found.value.as_deref();
            if found.sequence == write.sequence && held != value {
                return Err(Fault::new(0, "two values with one sequence number"));
            }
            if found.sequence >= write.sequence {
                return Ok(());
            }
            kept.release(size(held));
        } else {
            let entry = write.key.len().saturating_add(ENTRY_SIZE) as u64;
            kept.add(entry).map_err(|excess| Fault::new(0, excess))?;
        }
        kept.add(size(value)).map_err(|excess| Fault::new(0, excess))?;
        let newest = Newest { sequence: write.sequence, value: value.map(<[u8]>::to_vec) };
        family.insert(write.key.to_vec(), newest);
        Ok(())
    }

    /// Takes the keys of a column family that have a value.
    pub(super) fn take_family(&mut self, id: u32) -> Family {
        let entries = self.entries.remove(&id).unwrap_or_default().into_iter();
        entries.filter_map(|(key, newest)| Some((key, newest.value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &'static [u8], sequence: u64, value: &'static [u8]) -> Write<'static> {
        Write { family: 1, key, sequence, operation: Operation::Put, value }
    }

    #[test]
    fn what_is_held_is_limited_whatever_the_sizes_of_values() {
        // Each entry takes a hundred bytes beside its key, so that empty values without an end are noticed too.
        let mut kept = Amount::new(350, "too much");
        let mut contents = Contents::default();
        for key in [b"a", b"b", b"c"] {
            contents.add(&write(key, 1, b""), &mut kept).unwrap();
        }
        assert_eq!(contents.add(&write(b"d", 1, b""), &mut kept).unwrap_err().reason, "too much");
        // A newer value takes the room of the older one.
        let (mut kept, mut contents) = (Amount::new(150, "too much"), Contents::default());
        for sequence in 1..9 {
            contents.add(&write(b"a", sequence, &[0; 40]), &mut kept).unwrap();
        }
        assert!(contents.add(&write(b"a", 9, &[0; 60]), &mut kept).is_err());
    }

    #[test]
    fn newest_entry_of_a_key_counts_in_any_order() {
        let (mut kept, mut contents) = (Amount::new(1000, ""), Contents::default());
        for (sequence, value) in [(2, &b"two"[..]), (3, b"three"), (1, b"one"), (3, b"three")] {
            contents.add(&Write { value, ..write(b"a", sequence, b"") }, &mut kept).unwrap();
        }
        assert!(contents.add(&write(b"a", 3, b"other"), &mut kept).is_err());
        assert_eq!(contents.take_family(1), Family::from([(b"a".to_vec(), b"three".to_vec())]));
    }
}

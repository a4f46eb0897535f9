//! Sorts the names that a scan finds: Restate's, those that may be, and foreign ones.
//!
//! Nothing stands between prefix and key, so that items of other prefixes may lie below this one: those
//! of `ab` below `a`, and `partition_table` of the empty prefix below `p`. They are sorted by the known
//! names that they end with, and are never this store's.

use std::collections::BTreeSet;

use crate::model::Key;

/// The most bytes that names may take which are not known ones: a quarter of a million short names.
const HELD_BYTES: usize = 32 << 20;

/// What a name costs beside its bytes.
const NAME_OVERHEAD: usize = 80;

/// The names that a scan found, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScannedNames {
    pub(super) known: BTreeSet<Key>,
    /// Unknown names that may be Restate's.
    pub(super) candidates: Vec<String>,
    pub(super) others: u64,
}

/// Sorts names as they come. Foreign ones are counted, and not kept.
pub(super) struct NameSorter<'a> {
    prefix: &'a str,
    known: BTreeSet<Key>,
    /// The prefixes that are longer than this one.
    longer: BTreeSet<String>,
    candidates: BTreeSet<String>,
    others: u64,
    held: usize,
}

/// More names are neither known nor foreign than can be held.
#[derive(Debug)]
pub(super) struct TooManyNames;

impl<'a> NameSorter<'a> {
    pub(super) fn new(prefix: &'a str) -> NameSorter<'a> {
        let (known, longer, candidates) = Default::default();
        NameSorter { prefix, known, longer, candidates, others: 0, held: 0 }
    }

    /// Adds a full name, with whether its item has a version.
    pub(super) fn add(&mut self, full: &str, has_version: bool) -> Result<(), TooManyNames> {
        // A server that ignores the filter sends others, too: they mean nothing here.
        let Some(name) = full.strip_prefix(self.prefix) else { return Ok(()) };
        let key = Key::parse(name);
        let of_prefix = prefix_of(full);
        if key.is_known() {
            self.known.insert(key);
        } else if has_version && !name.is_empty() && of_prefix.is_none() {
            if self.candidates.insert(full.to_owned()) {
                self.hold(full)?;
            }
        } else {
            self.others += 1;
        }
        match of_prefix.filter(|other| other.len() > self.prefix.len()) {
            Some(other) if self.longer.insert(other.to_owned()) => self.hold(other),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, name: &str) -> Result<(), TooManyNames> {
        self.held += name.len() + NAME_OVERHEAD;
        if self.held > HELD_BYTES { Err(TooManyNames) } else { Ok(()) }
    }

    /// Returns what was found, when all names of the table are known.
    pub(super) fn finish(self) -> ScannedNames {
        let mut names =
            ScannedNames { known: self.known, candidates: Vec::new(), others: self.others };
        for full in self.candidates {
            match full.strip_prefix(self.prefix) {
                Some(name) if !begins_with_any(&full, &self.longer) => {
                    names.candidates.push(name.to_owned());
                }
                _ => names.others += 1,
            }
        }
        names
    }
}

/// Returns the text in front of a known name, if the full name ends with one.
fn prefix_of(full: &str) -> Option<&str> {
    let fixed = Key::FIXED.iter().find_map(|key| full.strip_suffix(&key.to_string()));
    let epoch = || {
        let (prefix, epoch) = full.split_at(full.rfind(Key::EPOCH_PREFIX)?);
        Key::parse(epoch).is_known().then_some(prefix)
    };
    fixed.or_else(epoch)
}

fn begins_with_any(full: &str, prefixes: &BTreeSet<String>) -> bool {
    // Sorted among others, a prefix may stand anywhere before the name: each length is looked up.
    full.char_indices().any(|(end, _)| prefixes.contains(full.split_at(end).0))
        || prefixes.contains(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_names(prefix: &str, found: &[(&str, bool)]) -> ScannedNames {
        let mut sorter = NameSorter::new(prefix);
        for (name, has_version) in found {
            sorter.add(&format!("{prefix}{name}"), *has_version).unwrap();
        }
        sorter.finish()
    }

    #[test]
    fn names_of_a_longer_prefix_are_not_ours() {
        // Below "a": its own, and those of "ab", of "a/b/" and of "aé".
        let found = [
            ("nodes_config", true),
            ("pp_epoch_7", false),
            ("new_key", true),
            ("bnodes_config", true),
            ("bpp_epoch_7", true),
            ("bnew_key", true),
            ("/b/rule_book", true),
            ("/b/new_key", true),
            ("/new_key", true),
            ("épp_epoch_1", true),
            ("énew_key", true),
            ("without_version", false),
            ("", true),
        ];
        for prefix in ["a", ""] {
            let names = sorted_names(prefix, &found);
            assert_eq!(names.known, BTreeSet::from([Key::NodesConfig, Key::PartitionEpoch(7)]));
            assert_eq!(names.candidates, ["/new_key", "new_key"]);
            assert_eq!(names.others, 9);
        }
    }

    #[test]
    fn names_of_a_shorter_prefix_are_not_ours() {
        // Of the empty prefix.
        let found = [("artition_table", true), ("p_epoch_7", true), ("pp_epoch_7", true)];
        let names = sorted_names("p", &found);
        assert_eq!(names.known, BTreeSet::from([Key::PartitionEpoch(7)]));
        assert_eq!((names.candidates.len(), names.others), (0, 2));
    }

    #[test]
    fn foreign_names_are_counted_without_bound_and_unknown_ones_are_bounded() {
        let mut sorter = NameSorter::new("p/");
        let name = "x".repeat(1000);
        for n in 0..100_000 {
            sorter.add(&format!("p/{name}{n}"), false).unwrap();
        }
        assert_eq!((sorter.others, sorter.held), (100_000, 0));
        let added = (0..100_000).take_while(|n| sorter.add(&format!("p/{name}{n}"), true).is_ok());
        assert!((20_000..40_000).contains(&added.count()));
    }

    #[test]
    fn prefix_is_the_text_before_a_known_name() {
        for (name, prefix) in [
            ("nodes_config", Some("")),
            ("pp_epoch_7", Some("")),
            ("xnodes_config", Some("x")),
            ("x/pp_epoch_65535", Some("x/")),
            ("x/pp_epoch_65536", None),
            ("nodes_config_old", None),
            ("pp_epoch_1pp_epoch_2", Some("pp_epoch_1")),
        ] {
            assert_eq!(prefix_of(name), prefix, "{name}");
        }
    }
}

//! Lists the items below the key prefix: Restate's, and foreign ones.
//!
//! Nothing stands between prefix and key, so that items of other prefixes may lie below this one: those
//! of `ab` below `a`, and `partition_table` of the empty prefix below `p`. They are sorted_names by the known
//! names that they end with, and are never this store's.

use std::collections::BTreeSet;

use super::item::{self, VERSION};
use super::store::{DynamoDb, MOST_ITEMS};
use crate::model::{Key, StoreError};

/// The names that a scan found, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
struct ScannedNames {
    known: BTreeSet<Key>,
    /// Unknown names that may be Restate's.
    candidates: Vec<String>,
    others: u64,
}

/// Restate's keys. An unknown name counts if its item is just what Restate writes.
pub(super) async fn list_keys(store: &DynamoDb) -> Result<BTreeSet<Key>, StoreError> {
    let names = scan_names(store).await?;
    let ours = select_restate_items(store, &names.candidates).await?;
    Ok(names.known.into_iter().chain(ours).collect())
}

/// Counts the foreign items below the prefix.
pub(super) async fn count_foreign_items(store: &DynamoDb) -> Result<u64, StoreError> {
    let names = scan_names(store).await?;
    let ours = select_restate_items(store, &names.candidates).await?;
    Ok(names.others + (names.candidates.len() - ours.len()) as u64)
}

async fn scan_names(store: &DynamoDb) -> Result<ScannedNames, StoreError> {
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let (page, next) = store.client.scan(&store.prefix, start).await?;
        found.extend(page.iter().filter_map(|item| {
            let has_version = item.get(VERSION).and_then(item::version_of).is_some();
            Some((item::name(item)?.to_owned(), has_version))
        }));
        match next {
            Some(next) => start = Some(next),
            None => return Ok(sort_names(&store.prefix, &found)),
        }
    }
}

/// Sorts full names, each with whether its item has a version.
fn sort_names(prefix: &str, found: &[(String, bool)]) -> ScannedNames {
    let prefixes: BTreeSet<_> = found
        .iter()
        .filter_map(|(full, _)| prefix_of(full))
        .filter(|other| other.len() > prefix.len())
        .collect();
    let mut names = ScannedNames::default();
    for (full, has_version) in found {
        let Some(name) = full.strip_prefix(prefix) else { continue };
        let key = Key::parse(name);
        if key.is_known() {
            names.known.insert(key);
        } else if *has_version
            && !name.is_empty()
            && prefix_of(full).is_none()
            && !begins_with_any(full, &prefixes)
        {
            names.candidates.push(name.to_owned());
        } else {
            names.others += 1;
        }
    }
    names
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

fn begins_with_any(full: &str, prefixes: &BTreeSet<&str>) -> bool {
    // Sorted among others, a prefix may stand anywhere before the name: each length is looked up.
    full.char_indices().any(|(end, _)| prefixes.contains(full.split_at(end).0))
        || prefixes.contains(full)
}

/// Returns the candidates whose items are exactly what Restate writes.
async fn select_restate_items(
    store: &DynamoDb,
    candidates: &[String],
) -> Result<BTreeSet<Key>, StoreError> {
    let mut ours = BTreeSet::new();
    for batch in candidates.chunks(MOST_ITEMS) {
        let names = batch.iter().map(|name| format!("{}{name}", store.prefix)).collect();
        let items = store.client.get(names).await?;
        let names = items.iter().filter(|item| item::looks_like_ours(item)).filter_map(item::name);
        ours.extend(names.filter_map(|name| name.strip_prefix(&store.prefix)).map(Key::parse));
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_names(prefix: &str, found: &[(&str, bool)]) -> ScannedNames {
        let found = found.iter().map(|(name, version)| (format!("{prefix}{name}"), *version));
        sort_names(prefix, &found.collect::<Vec<_>>())
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
            assert_eq!(names.candidates, ["new_key", "/new_key"]);
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

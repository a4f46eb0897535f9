//! Which items lie below the key prefix: Restate's, and others.
//!
//! Nothing stands between prefix and key, so that the items of a longer prefix lie below a shorter one:
//! those of `ab` are found below `a`. They are told by the known names that they end with, and are
//! never this store's.

use std::collections::BTreeSet;

use super::super::StoreError;
use super::item::{self, VERSION};
use super::{DynamoDb, MOST_ITEMS};
use crate::model::Key;

/// What a scan found, by what the names say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    known: BTreeSet<Key>,
    /// Unknown names that may be Restate's.
    candidates: Vec<String>,
    others: u64,
}

/// Restate's keys. An unknown name counts if its item is just what Restate writes.
pub(super) async fn keys(store: &DynamoDb) -> Result<BTreeSet<Key>, StoreError> {
    let names = scan(store).await?;
    let ours = ours(store, &names.candidates).await?;
    Ok(names.known.into_iter().chain(ours).collect())
}

/// How many other items lie below the prefix.
pub(super) async fn foreign(store: &DynamoDb) -> Result<u64, StoreError> {
    let names = scan(store).await?;
    let ours = ours(store, &names.candidates).await?;
    Ok(names.others + (names.candidates.len() - ours.len()) as u64)
}

async fn scan(store: &DynamoDb) -> Result<Names, StoreError> {
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let (page, next) = store.client.scan(&store.prefix, start).await?;
        found.extend(page.iter().filter_map(|item| {
            let name = item::name(item)?.strip_prefix(&store.prefix)?;
            let has_version = item.get(VERSION).and_then(item::version_of).is_some();
            Some((name.to_owned(), has_version))
        }));
        match next {
            Some(next) => start = Some(next),
            None => return Ok(sorted(found)),
        }
    }
}

/// The names below the prefix, each with whether its item has a version.
fn sorted(found: Vec<(String, bool)>) -> Names {
    let prefixes: BTreeSet<_> =
        found.iter().filter_map(|(name, _)| longer_prefix(name)).map(ToOwned::to_owned).collect();
    let mut names = Names::default();
    for (name, has_version) in found {
        let key = Key::parse(&name);
        if key.is_known() {
            names.known.insert(key);
        } else if has_version && !name.is_empty() && !below_any(&name, &prefixes) {
            names.candidates.push(name);
        } else {
            names.others += 1;
        }
    }
    names
}

/// What stands in front of a known name, if it ends with one.
fn longer_prefix(name: &str) -> Option<&str> {
    let fixed = Key::FIXED.iter().find_map(|key| name.strip_suffix(&key.to_string()));
    let epoch = || {
        let at = name.rfind(Key::EPOCH_PREFIX)?;
        let (prefix, epoch) = name.split_at(at);
        Key::parse(epoch).is_known().then_some(prefix)
    };
    fixed.or_else(epoch).filter(|prefix| !prefix.is_empty())
}

fn below_any(name: &str, prefixes: &BTreeSet<String>) -> bool {
    // Every prefix of the name, since those that are known may lie anywhere among others.
    name.char_indices().skip(1).any(|(end, _)| prefixes.contains(name.split_at(end).0))
        || prefixes.contains(name)
}

/// Those whose items are just what Restate writes.
async fn ours(store: &DynamoDb, candidates: &[String]) -> Result<BTreeSet<Key>, StoreError> {
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

    fn told(found: &[(&str, bool)]) -> Names {
        sorted(found.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect())
    }

    #[test]
    fn names_below_a_longer_prefix_are_not_ours() {
        // Below "a": its own, and those of "ab", of "a/b/" and of "aé".
        let names = told(&[
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
        ]);
        assert_eq!(names.known, BTreeSet::from([Key::NodesConfig, Key::PartitionEpoch(7)]));
        assert_eq!(names.candidates, ["new_key", "/new_key"]);
        assert_eq!(names.others, 9);
    }

    #[test]
    fn only_what_ends_with_a_known_name_has_a_longer_prefix() {
        for (name, prefix) in [
            ("nodes_config", None),
            ("pp_epoch_7", None),
            ("xnodes_config", Some("x")),
            ("x/pp_epoch_65535", Some("x/")),
            ("x/pp_epoch_65536", None),
            ("nodes_config_old", None),
            ("pp_epoch_1pp_epoch_2", Some("pp_epoch_1")),
        ] {
            assert_eq!(longer_prefix(name), prefix, "{name}");
        }
    }
}

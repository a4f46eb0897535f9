//! Lists the keys of an etcd: Restate's, and foreign ones of the same shape.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use futures_util::future::try_join_all;

use super::client::EtcdClient;
use super::layout::{VERSION_SUFFIX, is_version_name, version_name};
use super::scan::{NameRange, scan_names};
use crate::model::{Key, StoreError};

/// The longest name that may be half of a foreign pair: far above any of Restate's.
const LONGEST_NAME: usize = 4096;

/// Returns the prefixes of all Restate names, none of which is a prefix of another.
pub(super) fn restate_prefixes() -> Vec<String> {
    let fixed = Key::FIXED.iter().map(Key::to_string);
    fixed.chain([Key::EPOCH_PREFIX.to_owned()]).collect()
}

/// Returns the key of which the name is one half.
pub(super) fn key_of_name(name: &str) -> Key {
    Key::parse(name.strip_suffix(VERSION_SUFFIX).unwrap_or(name))
}

/// Restate's keys, also those of which only one half is there.
pub(super) async fn list_restate_keys(client: &EtcdClient) -> Result<BTreeSet<Key>, StoreError> {
    let scans = restate_prefixes().into_iter().map(|prefix| list_known_keys(client, prefix));
    Ok(try_join_all(scans).await?.into_iter().flatten().collect())
}

async fn list_known_keys(client: &EtcdClient, prefix: String) -> Result<BTreeSet<Key>, StoreError> {
    let mut keys = BTreeSet::new();
    let add = |name: &str| {
        keys.extend(Some(key_of_name(name)).filter(Key::is_known));
        ControlFlow::Continue(())
    };
    scan_names(client, NameRange::with_prefix(&prefix), add).await?;
    Ok(keys)
}

/// Counts the foreign pairs of a name and its version.
pub(super) async fn count_foreign_pairs(client: &EtcdClient) -> Result<u64, StoreError> {
    let (mut counter, mut names) = (PairCounter::default(), 0);
    let add = |name: &str| {
        counter.add(name);
        names += 1;
        match names < MAX_COUNTED_NAMES {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    scan_names(client, NameRange::all(), add).await?;
    if names == MAX_COUNTED_NAMES {
        tracing::info!("more than {names} names: foreign pairs behind them are not counted");
    }
    Ok(counter.pairs)
}

/// The most names among which foreign pairs are counted: nothing depends on their number.
const MAX_COUNTED_NAMES: usize = 2_000_000;

/// Counts foreign pairs among names that come in order, and keeps only those whose other half may still come:
/// each of them is the beginning of the next.
#[derive(Default)]
struct PairCounter {
    waiting: Vec<String>,
    pairs: u64,
}

impl PairCounter {
    fn add(&mut self, name: &str) {
        while self.waiting.last().is_some_and(|last| version_name(last).as_str() < name) {
            self.waiting.pop();
        }
        if self.waiting.last().is_some_and(|last| version_name(last) == name) {
            self.waiting.pop();
            self.pairs += 1;
        } else if !is_version_name(name)
            && name.len() <= LONGEST_NAME
            && !Key::parse(name).is_known()
        {
            self.waiting.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn pairs_are_counted_in_one_pass(
            names in prop::collection::btree_set("(rule_book|a{0,3}[!:;b]?)(::version)?", 0..20)
        ) {
            let is_pair = |name: &&String| {
                !name.ends_with(VERSION_SUFFIX)
                    && !Key::parse(name).is_known()
                    && names.contains(&version_name(name))
            };
            let mut counter = PairCounter::default();
            names.iter().for_each(|name| counter.add(name));
            prop_assert_eq!(counter.pairs, names.iter().filter(is_pair).count() as u64);
        }
    }
}

//! Lists the items below the key prefix: Restate's, and foreign ones.
//!
//! A scan has no order that could be checked, and pages without items are legal, since the prefix is a filter.
//! So each page must begin at another name than all before it, and their number is bounded.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use super::answers::quote;
use super::item::{self, VERSION};
use super::names::{NameSorter, ScannedNames, TooManyNames};
use super::store::{DynamoDb, MOST_ITEMS};
use crate::model::{Key, StoreError};

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
    let mut sorter = NameSorter::new(&store.prefix);
    let (mut starts, mut start) = (PageStarts::default(), None);
    let most_pages = store.facts.get().copied().unwrap_or_default().most_pages();
    loop {
        let page = store.client.scan(&store.prefix, start.as_deref()).await?;
        for item in &page.items {
            let name = item::name(item).ok_or_else(|| store.client.wrong_schema(None))?;
            let has_version = item.get(VERSION).and_then(item::version_of).is_some();
            sorter
                .add(name, has_version)
                .map_err(|TooManyNames| too_large_to_list(store, "too many names of other uses"))?;
        }
        let Some(next) = page.next else { return Ok(sorter.finish()) };
        if !starts.insert(&next) {
            let next = quote(&next);
            let what = format!("Scan goes in a circle: it has LastEvaluatedKey {next} twice");
            return Err(store.client.unusable_answer(&what));
        }
        if starts.count() >= most_pages {
            let what = format!("a scan of it has not ended after {most_pages} pages");
            return Err(too_large_to_list(store, &what));
        }
        start = Some(next);
    }
}

/// Returns the error of a table that can't be listed in bounded time or memory. Either may be the store's fault,
/// or the table's size.
fn too_large_to_list(store: &DynamoDb, what: &str) -> StoreError {
    let reason = format!(
        "{what}; use a table of its own, or deny dynamodb:Scan, so that only the known names are read"
    );
    StoreError::Unusable { store: store.client.name.clone(), reason }
}

/// The names at which pages began, each as a digest whose key no server knows.
#[derive(Default)]
struct PageStarts {
    hasher: RandomState,
    seen: BTreeSet<u64>,
}

impl PageStarts {
    /// Adds a name; returns whether it is new.
    fn insert(&mut self, name: &str) -> bool {
        self.seen.insert(self.hasher.hash_one(name))
    }

    fn count(&self) -> usize {
        self.seen.len()
    }
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

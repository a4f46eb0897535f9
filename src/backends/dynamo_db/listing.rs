//! Lists the items below the key prefix: Restate's, and foreign ones.
//!
//! A scan has no order that could be checked, and pages without items are legal, since the prefix is a filter.
//! So each page must begin at another name than all before it, and their number and time are bounded.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::answers::quote;
use super::item::{self, VERSION};
use super::names::{NameSorter, ScannedNames, TooManyNames};
use super::store::{DynamoDb, MOST_ITEMS};
use crate::model::{Key, StoreError};
use crate::wording::plural;

/// The most items with unknown names that are read to find out what they are, as of an object store.
const MOST_CANDIDATES: usize = 1_000;

/// The longest time of a scan: tables of tens of gigabytes are read in it.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Restate's keys. An unknown name counts if its item is just what Restate writes.
pub(super) async fn list_keys(store: &DynamoDb) -> Result<BTreeSet<Key>, StoreError> {
    let names = scan_names(store).await?;
    let ours = select_restate_items(store, &names.candidates).await?;
    let left_out = names.candidates.len().saturating_sub(MOST_CANDIDATES);
    store.left_out.store(left_out, Ordering::Relaxed);
    Ok(names.known.into_iter().chain(ours).collect())
}

/// Describes why there may be more keys than were found; `None` if there are not.
pub(super) fn describe_missing_keys(store: &DynamoDb) -> Option<String> {
    let left_out = store.left_out.load(Ordering::Relaxed);
    (left_out > 0).then(|| {
        format!(
            "only {} with unknown names and a version are read to see whether they are keys, and {left_out} more are \
             not; keep the metadata in a table, or below a key-prefix, of its own",
            plural(MOST_CANDIDATES, "item")
        )
    })
}

/// Counts the foreign items below the prefix.
pub(super) async fn count_foreign_items(store: &DynamoDb) -> Result<u64, StoreError> {
    let names = scan_names(store).await?;
    let ours = select_restate_items(store, &names.candidates).await?;
    Ok(names.others + (names.candidates.len() - ours.len()) as u64)
}

async fn scan_names(store: &DynamoDb) -> Result<ScannedNames, StoreError> {
    let mut sorter = NameSorter::new(&store.prefix);
    let (mut starts, mut start, started) = (PageStarts::default(), None, Instant::now());
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
        if starts.count() >= most_pages || started.elapsed() > TIME_LIMIT {
            let pages = starts.count();
            let what = format!("a scan of it has not ended after {pages} pages");
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

/// Returns those of the first candidates whose items are exactly what Restate writes.
async fn select_restate_items(
    store: &DynamoDb,
    candidates: &[String],
) -> Result<BTreeSet<Key>, StoreError> {
    let mut ours = BTreeSet::new();
    let looked_at = candidates.get(..MOST_CANDIDATES).unwrap_or(candidates);
    for batch in looked_at.chunks(MOST_ITEMS) {
        let names = batch.iter().map(|name| format!("{}{name}", store.prefix)).collect();
        let items = store.client.get(names).await?;
        let names = items.iter().filter(|item| item::looks_like_ours(item)).filter_map(item::name);
        ours.extend(names.filter_map(|name| name.strip_prefix(&store.prefix)).map(Key::parse));
    }
    Ok(ours)
}

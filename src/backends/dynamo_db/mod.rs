//! Amazon DynamoDB: one item per key, its partition key a prefix and the key's name.
//!
//! Preconditions are condition expressions, and all changes of a write are one transaction. An item
//! has nothing that changes with every write, so that what was read is required in full.

mod answers;
mod client;
mod fault;
mod item;
mod item_limits;
mod json;
mod listing;
mod names;
mod schema;
mod store;
mod table_facts;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::{ReadLimits, Source, Target, WriteLimits};
use crate::model::{
    AccessOrigins, Change, Entry, FailedWrite, Key, LimitViolation, Snapshot, StoreError,
    StoreIdentity, unless_denied,
};
pub use store::DynamoDb;
use store::MOST_ITEMS;

/// A transaction may have 4 MB in all; names and framing are counted by [`Change::size`].
const BATCH_BYTES: usize = 4_000_000;

#[async_trait]
impl Source for DynamoDb {
    fn kind(&self) -> &'static str {
        "dynamo-db"
    }

    fn name(&self) -> &str {
        &self.client.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: MOST_ITEMS, concurrency: self.client.retries.pace.max_concurrency() }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        if let Some(facts) = schema::check_schema(&self.client).await? {
            let _ = self.facts.set(facts);
        }
        // Restate itself never lists.
        let keys = unless_denied(listing::list_keys(self).await)?;
        self.unlisted.store(keys.is_none(), Ordering::Relaxed);
        Ok(keys)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let names: Vec<_> = keys.iter().map(|key| self.item_name(key)).collect();
        let found = self.client.get(names.clone()).await?.into_iter();
        let mut found: HashMap<_, _> =
            found.filter_map(|item| Some((item::name(&item)?.to_owned(), item))).collect();
        Ok(names.iter().map(|name| found.remove(name).map(item::entry_from_item)).collect())
    }

    fn describe_missing_keys(&self) -> Option<String> {
        listing::describe_missing_keys(self)
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        unless_denied(listing::count_foreign_items(self).await)
    }

    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        schema::identify(self).await.map(Some)
    }
}

#[async_trait]
impl Target for DynamoDb {
    fn write_limits(&self) -> WriteLimits {
        let concurrency = self.client.retries.pace.max_concurrency();
        WriteLimits { keys: MOST_ITEMS, bytes: BATCH_BYTES, concurrency, atomic: true }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        write::probe_write(self).await
    }

    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        Ok(item_limits::find_violations(&self.prefix, wanted))
    }

    fn describe_capacity(&self, wanted: &Snapshot) -> Option<String> {
        let untried = "a key policy of KMS, which only a real write meets, is not known";
        Some(match self.facts.get().and_then(|facts| facts.describe_capacity(wanted)) {
            Some(capacity) => format!("{capacity}; {untried}"),
            None => untried.to_owned(),
        })
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        write::write_changes(self, changes).await
    }

    fn access_origins(&self) -> Option<&AccessOrigins> {
        Some(&self.origins)
    }

    fn operator_advice(&self) -> Option<&'static str> {
        self.unlisted.load(Ordering::Relaxed).then_some(
            "dynamodb:Scan is not permitted: the table was read by the known names, and whether it \
             has epochs beside those of its partition table, or keys of other names, is not known.",
        )
    }
}

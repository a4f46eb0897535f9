//! Amazon S3, and stores that speak its protocol: one object per key below a prefix.
//!
//! Preconditions are S3's conditional writes. A key that was deleted is a tombstone: it reads as
//! absent, and is replaced under its ETag.

mod access;
mod body;
mod candidates;
mod client;
mod examined;
mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod keyless_resolver;
mod listing;
mod object;
mod page;
mod probe;
mod store;
mod walk;
mod write;

use std::collections::BTreeSet;
use std::sync::PoisonError;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::{ReadLimits, Source, Target, WriteLimits};
use crate::model::{
    AccessOrigins, Change, ConditionalWrites, Entry, FailedWrite, Key, LimitViolation, Snapshot,
    StoreError, StoreIdentity,
};
use examined::Examined;
pub use store::ObjectStore;

#[async_trait]
impl Source for ObjectStore {
    fn kind(&self) -> &'static str {
        "object-store"
    }

    fn name(&self) -> &str {
        &self.client.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: 1, concurrency: self.client.retries.pace.max_concurrency() }
    }

    fn describe_missing_keys(&self) -> Option<String> {
        let examined = self.examined.lock().unwrap_or_else(PoisonError::into_inner);
        examined.as_ref().and_then(Examined::describe_missing_keys)
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        listing::list_keys(self).await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        try_join_all(keys.iter().map(|key| self.read_one(key))).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        listing::count_foreign_objects(self).await
    }

    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        Ok(Some(self.identity.clone()))
    }
}

#[async_trait]
impl Target for ObjectStore {
    fn write_limits(&self) -> WriteLimits {
        let concurrency = self.client.retries.pace.max_concurrency();
        WriteLimits { keys: 1, bytes: usize::MAX, concurrency, atomic: false }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        probe::probe_write(self).await
    }

    fn untried_writes(&self) -> Option<&'static str> {
        Some(match self.is_amazon {
            true => {
                "what only a write that succeeds would meet, such as a key policy of KMS, is not known"
            }
            false => {
                "no object was written: whether the store honours each condition and keeps Content-Encoding \
                 is found out by store-probe"
            }
        })
    }

    async fn remove_scratch_objects(&self) {
        probe::remove_scratch_objects(self).await;
    }

    async fn find_limit_violations(
        &self,
        desired: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        Ok(self.find_large_values(desired))
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        write::write_changes(self, changes).await
    }

    fn guarantees_conditional_writes(&self) -> bool {
        self.is_amazon
    }

    fn recognizes_own_writes(&self) -> bool {
        true
    }

    async fn probe_conditional_writes(&self) -> Result<ConditionalWrites, StoreError> {
        probe::probe_conditional_writes(self).await
    }

    fn access_origins(&self) -> Option<&AccessOrigins> {
        Some(&self.origins)
    }

    fn operator_advice(&self) -> Option<&'static str> {
        (!self.is_amazon).then_some(
            "Restate supports only Amazon S3 as an object store for metadata: that this program could \
             write to another store is no promise of Restate's.",
        )
    }
}

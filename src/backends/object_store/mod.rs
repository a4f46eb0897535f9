//! Amazon S3, and stores that speak its protocol: one object per key below a prefix.
//!
//! Preconditions are S3's conditional writes. A key that was deleted is a tombstone: it reads as
//! absent, and is replaced under its ETag.

mod access;
mod body;
mod client;
mod listing;
mod probe;
mod write;

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::aws::{ConcurrencyLimiter, Retries};
use super::{ReadLimits, RequestOptions, Source, Target, WriteLimits, whole};
use crate::config::ObjectStoreConfig;
use crate::model::{
    CasToken, Change, ConditionalWrites, Entry, Key, LimitViolation, Snapshot, StoreError,
};
use body::Body;
use client::{Client, Object};

/// RequestOptions at once: what an S3 answers well over kept connections.
const CONCURRENCY: usize = 64;

/// A prefix in a bucket.
pub struct ObjectStore {
    client: Client,
    /// With a slash at its end, or empty.
    prefix: String,
    is_amazon: bool,
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectStore({})", self.client.name)
    }
}

impl ObjectStore {
    /// The store of this configuration. Makes no request to it.
    ///
    /// # Errors
    /// [`StoreError::Usage`] for what the server would refuse before any request.
    pub async fn open(
        config: &ObjectStoreConfig,
        requests: RequestOptions,
    ) -> Result<Self, StoreError> {
        let access = access::resolve(config, requests.timeout).await?;
        let (bucket, prefix) = (config.bucket.clone(), config.prefix.clone());
        let at = access.endpoint.as_deref().map_or(String::new(), |endpoint| {
            format!(" at {}", crate::config::without_userinfo(endpoint))
        });
        let client = Client {
            name: format!("object-store s3://{bucket}/{prefix}{at}"),
            s3: access.s3,
            bucket,
            retries: Retries::new(
                config.retry.clone(),
                requests.timeout,
                ConcurrencyLimiter::new(requests.limit_concurrency(CONCURRENCY)),
            ),
        };
        let is_amazon = access::is_amazon(access.endpoint.as_deref());
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(ObjectStore { client, prefix, is_amazon })
    }

    fn object_name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn read_one(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let object = self.client.get(&self.object_name(key), false).await?;
        Ok(object.and_then(entry))
    }
}

/// A tombstone reads as absent.
fn entry(object: Object) -> Option<Entry> {
    let tag = CasToken::ETag(object.etag);
    match body::decode(&object.body, object.encoding.as_deref()) {
        Ok(Body::Tombstone) => None,
        Ok(Body::Value { version, bytes, .. }) => Some(whole(version, bytes, tag)),
        Err(reason) => {
            let raw = vec![("body".to_owned(), object.body)];
            Some(Entry::Damaged { reason, raw, tag })
        }
    }
}

#[async_trait]
impl Source for ObjectStore {
    fn kind(&self) -> &'static str {
        "object-store"
    }

    fn name(&self) -> &str {
        &self.client.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: 1, concurrency: self.client.retries.pace.most() }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        listing::keys(self).await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        try_join_all(keys.iter().map(|key| self.read_one(key))).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        listing::foreign(self).await
    }
}

#[async_trait]
impl Target for ObjectStore {
    fn write_limits(&self) -> WriteLimits {
        let concurrency = self.client.retries.pace.most();
        WriteLimits { keys: 1, bytes: usize::MAX, concurrency, atomic: false }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        probe::writable(self).await
    }

    async fn find_limit_violations(&self, _: &Snapshot) -> Result<Vec<LimitViolation>, StoreError> {
        // An object may have 5 GiB in one request: far more than any value.
        Ok(Vec::new())
    }

    async fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        write::write(self, changes).await
    }

    fn guarantees_conditional_writes(&self) -> bool {
        self.is_amazon
    }

    async fn probe_conditional_writes(&self) -> Result<ConditionalWrites, StoreError> {
        probe::conditional_writes(self).await
    }

    fn operator_advice(&self) -> Option<&'static str> {
        (!self.is_amazon).then_some(
            "Restate supports only Amazon S3 as an object store for metadata: that another store \
             passed the probe of conditional writes is no promise of Restate's.",
        )
    }
}

//! Amazon DynamoDB: one item per key, its partition key a prefix and the key's name.
//!
//! Preconditions are condition expressions, and all changes of a write are one transaction. An item
//! has nothing that changes with every write, so that what was read is required in full.

mod client;
mod fault;
mod fit;
mod item;
mod json;
mod listing;
mod schema;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::aws::{self, ConcurrencyLimiter, Reach, Retries};
use super::{ReadLimits, RequestOptions, Source, Target, WriteLimits};
use crate::config::{DynamoDbConfig, RetryPolicy};
use crate::model::unless_denied;
use crate::model::{Change, Entry, Key, LimitViolation, Snapshot, StoreError};
use client::Client;

/// What one BatchGetItem and one TransactWriteItems take.
const MOST_ITEMS: usize = 100;

/// A transaction may have 4 MB in all; names and framing are counted by [`Change::size`].
const BATCH_BYTES: usize = 4_000_000;

/// RequestOptions at once. A write of 100 small items costs 200 units of capacity: more at once only meet
/// the table's throughput.
const CONCURRENCY: usize = 4;

/// A key prefix in a table.
pub struct DynamoDb {
    client: Client,
    prefix: String,
    /// Whether a listing was denied, so that keys were read by their known names.
    unlisted: AtomicBool,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamoDb({})", self.client.name)
    }
}

impl DynamoDb {
    /// The store of this configuration. Makes no request to it.
    ///
    /// # Errors
    /// [`StoreError::Usage`] where the region is not known.
    pub async fn open(
        config: &DynamoDbConfig,
        requests: RequestOptions,
    ) -> Result<Self, StoreError> {
        let variables = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"];
        let goes_to =
            config.endpoint.clone().or_else(|| variables.into_iter().find_map(aws::variable));
        let reach = Reach {
            access: &config.access,
            region: config.region.as_deref(),
            endpoint: config.endpoint.as_deref(),
            goes_to: goes_to.as_deref(),
            connect: config.timeouts.connect,
            request: requests.timeout,
        };
        let resolved = aws::load(&reach).await?;
        let region = resolved.region().map(ToString::to_string).unwrap_or_default();
        let of_environment = || {
            let special = aws::variable("AWS_ENDPOINT_URL_DYNAMODB");
            special.or_else(|| resolved.endpoint_url().map(ToOwned::to_owned))
        };
        let at = match config.endpoint.clone().or_else(of_environment) {
            Some(endpoint) => format!(" at {}", crate::config::without_userinfo(&endpoint)),
            None => String::new(),
        };
        let (table, prefix) = (config.table.clone(), config.key_prefix.clone());
        let below =
            if prefix.is_empty() { prefix.clone() } else { format!(" key-prefix {prefix}") };
        let client = Client {
            name: format!("dynamo-db table {table}{below} in {region}{at}"),
            dynamo: aws_sdk_dynamodb::Client::new(&resolved),
            table,
            region,
            retries: Retries::new(
                RetryPolicy::DEFAULT,
                requests.timeout,
                ConcurrencyLimiter::new(requests.limit_concurrency(CONCURRENCY)),
            ),
        };
        Ok(DynamoDb { client, prefix, unlisted: AtomicBool::new(false) })
    }

    /// The partition key of a metadata key.
    fn item_name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }
}

#[async_trait]
impl Source for DynamoDb {
    fn kind(&self) -> &'static str {
        "dynamo-db"
    }

    fn name(&self) -> &str {
        &self.client.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: MOST_ITEMS, concurrency: self.client.retries.pace.most() }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        schema::check(&self.client).await?;
        // Restate itself never lists.
        let keys = unless_denied(listing::keys(self).await)?;
        self.unlisted.store(keys.is_none(), Ordering::Relaxed);
        Ok(keys)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let names: Vec<_> = keys.iter().map(|key| self.item_name(key)).collect();
        let found = self.client.get(names.clone()).await?.into_iter();
        let mut found: HashMap<_, _> =
            found.filter_map(|item| Some((item::name(&item)?.to_owned(), item))).collect();
        Ok(names.iter().map(|name| found.remove(name).map(item::entry)).collect())
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        unless_denied(listing::foreign(self).await)
    }
}

#[async_trait]
impl Target for DynamoDb {
    fn write_limits(&self) -> WriteLimits {
        let concurrency = self.client.retries.pace.most();
        WriteLimits { keys: MOST_ITEMS, bytes: BATCH_BYTES, concurrency, atomic: true }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        write::probe(self).await
    }

    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        Ok(fit::misfits(&self.prefix, wanted))
    }

    async fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        write::write(self, changes).await
    }

    fn operator_advice(&self) -> Option<&'static str> {
        self.unlisted.load(Ordering::Relaxed).then_some(
            "dynamodb:Scan is not permitted: the table was read by the known names, and whether it \
             has epochs beside those of its partition table, or keys of other names, is not known.",
        )
    }
}

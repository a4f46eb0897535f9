//! A table and key prefix of Amazon DynamoDB, opened.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::super::RequestOptions;
use super::super::aws::{self, Reach, Retries};
use super::super::concurrency_limiter::ConcurrencyLimiter;
use super::client::TableClient;
use super::table_facts::TableFacts;
use crate::config::{self, DynamoDbConfig, RetryPolicy};
use crate::model::{AccessOrigins, Key, StoreError};

/// The most items of one BatchGetItem and of one TransactWriteItems.
pub(super) const MOST_ITEMS: usize = 100;

/// Requests at once. A write of 100 small items costs 200 units of capacity: more at once only meet
/// the table's throughput.
const CONCURRENCY: usize = 4;

/// A key prefix in a table.
pub struct DynamoDb {
    pub(super) client: TableClient,
    pub(super) prefix: String,
    /// The endpoint in its normal form.
    pub(super) endpoint: String,
    /// `true` if a listing was denied, so that keys were read by their known names.
    pub(super) unlisted: AtomicBool,
    /// The items of the last listing that may be keys, and were not read.
    pub(super) left_out: AtomicUsize,
    pub(super) origins: AccessOrigins,
    /// What the table's description said, where it could be asked.
    pub(super) facts: OnceLock<TableFacts>,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamoDb({})", self.client.name)
    }
}

impl DynamoDb {
    /// Opens the store of this configuration. Makes no request to it.
    ///
    /// # Errors
    /// [`StoreError::Usage`] where the region is not known.
    pub async fn open(
        section: &DynamoDbConfig,
        requests: RequestOptions,
    ) -> Result<Self, StoreError> {
        let variables = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"];
        let goes_to = section
            .endpoint
            .as_deref()
            .map(ToOwned::to_owned)
            .or_else(|| variables.into_iter().find_map(aws::read_variable));
        let reach = Reach {
            access: &section.access,
            region: section.region.as_deref(),
            endpoint: section.endpoint.as_deref(),
            goes_to: goes_to.as_deref(),
            connect: section.timeouts.connect,
            request: requests.timeout,
        };
        let resolved = aws::load_sdk_config(&reach).await?;
        let origins = aws::find_origins(&reach, reach.endpoint, &variables, &resolved);
        let region = resolved.region().map(ToString::to_string).unwrap_or_default();
        let of_environment = || {
            let special = aws::read_variable("AWS_ENDPOINT_URL_DYNAMODB");
            special.or_else(|| resolved.endpoint_url().map(ToOwned::to_owned))
        };
        let endpoint = section.endpoint.as_deref().map(ToOwned::to_owned).or_else(of_environment);
        let at = endpoint.as_deref().map_or(String::new(), |endpoint| {
            format!(" at {}", config::without_userinfo(endpoint))
        });
        let endpoint = config::normalize_aws_endpoint(endpoint.as_deref(), &region);
        let (table, prefix) = (section.table.clone(), section.key_prefix.clone());
        let below =
            if prefix.is_empty() { prefix.clone() } else { format!(" key-prefix {prefix}") };
        let at_once = requests.limit_concurrency(CONCURRENCY);
        let client = TableClient {
            name: format!("dynamo-db table {table}{below} in {region}{at}"),
            dynamo: aws_sdk_dynamodb::Client::new(&resolved),
            table,
            region,
            retries: Retries::new(
                RetryPolicy::DEFAULT,
                requests.timeout,
                ConcurrencyLimiter::new(at_once, at_once),
            ),
        };
        Ok(DynamoDb {
            client,
            prefix,
            endpoint,
            unlisted: AtomicBool::new(false),
            left_out: AtomicUsize::new(0),
            origins,
            facts: OnceLock::new(),
        })
    }

    /// Returns the partition key of a metadata key.
    pub(super) fn item_name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }
}

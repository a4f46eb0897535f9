//! A checked store configuration, by type.

use std::time::Duration;

use super::retry::RetryPolicy;
use super::secret::AwsAccess;

/// Which store, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// The built-in, replicated store: where its nodes are, as the section says it, if it does.
    Replicated(Vec<String>),
    /// An etcd cluster.
    Etcd(EtcdConfig),
    /// A prefix in a bucket of Amazon S3 or a store like it.
    ObjectStore(Box<ObjectStoreConfig>),
    /// A key prefix in a table of Amazon DynamoDB.
    DynamoDb(Box<DynamoDbConfig>),
}

/// A key prefix in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamoDbConfig {
    /// The table's name or ARN.
    pub table: String,
    /// What stands in front of each key, with nothing in between; or empty.
    pub key_prefix: String,
    /// Who to be.
    pub access: AwsAccess,
    /// The region, else the profile's or the environment's.
    pub region: Option<String>,
    /// Where the service is, else what the environment or the profile says, else Amazon's.
    pub endpoint: Option<String>,
    /// When a connection is given up.
    pub timeouts: Timeouts,
}

/// A prefix in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectStoreConfig {
    /// The bucket's name.
    pub bucket: String,
    /// What the names of its objects begin with, escaped, without slashes at its ends; or empty.
    pub prefix: String,
    /// Who to be.
    pub access: AwsAccess,
    /// The region, else the profile's or the environment's.
    pub region: Option<String>,
    /// Where the store is, else what the environment says, else Amazon's.
    pub endpoint: Option<String>,
    /// Whether an endpoint may be `http://`.
    pub allow_http: bool,
    /// For requests that fail.
    pub retry: RetryPolicy,
    /// When a connection is given up.
    pub timeouts: Timeouts,
}

/// An etcd cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdConfig {
    /// Each as `host:port`, in the order of the file.
    pub addresses: Vec<String>,
    /// When a connection, or a request on it, is given up or checked.
    pub timeouts: Timeouts,
}

/// How long to wait for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be made.
    pub connect: Duration,
    /// Between two checks that an idle connection still lives.
    pub keep_alive_interval: Duration,
    /// For the answer to such a check.
    pub keep_alive: Duration,
}

//! A checked store configuration, by type.

use std::time::Duration;

use super::retry::RetryPolicy;
use super::secret::{AwsAccess, EndpointUrl};

/// The store, and how it is reached.
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
    /// The text in front of each key, with nothing in between; or empty.
    pub key_prefix: String,
    /// The identity.
    pub access: AwsAccess,
    /// The region, else the profile's or the environment's.
    pub region: Option<String>,
    /// The endpoint, else the environment's or the profile's, else Amazon's.
    pub endpoint: Option<EndpointUrl>,
    /// The time limits of a connection.
    pub timeouts: Timeouts,
}

/// A prefix in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectStoreConfig {
    /// The bucket's name.
    pub bucket: String,
    /// The beginning of the names of its objects, escaped, without slashes at its ends; or empty.
    pub prefix: String,
    /// The identity.
    pub access: AwsAccess,
    /// The region, else the profile's or the environment's.
    pub region: Option<String>,
    /// The endpoint, else the environment's, else Amazon's.
    pub endpoint: Option<EndpointUrl>,
    /// Whether an endpoint may be `http://`, else what the environment says.
    pub allow_http: Option<bool>,
    /// The policy for requests that fail.
    pub retry: RetryPolicy,
    /// The most bytes of a message between servers, if the section names it.
    pub message_size_limit: Option<u64>,
    /// The time limits of a connection.
    pub timeouts: Timeouts,
}

/// An etcd cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdConfig {
    /// Each as `host:port`, in the order of the file.
    pub addresses: Vec<String>,
    /// The time limits of a connection and of the checks on it.
    pub timeouts: Timeouts,
}

/// The time limits of waiting for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The limit for a connection to be made.
    pub connect: Duration,
    /// Between two checks that an idle connection still lives.
    pub keep_alive_interval: Duration,
    /// The limit for the answer to such a check.
    pub keep_alive: Duration,
}

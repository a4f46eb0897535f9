//! An S3 bucket and prefix, opened.

use std::fmt;

use super::super::RequestOptions;
use super::super::aws::{ConcurrencyLimiter, Retries};
use super::super::intact_entry;
use super::access;
use super::body::{self, Body};
use super::client::{BucketClient, Object};
use crate::config::{self, ObjectStoreConfig};
use crate::model::{AccessOrigins, CasToken, Entry, Key, StoreError, StoreIdentity};

/// Requests at once: what an S3 answers well over kept connections.
const CONCURRENCY: usize = 64;

/// A prefix in a bucket.
pub struct ObjectStore {
    pub(super) client: BucketClient,
    /// The prefix with a slash at its end, or empty.
    pub(super) prefix: String,
    pub(super) is_amazon: bool,
    pub(super) origins: AccessOrigins,
    pub(super) identity: StoreIdentity,
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectStore({})", self.client.name)
    }
}

impl ObjectStore {
    /// Opens the store of this configuration. Makes no request to it.
    ///
    /// # Errors
    /// [`StoreError::Usage`] for what the server would refuse before any request.
    pub async fn open(
        section: &ObjectStoreConfig,
        requests: RequestOptions,
    ) -> Result<Self, StoreError> {
        let access = access::resolve_access(section, requests.timeout).await?;
        let (bucket, prefix) = (section.bucket.clone(), section.prefix.clone());
        let at = access.endpoint.as_deref().map_or(String::new(), |endpoint| {
            format!(" at {}", config::without_userinfo(endpoint))
        });
        let client = BucketClient {
            name: format!("object-store s3://{bucket}/{prefix}{at}"),
            s3: access.s3,
            bucket,
            retries: Retries::new(
                section.retry.clone(),
                requests.timeout,
                ConcurrencyLimiter::new(requests.limit_concurrency(CONCURRENCY)),
            ),
        };
        let endpoint = access.endpoint.as_deref();
        let is_amazon = config::is_amazon(endpoint);
        let identity = StoreIdentity::ObjectStore {
            endpoint: config::normalize_aws_endpoint(endpoint, &access.region),
            bucket: client.bucket.clone(),
            prefix: prefix.clone(),
        };
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(ObjectStore { client, prefix, is_amazon, origins: access.origins, identity })
    }

    pub(super) fn object_name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) async fn read_one(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let object = self.client.get(&self.object_name(key), false).await?;
        Ok(object.and_then(entry_from_object))
    }
}

/// Turns an object into an entry; a tombstone is absent.
pub(super) fn entry_from_object(object: Object) -> Option<Entry> {
    let tag = CasToken::ETag(object.etag);
    match body::decode_body(&object.body, object.encoding.as_deref()) {
        Ok(Body::Tombstone) => None,
        Ok(Body::Value { version, bytes, .. }) => Some(intact_entry(version, bytes, tag)),
        Err(reason) => {
            let raw = vec![("body".to_owned(), object.body)];
            Some(Entry::Damaged { reason, raw, tag })
        }
    }
}

//! An S3 bucket and prefix, opened.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;

use tokio::sync::Semaphore;

use super::super::RequestOptions;
use super::super::aws::Retries;
use super::super::concurrency_limiter::ConcurrencyLimiter;
use super::super::intact_entry;
use super::access;
use super::body::Body;
use super::client::BucketClient;
use super::examined::Examined;
use super::object::{Content, LARGE_BODIES_AT_ONCE, Object};
use crate::config::{self, ObjectStoreConfig};
use crate::model::{
    AccessOrigins, CasToken, Entry, Key, LimitViolation, Snapshot, StoreError, StoreIdentity,
};
use crate::wording::format_bytes;

/// Requests at once: what an S3 nearby answers well over kept connections.
const CONCURRENCY: usize = 64;
/// Requests at once to an S3 that is far, where each round of them is a round trip.
const FAR_CONCURRENCY: usize = 192;

/// The most bytes of a value, unless `message-size-limit` is higher: a server sends it to others in a message
/// of its own, and refuses a larger one.
const MAX_VALUE: u64 = 32 << 20;
/// The room for what is around a value in its object.
const ENVELOPE: usize = 4 << 10;

/// A prefix in a bucket.
pub struct ObjectStore {
    pub(super) client: BucketClient,
    /// The prefix with a slash at its end, or empty.
    pub(super) prefix: String,
    pub(super) is_amazon: bool,
    /// The objects with unknown names, as the last listing found them.
    pub(super) examined: Mutex<Option<Examined>>,
    /// The names of scratch objects that may be there.
    pub(super) scratch: Mutex<BTreeSet<String>>,
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
                ConcurrencyLimiter::new(
                    requests.limit_concurrency(CONCURRENCY),
                    requests.limit_concurrency(FAR_CONCURRENCY),
                ),
            ),
            request_timeout: requests.timeout,
            max_body: limit_body(section.message_size_limit),
            large_bodies: Semaphore::new(LARGE_BODIES_AT_ONCE),
        };
        let endpoint = access.endpoint.as_deref();
        let is_amazon = config::is_amazon(endpoint);
        let identity = StoreIdentity::ObjectStore {
            endpoint: config::normalize_aws_endpoint(endpoint, &access.region),
            bucket: client.bucket.clone(),
            prefix: prefix.clone(),
        };
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        let (examined, scratch) = (Mutex::default(), Mutex::default());
        let origins = access.origins;
        Ok(ObjectStore { client, prefix, is_amazon, examined, scratch, origins, identity })
    }

    pub(super) fn object_name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) async fn read_one(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let object = self.client.get(&self.object_name(key)).await?;
        Ok(object.and_then(entry_from_object))
    }
}

impl ObjectStore {
    /// Finds the values that would not be read back. Amazon takes far larger objects.
    pub(super) fn find_large_values(&self, desired: &Snapshot) -> Vec<LimitViolation> {
        let most = self.client.max_body.saturating_sub(ENVELOPE);
        let values = desired.iter().filter_map(|(key, entry)| Some((key, entry.value()?)));
        let large = values.filter(|(_, value)| value.bytes.len() > most);
        large
            .map(|(key, value)| LimitViolation {
                key: key.clone(),
                reason: format!(
                    "has {}, and this store is read with a limit of {}",
                    format_bytes(value.bytes.len() as u64),
                    format_bytes(most as u64)
                ),
                hint:
                    "set message-size-limit in the target's [metadata-client] section to what the \
                       servers have"
                        .to_owned(),
            })
            .collect()
    }
}

/// Returns the most bytes of a body, by the section's limit of messages.
fn limit_body(message_size_limit: Option<u64>) -> usize {
    let value = message_size_limit.unwrap_or_default().max(MAX_VALUE);
    usize::try_from(value).unwrap_or(usize::MAX).saturating_add(ENVELOPE)
}

/// Turns an object into an entry; a tombstone is absent.
pub(super) fn entry_from_object(object: Object) -> Option<Entry> {
    let decoded = object.decode();
    let tag = CasToken::ETag(object.etag);
    match decoded {
        Ok(Body::Tombstone) => None,
        Ok(Body::Value { version, bytes, .. }) => Some(intact_entry(version, bytes, tag)),
        Err(reason) => {
            let raw = match object.content {
                Content::Whole(body) => vec![("body".to_owned(), body)],
                Content::TooLarge { .. } => Vec::new(),
            };
            Some(Entry::Damaged { reason, raw, tag })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_of_a_body_is_that_of_a_value_or_of_the_section() {
        for (section, value) in [(None, 32 << 20), (Some(1), 32 << 20), (Some(40 << 20), 40 << 20)]
        {
            assert_eq!(limit_body(section), value + ENVELOPE);
        }
        assert_eq!(limit_body(Some(u64::MAX)), usize::MAX);
    }
}

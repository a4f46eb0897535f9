//! etcd as source and target: two etcd keys per metadata key, `<key>` with the bytes and
//! `<key>::version` with the version as four little-endian bytes.
//!
//! An etcd may be shared with other software: only Restate's own names count here, and the rest is
//! never touched.

mod client;
mod endpoints;
mod identity;
mod layout;
mod limits;
mod listing;
mod state;
mod txn;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::transport::{Address, Limits};
use super::{ReadLimits, RequestOptions, Source, Target, WriteLimits};
use crate::config::{self, EtcdConfig};
use crate::model::{
    Change, EndpointFault, Entry, FailedWrite, Key, LimitViolation, Snapshot, StoreError,
    StoreIdentity,
};
use client::EtcdClient;
use layout::{BATCH_BYTES, KEYS_PER_TXN};

/// Transactions at once.
const CONCURRENCY: usize = 4;

/// A connection to one etcd cluster.
#[derive(Debug)]
pub struct Etcd {
    client: EtcdClient,
    /// The most bytes of a batch: less than by default where etcd's limit was found to be lowered.
    batch_bytes: AtomicUsize,
    at_once: usize,
}

impl Etcd {
    /// Opens the etcd of this configuration. Connects when first used.
    ///
    /// # Errors
    /// [`StoreError::Usage`] for an address that is none.
    pub fn open(config: &EtcdConfig, requests: RequestOptions) -> Result<Self, StoreError> {
        let addresses = config
            .addresses
            .iter()
            .map(|address| with_scheme(address).parse::<Address>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(StoreError::Usage)?;
        let timeouts = config.timeouts;
        let limits = Limits {
            connect: timeouts.connect,
            request: requests.timeout,
            keep_alive: Some((timeouts.keep_alive_interval, timeouts.keep_alive)),
            message: None,
        };
        let name = format!("etcd {}", config.addresses.join(","));
        let client = EtcdClient::new(name, &addresses, limits)?;
        let (batch_bytes, at_once) =
            (AtomicUsize::new(BATCH_BYTES), requests.limit_concurrency(CONCURRENCY));
        Ok(Etcd { client, batch_bytes, at_once })
    }
}

/// Restate's client goes to port 80 where none is written.
fn with_scheme(address: &str) -> String {
    let port = if config::has_port(address) { "" } else { ":80" };
    format!("http://{address}{port}")
}

#[async_trait]
impl Source for Etcd {
    fn kind(&self) -> &'static str {
        "etcd"
    }

    fn name(&self) -> &str {
        self.client.name()
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: KEYS_PER_TXN, concurrency: self.at_once }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        listing::list_restate_keys(&self.client).await.map(Some)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        txn::read_keys(&self.client, keys).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        listing::count_foreign_pairs(&self.client).await.map(Some)
    }

    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        identity::identify(&self.client).await.map(Some)
    }

    async fn leave_mark(&self) -> Result<Option<i64>, StoreError> {
        identity::leave_mark(&self.client).await.map(Some)
    }

    async fn has_mark(&self, mark: i64) -> Result<bool, StoreError> {
        identity::has_mark(&self.client, mark).await
    }

    async fn remove_mark(&self, mark: i64) {
        identity::remove_mark(&self.client, mark).await;
    }
}

#[async_trait]
impl Target for Etcd {
    fn write_limits(&self) -> WriteLimits {
        let bytes = self.batch_bytes.load(Ordering::Relaxed);
        WriteLimits { keys: KEYS_PER_TXN, bytes, concurrency: self.at_once, atomic: true }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        txn::probe_write(&self.client, &Key::NodesConfig).await
    }

    async fn find_endpoint_faults(&self) -> Vec<EndpointFault> {
        match self.client.endpoints().count() {
            0 | 1 => Vec::new(),
            _ => endpoints::find_endpoint_faults(&self.client).await,
        }
    }

    // Also learns how large a batch may be, so that what is taken for one transaction is one.
    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        let mut violations = limits::find_oversized_values(&self.client, wanted).await?;
        if violations.is_empty() {
            let bytes = limits::find_batch_size(&self.client, wanted, BATCH_BYTES).await?;
            self.batch_bytes.store(bytes, Ordering::Relaxed);
        }
        violations.extend(limits::find_unreadable_keys(&self.client, wanted).await?);
        Ok(violations)
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        txn::write_changes(&self.client, changes).await
    }
}

//! etcd as source and target: two etcd keys per metadata key, `<key>` with the bytes and
//! `<key>::version` with the version as four little-endian bytes.
//!
//! An etcd may be shared with other software: only Restate's own names count here, and the rest is
//! never touched.

mod abilities;
mod client;
mod endpoints;
mod foreign;
mod identity;
mod layout;
mod limits;
mod listing;
mod members;
mod metrics;
mod read;
mod scan;
mod space;
mod state;
mod status;
mod txn;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio::{join, try_join};

use super::transport::{Address, Limits};
use super::{ReadLimits, RequestOptions, Source, Target, WriteLimits};
use crate::config::{self, EtcdConfig};
use crate::model::{
    Change, EndpointFault, Entry, FailedWrite, Key, LimitViolation, Snapshot, StoreError,
    StoreIdentity,
};
use abilities::Abilities;
use client::EtcdClient;
use layout::{BATCH_BYTES, KEYS_PER_TXN};
use space::BatchLimits;

/// Transactions at once: nearby, 4 bring all that an etcd gives; at a distance, the round trips count.
const CONCURRENCY: usize = 12;

/// A connection to one etcd cluster.
#[derive(Debug)]
pub struct Etcd {
    client: EtcdClient,
    abilities: Abilities,
    /// The foreign names that begin as Restate's do, with the bytes of their values.
    foreign_sizes: OnceCell<Vec<(String, u64)>>,
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
        let (abilities, foreign_sizes) = (Abilities::default(), OnceCell::new());
        Ok(Etcd { client, abilities, foreign_sizes, batch_bytes, at_once })
    }

    /// Finds out which foreign names begin as Restate's do, with the bytes of their values.
    async fn find_foreign_sizes(&self) -> Result<&[(String, u64)], StoreError> {
        let read = || foreign::read_foreign_sizes(&self.client, &self.abilities);
        self.foreign_sizes.get_or_try_init(read).await.map(Vec::as_slice)
    }

    /// Finds out all that the limits depend on, but for the size of a request; a failure is met again by whoever needs
    /// the answer.
    async fn prepare_limits(&self) {
        let keys = self.abilities.find_keys_per_txn(&self.client);
        let _: (_, _) = join!(keys, self.find_foreign_sizes());
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

    fn access_hint(&self) -> &'static str {
        "turn off authentication in this etcd (`etcdctl auth disable`), or use another store: a section of type \
         etcd has no credentials"
    }

    fn recognizes(&self, key: &Key) -> bool {
        key.is_known()
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        listing::list_restate_keys(&self.client).await.map(Some)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        read::read_keys(&self.client, &self.abilities, keys).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        listing::count_foreign_pairs(&self.client).await.map(Some)
    }

    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        identity::identify(&self.client).await.map(Some)
    }

    async fn leave_mark(&self) -> Result<Option<i64>, StoreError> {
        // A lease is counted against the quota, and would raise an alarm.
        match self.abilities.is_at_quota(&self.client).await {
            true => Ok(None),
            false => identity::leave_mark(&self.client).await.map(Some),
        }
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
        let keys = self.abilities.keys_per_txn();
        WriteLimits { keys, bytes, concurrency: self.at_once, atomic: true }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        // First: at the quota, etcd 3.4 raises an alarm for any transaction.
        self.abilities.check_alarms(&self.client).await?;
        // What the limits depend on is known by the time that the source is read.
        let probe = txn::probe_write(&self.client, &Key::NodesConfig);
        join!(probe, self.prepare_limits()).0
    }

    async fn find_endpoint_faults(&self) -> Vec<EndpointFault> {
        let of_endpoints = async {
            match self.client.endpoints().count() {
                0 | 1 => Vec::new(),
                _ => {
                    let may_leave_mark = !self.abilities.is_at_quota(&self.client).await;
                    endpoints::find_endpoint_faults(&self.client, may_leave_mark).await
                }
            }
        };
        let of_members = members::find_member_faults(&self.client);
        let (named, others) = join!(of_endpoints, of_members);
        named.into_iter().chain(others).collect()
    }

    async fn check_space(&self, changes: &[Change]) -> Result<(), StoreError> {
        let keys = self.abilities.find_keys_per_txn(&self.client).await?;
        let bytes = self.batch_bytes.load(Ordering::Relaxed);
        let quotas = self.abilities.find_quotas(&self.client).await;
        quotas.check_changes(&self.client, changes, BatchLimits { keys, bytes }).await
    }

    async fn check_space_left(&self) -> Result<(), StoreError> {
        self.abilities.check_space_left(&self.client).await
    }

    // Also learns how large a batch may be, in keys and in bytes, so that what is taken for one transaction is one.
    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        let client = &self.client;
        // All at once: each of them is a round trip or two.
        let (_, sizes, foreign_sizes) = try_join!(
            self.abilities.find_keys_per_txn(client),
            limits::find_size_limits(client, wanted, BATCH_BYTES),
            self.find_foreign_sizes(),
        )?;
        let mut violations = limits::find_ambiguous_names(wanted);
        violations.extend(sizes.oversized);
        if violations.is_empty() {
            self.batch_bytes.store(sizes.batch_bytes, Ordering::Relaxed);
        }
        violations.extend(limits::find_unreadable_keys(foreign_sizes, wanted));
        Ok(violations)
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        txn::write_changes(&self.client, changes).await
    }
}

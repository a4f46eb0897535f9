//! What one etcd can do, found out when it is first needed.

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OnceCell};

use super::client::EtcdClient;
use super::layout::KEYS_PER_TXN;
use super::space::Quotas;
use super::txn;
use crate::model::StoreError;

/// The time for which a look at the quota holds: others write, too.
const LOOK_HOLDS: Duration = Duration::from_millis(250);

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Abilities {
    keys_per_txn: OnceCell<usize>,
    quotas: OnceCell<Quotas>,
    last_look: Mutex<Option<(Instant, bool)>>,
}

impl Abilities {
    /// Returns the most keys of a transaction: as many as a default etcd accepts, unless
    /// [`Abilities::find_keys_per_txn`] found fewer.
    pub(super) fn keys_per_txn(&self) -> usize {
        self.keys_per_txn.get().copied().unwrap_or(KEYS_PER_TXN)
    }

    /// Finds out how many keys a transaction may have: the limit of operations can be lowered
    /// (`--max-txn-ops`) and can't be read.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] where not even one key fits.
    pub(super) async fn find_keys_per_txn(&self, client: &EtcdClient) -> Result<usize, StoreError> {
        self.keys_per_txn.get_or_try_init(|| txn::probe_keys_per_txn(client)).await.copied()
    }

    /// Finds out the quota of each endpoint, as far as that can be known.
    pub(super) async fn find_quotas(&self, client: &EtcdClient) -> &Quotas {
        self.quotas.get_or_init(|| Quotas::find(client)).await
    }

    /// Finds out whether the database is at its quota, as far as that can be known; one at a time looks.
    pub(super) async fn is_at_quota(&self, client: &EtcdClient) -> bool {
        let mut last = self.last_look.lock().await;
        if let Some((at, is_at_quota)) = *last
            && at.elapsed() < LOOK_HOLDS
        {
            return is_at_quota;
        }
        let is_at_quota = self.find_quotas(client).await.are_reached(client).await;
        *last = Some((Instant::now(), is_at_quota));
        is_at_quota
    }
}

//! What one etcd can do, found out when it is first needed.

use tokio::join;
use tokio::sync::OnceCell;

use super::client::EtcdClient;
use super::layout::KEYS_PER_TXN;
use super::space::{self, Quotas};
use super::txn;
use crate::model::StoreError;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Abilities {
    keys_per_txn: OnceCell<usize>,
    quotas: OnceCell<Quotas>,
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

    /// Finds out whether the database is at its quota, as far as that can be known.
    pub(super) async fn is_at_quota(&self, client: &EtcdClient) -> bool {
        self.find_quotas(client).await.are_reached(client).await
    }

    /// Checks, after the last write, that there is room for more of them: once etcd counts what was written, where a
    /// quota may be near.
    ///
    /// # Errors
    /// As [`Abilities::check_alarms`].
    pub(super) async fn check_space_left(&self, client: &EtcdClient) -> Result<(), StoreError> {
        let quotas = self.find_quotas(client).await;
        let (alarms, are_near) = join!(client.list_alarms(), quotas.are_near(client));
        if are_near {
            tokio::time::sleep(space::COMMIT_WAIT).await;
            return self.check_alarms(client).await;
        }
        space::check_raised_alarms(client, &alarms?)?;
        quotas.check_smallest_write(client).await
    }

    /// Checks that no alarm is raised, and that the smallest write has room in each database.
    ///
    /// # Errors
    /// [`StoreError::Full`], or [`StoreError::Unavailable`] for a database that is damaged.
    pub(super) async fn check_alarms(&self, client: &EtcdClient) -> Result<(), StoreError> {
        let (alarms, quotas) = join!(client.list_alarms(), self.find_quotas(client));
        space::check_raised_alarms(client, &alarms?)?;
        quotas.check_smallest_write(client).await
    }
}

//! The room that an etcd has, found by looking only: a put that would exceed the quota raises an alarm, even if
//! its condition does not apply, and etcd then accepts no writes from anybody until an operator disarms it.

use std::time::{Duration, Instant};

use etcd_client::{AlarmType, StatusResponse};
use futures_util::future::join_all;
use tokio::join;
use tokio::sync::Mutex;

use super::super::transport::Address;
use super::client::EtcdClient;
use super::metrics;
use crate::model::{Change, StoreError};
use crate::wording::format_bytes;

/// What etcd adds to each put when it compares with its quota (3.4 to 3.6).
const OVERHEAD_PER_PUT: u64 = 512;

/// The time for one endpoint to say what it has.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// The time after which etcd counts what was written: it commits to its file every 100 ms by default. It outlasts
/// [`LOOK_HOLDS`], so that the next look is a new one.
pub(super) const COMMIT_WAIT: Duration = Duration::from_millis(250);

/// What the database of one member has, and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    /// The bytes of its file.
    allocated: u64,
    /// Those of them that are not free.
    in_use: u64,
    /// The most bytes of the file; no put is accepted that might exceed it.
    quota: u64,
}

impl Space {
    /// Reads the sizes that a member reports.
    fn from_status(status: &StatusResponse, quota: u64) -> Option<Space> {
        let size = |bytes: i64| u64::try_from(bytes).ok();
        let (allocated, in_use) = (size(status.db_size())?, size(status.raft_used_db_size())?);
        Some(Space { allocated, in_use, quota })
    }
}

/// The puts to come, as etcd counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Need {
    /// The bytes of the largest transaction.
    largest: u64,
    /// The bytes of all.
    total: u64,
}

/// The time for which a look at the databases holds: others write, too.
const LOOK_HOLDS: Duration = Duration::from_millis(250);

/// The databases of the endpoints that tell their quotas.
#[derive(Debug)]
pub(super) struct Quotas {
    last_look: Mutex<Look>,
}

/// What was seen of the databases at one time.
#[derive(Clone, Debug)]
struct Look {
    ended: Instant,
    /// Those that have responded to every question so far.
    found: Vec<(Address, Space)>,
}

impl Look {
    /// Looks at the same databases again; what does not respond is left out.
    async fn repeat(&self, client: &EtcdClient) -> Look {
        let looks = self.found.iter().map(|(address, before)| async move {
            let look = tokio::time::timeout(LOOK_LIMIT, client.read_status(address));
            let status = look.await.ok()?.ok()?;
            Some((address.clone(), Space::from_status(&status, before.quota)?))
        });
        let found: Vec<_> = join_all(looks).await.into_iter().flatten().collect();
        Look { ended: Instant::now(), found }
    }
}

impl Quotas {
    /// Asks each endpoint for its quota: etcd 3.6 tells it, before that its metrics have it.
    pub(super) async fn find(client: &EtcdClient) -> Quotas {
        let asked = client.endpoints().map(|address| async move {
            let (status, connection) =
                join!(client.read_status(address), metrics::connect(address));
            let status = status.ok()?;
            let quota = match u64::try_from(status.db_size_quota()) {
                Ok(quota @ 1..) => quota,
                _ => metrics::read_quota(address, connection?).await?,
            };
            Some((address.clone(), Space::from_status(&status, quota)?))
        });
        let limited = asked.map(|asked| tokio::time::timeout(LOOK_LIMIT, asked));
        let found = join_all(limited).await.into_iter().filter_map(|found| found.ok().flatten());
        let found = found.collect();
        Quotas { last_look: Mutex::new(Look { ended: Instant::now(), found }) }
    }

    /// Looks at the databases with known quotas, unless somebody has just done so.
    async fn look(&self, client: &EtcdClient) -> Vec<(Address, Space)> {
        let mut last = self.last_look.lock().await;
        if last.ended.elapsed() >= LOOK_HOLDS {
            *last = last.repeat(client).await;
        }
        last.found.clone()
    }

    /// Looks at them again, whoever has done so before.
    async fn look_again(&self, client: &EtcdClient) -> Vec<(Address, Space)> {
        let mut last = self.last_look.lock().await;
        *last = last.repeat(client).await;
        last.found.clone()
    }

    /// Returns whether one of the databases is at its quota, or so near that nothing has room.
    pub(super) async fn are_reached(&self, client: &EtcdClient) -> bool {
        let is_full =
            |space: &Space| space.allocated.saturating_add(2 * OVERHEAD_PER_PUT) >= space.quota;
        self.look(client).await.iter().any(|(_, space)| is_full(space))
    }

    /// Looks again, whoever has just done so, and returns whether a quota may be near.
    pub(super) async fn are_near(&self, client: &EtcdClient) -> bool {
        let is_near = |space: &Space| space.allocated > space.quota / 2;
        self.look_again(client).await.iter().any(|(_, space)| is_near(space))
    }

    /// Checks that these changes have room in each database, in transactions of this size.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    pub(super) async fn check_changes(
        &self,
        client: &EtcdClient,
        changes: &[Change],
        batch: BatchLimits,
    ) -> Result<(), StoreError> {
        let total = changes.iter().map(put_cost).sum();
        self.check_need(client, Need { largest: batch.find_largest_cost(changes), total }).await
    }

    /// Checks that the smallest write has room in each database.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    pub(super) async fn check_smallest_write(&self, client: &EtcdClient) -> Result<(), StoreError> {
        let one = 2 * OVERHEAD_PER_PUT;
        self.check_need(client, Need { largest: one, total: one }).await
    }

    async fn check_need(&self, client: &EtcdClient, need: Need) -> Result<(), StoreError> {
        for (address, space) in self.look(client).await {
            if let Some(reason) = describe_shortage(space, need) {
                let (store, reason) = (client.name().to_owned(), format!("{address}: {reason}"));
                return Err(StoreError::Full { store, reason });
            }
        }
        Ok(())
    }
}

/// Checks that none of these alarms ends the writes.
///
/// # Errors
/// [`StoreError::Full`], or [`StoreError::Unavailable`] for a database that is damaged.
pub(super) fn check_raised_alarms(client: &EtcdClient, alarms: &[i32]) -> Result<(), StoreError> {
    let store = client.name().to_owned();
    let Some(number) = alarms.iter().find(|number| **number != AlarmType::None as i32) else {
        return Ok(());
    };
    match AlarmType::try_from(*number) {
        Ok(AlarmType::Nospace) => {
            let reason = "it has raised the alarm NOSPACE, and accepts no writes".to_owned();
            Err(StoreError::Full { store, reason })
        }
        Ok(_) => {
            let reason =
                "it has raised the alarm CORRUPT, and accepts no writes: its members differ";
            Err(StoreError::Unavailable { store, reason: reason.to_owned() })
        }
        Err(_) => {
            let reason =
                format!("it has raised an alarm that this program does not know: {number}");
            Err(StoreError::Unavailable { store, reason })
        }
    }
}

/// The limits of one transaction, in keys and in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) keys: usize,
    pub(super) bytes: usize,
}

impl BatchLimits {
    /// Returns what the costliest transaction adds, if the changes are cut into batches in their order.
    fn find_largest_cost(self, changes: &[Change]) -> u64 {
        let (mut keys, mut bytes, mut cost, mut largest) = (0, 0, 0, 0);
        for change in changes {
            if keys == self.keys.max(1) || bytes + change.size() > self.bytes {
                (keys, bytes, cost) = (0, 0, 0);
            }
            keys += 1;
            bytes += change.size();
            cost += put_cost(change);
            largest = cost.max(largest);
        }
        largest
    }
}

/// Returns what the change adds as etcd counts it: deletions are free.
fn put_cost(change: &Change) -> u64 {
    let Some(value) = change.value() else { return 0 };
    2 * OVERHEAD_PER_PUT + (change.key.to_string().len() + value.bytes.len()) as u64
}

/// Describes why the puts have no room; `None` if they have. A file has room for what is free in it, but each
/// transaction is compared with its whole size.
fn describe_shortage(space: Space, need: Need) -> Option<String> {
    let fits = space.allocated.saturating_add(need.largest) < space.quota
        && space.in_use.saturating_add(need.total) < space.quota;
    if fits || need.total == 0 {
        return None;
    }
    let (allocated, quota) = (format_bytes(space.allocated), format_bytes(space.quota));
    let total = format_bytes(need.total);
    Some(format!(
        "its database has {allocated} of {quota} (--quota-backend-bytes), and {total} more would be counted"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_need_room_in_the_file_and_in_the_quota() {
        let space = Space { allocated: 80, in_use: 50, quota: 100 };
        let shortage = |largest, total| describe_shortage(space, Need { largest, total });
        assert_eq!(shortage(0, 0), None);
        assert_eq!(shortage(19, 49), None);
        assert!(shortage(20, 20).is_some());
        assert!(shortage(1, 50).unwrap().contains("has 80 B of 100 B"));
        assert!(describe_shortage(Space { allocated: 200, ..space }, Need::default()).is_none());
    }
}

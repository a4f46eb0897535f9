//! Tells whether two addresses lead to one etcd, which has no name of its own.

use std::time::Duration;

use etcd_client::{LeaseClient, LeaseGrantOptions};
use futures_util::future::join_all;
use tonic::Status;
use tonic::transport::Channel;

use super::super::request::Request;
use super::super::transport::Address;
use super::client::{EtcdClient, grpc_status, open_client, read_state};
use crate::model::{StoreError, StoreIdentity};

/// The time in seconds after which a mark expires by itself.
const MARK_TTL: i64 = 30;

/// The number of looks for a mark before it counts as absent.
const LOOKS: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Reads the id of the etcd cluster, and the revision of its store.
pub(super) async fn identify(client: &EtcdClient) -> Result<StoreIdentity, StoreError> {
    let state = client.call(&Request::without_key("state"), read_state).await?;
    Ok(StoreIdentity::Etcd { cluster_id: state.cluster_id, revision: state.revision })
}

/// Leaves a lease without a key, which changes neither the revision nor what anybody reads.
pub(super) async fn leave_mark(client: &EtcdClient) -> Result<i64, StoreError> {
    let mark = fastrand::i64(1..);
    client.call(&Request::without_key("leave a mark"), |channel| grant(channel, mark)).await?;
    Ok(mark)
}

/// Returns whether the mark is in this etcd.
pub(super) async fn has_mark(client: &EtcdClient, mark: i64) -> Result<bool, StoreError> {
    client.call(&Request::without_key("look for a mark"), |channel| ask_for(channel, mark)).await
}

async fn grant(channel: Channel, mark: i64) -> Result<(), Status> {
    let options = LeaseGrantOptions::new().with_id(mark);
    let granted = lease_client(channel).await?.grant(MARK_TTL, Some(options)).await;
    granted.map(drop).map_err(grpc_status)
}

/// Looks for the mark. A member that has not yet applied the lease does not know it: this one is made to catch up
/// by a linearizable read, and the leader, which it asks, is given some time.
async fn ask_for(channel: Channel, mark: i64) -> Result<bool, Status> {
    read_state(channel.clone()).await?;
    for _ in 1..LOOKS {
        if find_lease(channel.clone(), mark).await? {
            return Ok(true);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    find_lease(channel, mark).await
}

async fn find_lease(channel: Channel, mark: i64) -> Result<bool, Status> {
    let found = lease_client(channel).await?.time_to_live(mark, None).await;
    // An unknown lease has -1.
    found.map(|found| found.ttl() > 0).map_err(grpc_status)
}

/// Leaves a mark through one endpoint, and returns those through which it is not there. Where no mark can be
/// left, or an endpoint can't be asked, nothing is known.
pub(super) async fn find_other_stores<'a>(
    client: &EtcdClient,
    reference: &Address,
    others: &[&'a Address],
) -> Vec<&'a Address> {
    let mark = fastrand::i64(1..);
    if others.is_empty() || client.call_at(reference, |channel| grant(channel, mark)).await.is_err()
    {
        return Vec::new();
    }
    let asked = others.iter().map(|address| async move {
        let found = client.call_at(address, |channel| ask_for(channel, mark)).await;
        (*address, found.is_ok_and(|is_there| !is_there))
    });
    let answers = join_all(asked).await;
    remove_mark(client, mark).await;
    answers.into_iter().filter_map(|(address, is_other)| is_other.then_some(address)).collect()
}

/// Removes the mark; otherwise it expires.
pub(super) async fn remove_mark(client: &EtcdClient, mark: i64) {
    let revoke = |channel: Channel| async move {
        lease_client(channel).await?.revoke(mark).await.map_err(grpc_status)
    };
    if let Err(error) = client.call(&Request::without_key("remove a mark"), revoke).await {
        tracing::debug!("a lease stays for {MARK_TTL} s: {error}");
    }
}

async fn lease_client(channel: Channel) -> Result<LeaseClient, Status> {
    Ok(open_client(channel).await?.lease_client())
}

//! Asks each endpoint of an etcd on its own: the servers' client does not move on to the next, so that a
//! server may not start where one of several is dead (3 of 6 starts failed, seen with Restate 1.7.12).

use std::time::Duration;

use futures_util::future::join_all;

use super::super::transport::Address;
use super::client::{EtcdClient, read_state};
use super::identity;
use super::state::EtcdState;
use crate::model::{EndpointFault, EndpointFaultKind};

/// The time for an endpoint that serves no reads to say what it is.
const STATUS_WAIT: Duration = Duration::from_secs(2);

/// Finds the endpoints that do not respond, and those of another etcd than the first that does.
///
/// A mark that tells two etcds with one id apart is left only if `may_leave_mark`.
pub(super) async fn find_endpoint_faults(
    client: &EtcdClient,
    may_leave_mark: bool,
) -> Vec<EndpointFault> {
    let (mut faults, mut responding) = (Vec::new(), Vec::new());
    // All at once, so that several silent ones take no longer than one.
    for (address, answer) in ask_all(client, client.endpoints()).await {
        match answer {
            Ok(_) => responding.push(address),
            Err(reason) => faults.push(no_response(client, address, reason).await),
        }
    }
    let Some((reference, rest)) = responding.split_first() else { return faults };
    let before = match client.call_at(reference, read_state).await {
        Ok(before) => before,
        Err(reason) => return vec![no_response(client, reference, reason).await],
    };
    let answers = ask_all(client, rest.iter().copied()).await;
    // Where it can't be asked again, only the id decides.
    let after = client.call_at(reference, read_state).await;
    let mut alike = Vec::new();
    for (address, answer) in answers {
        match (answer, &after) {
            (Err(reason), _) => faults.push(no_response(client, address, reason).await),
            (Ok(state), Ok(after)) if state.is_between(&before, after) => alike.push(address),
            (Ok(state), Err(_)) if state.cluster_id == before.cluster_id => alike.push(address),
            (Ok(_), _) => faults.push(other_store(address)),
        }
    }
    if !may_leave_mark {
        return faults;
    }
    let others = identity::find_other_stores(client, reference, &alike).await;
    faults.extend(others.into_iter().map(other_store));
    faults
}

async fn ask_all<'a>(
    client: &EtcdClient,
    addresses: impl Iterator<Item = &'a Address>,
) -> Vec<(&'a Address, Result<EtcdState, String>)> {
    let asked: Vec<_> = addresses
        .map(|address| async move { (address, client.call_at(address, read_state).await) })
        .collect();
    join_all(asked).await
}

fn other_store(address: &Address) -> EndpointFault {
    EndpointFault { address: address.to_string(), kind: EndpointFaultKind::OtherStore }
}

/// Returns the fault of an endpoint that does not serve reads; a learner responds to questions about itself.
async fn no_response(client: &EtcdClient, address: &Address, reason: String) -> EndpointFault {
    let status = tokio::time::timeout(STATUS_WAIT, client.read_status(address)).await;
    let kind = match status {
        Ok(Ok(status)) if status.is_learner() => EndpointFaultKind::Learner,
        _ => EndpointFaultKind::NoResponse(reason),
    };
    EndpointFault { address: address.to_string(), kind }
}

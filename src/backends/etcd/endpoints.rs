//! Asks each endpoint of an etcd on its own: the servers' client does not move on to the next, so that a
//! server may not start where one of several is dead (3 of 6 starts failed, seen with Restate 1.7.12).

use futures_util::future::join_all;

use super::super::transport::Address;
use super::client::{EtcdClient, read_state};
use super::identity;
use crate::model::{EndpointFault, EndpointFaultKind};

/// Finds the endpoints that do not respond, and those of another etcd than the first that does.
pub(super) async fn find_endpoint_faults(client: &EtcdClient) -> Vec<EndpointFault> {
    let mut faults = Vec::new();
    let mut rest = client.endpoints();
    let mut first = None;
    for address in rest.by_ref() {
        match client.call_at(address, read_state).await {
            Ok(state) => {
                first = Some((address, state));
                break;
            }
            Err(reason) => faults.push(no_response(address, reason)),
        }
    }
    let Some((reference, before)) = first else { return faults };
    let asked =
        rest.map(|address| async move { (address, client.call_at(address, read_state).await) });
    let answers = join_all(asked).await;
    // Where it can't be asked again, only the id decides.
    let after = client.call_at(reference, read_state).await;
    let mut alike = Vec::new();
    for (address, answer) in answers {
        match (answer, &after) {
            (Err(reason), _) => faults.push(no_response(address, reason)),
            (Ok(state), Ok(after)) if state.is_between(&before, after) => alike.push(address),
            (Ok(state), Err(_)) if state.cluster_id == before.cluster_id => alike.push(address),
            (Ok(_), _) => faults.push(other_store(address)),
        }
    }
    let others = identity::find_other_stores(client, reference, &alike).await;
    faults.extend(others.into_iter().map(other_store));
    faults
}

fn other_store(address: &Address) -> EndpointFault {
    EndpointFault { address: address.to_string(), kind: EndpointFaultKind::OtherStore }
}

fn no_response(address: &Address, reason: String) -> EndpointFault {
    EndpointFault { address: address.to_string(), kind: EndpointFaultKind::NoResponse(reason) }
}

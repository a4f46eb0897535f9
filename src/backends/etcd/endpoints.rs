//! Asks each endpoint of an etcd on its own: the servers' client does not move on to the next, so that a
//! server may not start where one of several is dead (3 of 6 starts failed, seen with Restate 1.7.12).

use futures_util::future::join_all;

use super::client::EtcdClient;
use crate::model::{EndpointFault, EndpointFaultKind};

/// Finds the endpoints that do not respond, and those of another etcd cluster than the first that does.
pub(super) async fn find_endpoint_faults(client: &EtcdClient) -> Vec<EndpointFault> {
    let asked = client.endpoints().map(|address| async move {
        let cluster_id = client.read_cluster_id(address).await;
        (address.to_string(), cluster_id)
    });
    let answers = join_all(asked).await;
    let first = answers.iter().find_map(|(_, answer)| answer.as_ref().ok().copied());
    let faults = answers.into_iter().filter_map(|(address, answer)| {
        let kind = match answer {
            Err(reason) => EndpointFaultKind::NoResponse(reason),
            Ok(cluster_id) if Some(cluster_id) != first => EndpointFaultKind::OtherStore,
            Ok(_) => return None,
        };
        Some(EndpointFault { address, kind })
    });
    faults.collect()
}

//! The members of an etcd beyond those that `addresses` name: a learner, one that never started, one that does
//! not respond. Each of them is missed when another one fails.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use etcd_client::Member;
use futures_util::future::join_all;
use tokio::join;

use super::super::transport::Address;
use super::client::EtcdClient;
use crate::model::{EndpointFault, EndpointFaultKind};

/// The time for one member to respond.
const RESPONSE_WAIT: Duration = Duration::from_secs(3);

/// The most members that are asked; an etcd has seven at most, by its own recommendation.
const MAX_MEMBERS: usize = 32;

/// Finds members that do not serve. An etcd that does not list its members, such as one behind its gateway to
/// another version, has none that are known.
pub(super) async fn find_member_faults(client: &EtcdClient) -> Vec<EndpointFault> {
    let (members, named) = join!(client.list_members(), find_named_members(client));
    let Ok(members) = members else { return Vec::new() };
    // The check of the endpoints has those that are named, by whatever address.
    let others = members.iter().filter(|member| !named.contains(&member.id())).take(MAX_MEMBERS);
    let looks = others.map(|member| look_at_member(client, member));
    join_all(looks).await.into_iter().flatten().collect()
}

/// Returns the ids of the members that respond at the named addresses.
async fn find_named_members(client: &EtcdClient) -> BTreeSet<u64> {
    let asked = client.endpoints().map(|address| async move {
        let status = tokio::time::timeout(RESPONSE_WAIT, client.read_status(address)).await;
        Some(status.ok()?.ok()?.header()?.member_id())
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn look_at_member(client: &EtcdClient, member: &Member) -> Option<EndpointFault> {
    let urls = member.client_urls();
    let addresses: Vec<Address> = urls.iter().filter_map(|url| url.parse().ok()).collect();
    if addresses.iter().any(|address| client.endpoints().any(|named| named == address)) {
        return None;
    }
    let fault = |kind| Some(EndpointFault { address: describe_member(member), kind });
    if urls.is_empty() {
        return fault(EndpointFaultKind::NeverStarted);
    }
    if member.is_learner() {
        return fault(EndpointFaultKind::Learner);
    }
    let address = addresses.iter().find(|address| !is_loopback(address))?;
    let answer = tokio::time::timeout(RESPONSE_WAIT, client.read_status(address)).await;
    let reason = match answer {
        Ok(Ok(_)) => return None,
        Ok(Err(reason)) => reason,
        Err(_) => format!("no response within {}", humantime::format_duration(RESPONSE_WAIT)),
    };
    fault(EndpointFaultKind::MemberNoResponse(reason))
}

/// Returns whether the address is one of the member's own machine, as etcd advertises it by default: from
/// here, it says nothing.
fn is_loopback(address: &Address) -> bool {
    let host = address.uri().host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn describe_member(member: &Member) -> String {
    let urls = member.client_urls().join(", ");
    match (member.name(), urls.as_str()) {
        ("", "") => format!("member {:x} of {}", member.id(), member.peer_urls().join(", ")),
        (name, urls) => format!("member {name} at {urls}"),
    }
}

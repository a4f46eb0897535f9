//! Resolves a service's name to the first of its addresses that responds.
//!
//! The SDK's own connector waits for the first address until the request's time is over, and a retry
//! begins with the same one: where that is silent, the service is never reached. So where a name has
//! several, they are tried side by side first.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use super::super::transport::connect_any;

/// The time during which an address that has responded is preferred without being tried again.
const PREFERENCE_TIME: Duration = Duration::from_secs(5);

/// Finds addresses as the system does, and puts one that answers in front.
#[derive(Clone, Debug)]
pub(super) struct RacingResolver {
    /// The host of the service's own endpoint and its port; all others are Amazon's own.
    endpoint: Option<(String, u16)>,
    /// The time limit for trying one name's addresses.
    patience: Duration,
    answered: Arc<Mutex<HashMap<String, (IpAddr, Instant)>>>,
}

impl RacingResolver {
    pub(super) fn new(endpoint: Option<&str>, patience: Duration) -> RacingResolver {
        let url = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
        let endpoint =
            url.and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
        RacingResolver { endpoint, patience, answered: Arc::default() }
    }

    fn port(&self, name: &str) -> u16 {
        let own = self.endpoint.as_ref();
        // A bucket's name may stand in front of the host.
        own.filter(|(host, _)| name.ends_with(host.as_str())).map_or(443, |(_, port)| *port)
    }

    async fn resolve_host(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, self.port(name))).await?;
        let found: Vec<SocketAddr> = found.collect();
        let mut addresses: Vec<_> = found.iter().map(SocketAddr::ip).collect();
        if found.len() > 1
            && let Some(first) = self.first_to_answer(name, found).await
        {
            // A stable sort: the others keep their order.
            addresses.sort_by_key(|address| *address != first);
        }
        Ok(addresses)
    }

    async fn first_to_answer(&self, name: &str, found: Vec<SocketAddr>) -> Option<IpAddr> {
        // Held while they are tried, so that requests that begin together try them once.
        let mut answered = self.answered.lock().await;
        if let Some((address, when)) = answered.get(name)
            && when.elapsed() < PREFERENCE_TIME
            && found.iter().any(|one| one.ip() == *address)
        {
            return Some(*address);
        }
        let stream = timeout(self.patience, connect_any(found)).await.ok()?.ok()?;
        let address = stream.peer_addr().ok()?.ip();
        answered.insert(name.to_owned(), (address, Instant::now()));
        Some(address)
    }
}

impl ResolveDns for RacingResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.resolve_host(name).await.map_err(ResolveDnsError::new) })
    }
}

//! Nodes that respond at an address that the operator named, and no node advertises: through a port-forward, a
//! tunnel or a unix socket. At their own addresses they may not be reachable from here.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::transport::{Address, Server, Servers};
use super::ask_each::ask_each;
use super::ident::identify_server;
use crate::codec::{Node, NodesConfiguration};

/// The nodes that respond at other addresses than their own.
#[derive(Default)]
pub(super) struct StandIns {
    servers: Vec<(u32, Server)>,
    /// `true` once a node did not respond at its own address.
    are_needed: AtomicBool,
}

impl StandIns {
    /// Asks the servers at addresses that no node advertises who they are.
    pub(super) async fn find(
        peers: &Servers,
        known: &NodesConfiguration,
        limit: Duration,
    ) -> StandIns {
        let advertised: HashSet<Address> =
            known.nodes.iter().filter_map(|node| node.address.parse().ok()).collect();
        let others = peers.admitted().filter(|server| !advertised.contains(&server.address));
        let ask = |server: &Server| {
            let server = server.clone();
            async move {
                let ident = identify_server(peers, &server).await.ok()?;
                let id = ident.id.filter(|_| ident.cluster_name == known.cluster_name)?;
                Some((id, server))
            }
        };
        let found = ask_each(others.map(|server| (ask(server), None)).collect(), limit).await;
        let servers = found.into_iter().flatten().collect();
        StandIns { servers, are_needed: AtomicBool::new(false) }
    }

    /// Asks a node at its own address, and where it does not respond there, at the one that was named for it.
    pub(super) async fn ask_node<T, F>(
        &self,
        peers: &Servers,
        node: &Node,
        ask: impl Fn(Server) -> F,
    ) -> Result<T, String>
    where
        F: Future<Output = Result<T, String>>,
    {
        let at_home = match node.address.parse().and_then(|address| peers.server_at(&address)) {
            Ok(server) => ask(server).await,
            Err(reason) => Err(reason),
        };
        let stand_in = self.servers.iter().find(|(id, _)| *id == node.id);
        match (at_home, stand_in) {
            (Err(reason), Some((_, server))) => {
                let answer = ask(server.clone()).await.map_err(|_| reason)?;
                self.are_needed.store(true, Ordering::Relaxed);
                Ok(answer)
            }
            (at_home, _) => at_home,
        }
    }

    /// Returns whether a node was seen to respond at another address than its own only: so may those that do not
    /// respond at all.
    pub(super) fn are_needed(&self) -> bool {
        self.are_needed.load(Ordering::Relaxed)
    }
}

//! Waits for the state of a cluster: nodes up or stopped, partitions with leaders, a leader of the
//! replicated store.

use std::time::Duration;

use restatectl::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use restatectl::proto::node_ctl_svc::NodeStatus;
use restatectl::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

use super::super::process::Process;
use super::super::tool::{official, restatectl};
use super::super::{block_on, wait_for};
use super::{Cluster, START_LIMIT};

impl Cluster {
    pub(super) fn wait_until_alive(&mut self, index: usize) {
        let address = self.nodes[index].address();
        let name = self.nodes[index].name.clone();
        let process = self.nodes[index].process.as_mut().unwrap();
        wait_for(&format!("{name} to be alive"), START_LIMIT, || {
            process.assert_running();
            let ident = block_on(async {
                let channel = tonic::transport::Endpoint::from_shared(address.clone())
                    .unwrap()
                    .connect()
                    .await
                    .ok()?;
                let ident = NodeCtlSvcClient::new(channel).get_ident(()).await.ok()?;
                Some(ident.into_inner())
            })?;
            (ident.status() == NodeStatus::Alive).then_some(())
        });
    }

    /// Waits until every partition has a leader, as the official tool sees it.
    pub fn wait_until_led(&self) {
        if self.nodes.iter().all(|node| !node.roles.contains(&"worker")) {
            return;
        }
        let addresses = self.addresses();
        wait_for("all partitions to be led", START_LIMIT, || {
            let run = official(&["-s", &addresses, "partitions", "list"]);
            let leaders = run
                .out
                .lines()
                .filter(|line| line.contains(" Leader ") && line.contains(" Active "));
            (leaders.count() == self.partitions).then_some(())
        });
    }

    /// Waits until this program says that the cluster runs. In a single look a partition may be between two leaders: for
    /// seconds after the last node has started, leaders move to it.
    pub fn wait_until_running(&self, more: &[&str]) {
        let addresses = self.addresses();
        let wait = ["-s", &addresses, "wait", "--timeout", "30s", "--for", "running"];
        restatectl(&[&wait[..], more].concat()).expect(0);
    }

    /// Returns the index of the node that leads the metadata servers.
    pub fn leader(&self) -> usize {
        wait_for("a leader of the metadata servers", START_LIMIT, || {
            self.nodes.iter().position(|node| {
                block_on(async {
                    let endpoint = tonic::transport::Endpoint::from_shared(node.address()).ok()?;
                    let channel = endpoint.connect().await.ok()?;
                    let status =
                        MetadataServerSvcClient::new(channel.clone()).status(()).await.ok()?;
                    let ident = NodeCtlSvcClient::new(channel).get_ident(()).await.ok()?;
                    let own = ident.into_inner().node_id?.id;
                    (status.into_inner().leader? == own).then_some(())
                })
                .is_some()
            })
        })
    }

    /// Waits until a majority of the metadata servers has stopped by itself; returns the names of the
    /// nodes that have not.
    pub fn wait_until_stopped(&mut self) -> Vec<String> {
        wait_for("the metadata servers to stop by themselves", Duration::from_secs(30), || {
            let mut still_running = |server: bool| -> Vec<String> {
                let nodes = self.nodes.iter_mut();
                nodes
                    .filter(|node| !server || node.roles.contains(&"metadata-server"))
                    .filter_map(|node| {
                        let ended = node.process.as_mut().is_none_or(Process::has_ended);
                        (!ended).then(|| node.name.clone())
                    })
                    .collect()
            };
            let servers = still_running(true).len();
            let others = still_running(false);
            let all = self.nodes.iter().filter(|node| node.roles.contains(&"metadata-server"));
            (servers < all.count().div_ceil(2)).then_some(others)
        })
    }
}

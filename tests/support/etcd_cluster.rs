//! An etcd of several members.

use std::time::Duration;

use etcd_client::{Client, DeleteOptions, GetOptions, MemberAddOptions};
use tempfile::TempDir;

use super::etcd::{EtcdProgram, host_port, peer_url, start_member};
use super::ports::Port;
use super::process::Process;
use super::{block_on, wait_for};

/// Several members of one etcd.
pub struct EtcdCluster {
    program: EtcdProgram,
    members: Vec<(Port, Port, Option<Process>)>,
    folder: TempDir,
}

impl EtcdCluster {
    pub fn start(count: usize) -> EtcdCluster {
        EtcdCluster::start_program(EtcdProgram::V3_4, count)
    }

    pub fn start_program(program: EtcdProgram, count: usize) -> EtcdCluster {
        EtcdCluster::start_with_flags(program, count, &[])
    }

    /// Starts members with further flags.
    pub fn start_with_flags(program: EtcdProgram, count: usize, flags: &[&str]) -> EtcdCluster {
        let folder = TempDir::new().unwrap();
        let ports: Vec<_> = (0..count).map(|_| (Port::free(), Port::free())).collect();
        let all: Vec<_> = ports
            .iter()
            .enumerate()
            .map(|(n, (_, peer))| format!("m{n}={}", peer_url(peer)))
            .collect();
        let all = all.join(",");
        let members = ports.into_iter().enumerate().map(|(n, (client, peer))| {
            let at = host_port("127.0.0.1", &client);
            let process = start_member(program, n, &at, &peer, &all, flags, &folder);
            (client, peer, Some(process))
        });
        let cluster = EtcdCluster { program, members: members.collect(), folder };
        wait_for("a leader of etcd", Duration::from_secs(30), || cluster.leader());
        wait_for("every member to respond", Duration::from_secs(30), || cluster.all_respond());
        cluster
    }

    /// Adds a member that does not vote, and does not start it.
    pub fn announce_learner(&self) -> Port {
        let peer = Port::free();
        // Refused until every member has been connected with the others for a while.
        wait_for("an etcd that accepts members", Duration::from_secs(20), || {
            block_on(async {
                let mut etcd = Client::connect(self.addresses(), None).await?;
                let options = MemberAddOptions::new().with_is_learner();
                etcd.member_add([peer_url(&peer)], Some(options)).await
            })
            .ok()
        });
        peer
    }

    /// Adds a member that does not vote, and starts it; returns its address.
    pub fn add_learner(&mut self) -> String {
        let (client, peer) = (Port::free(), self.announce_learner());
        let number = self.members.len();
        let peers = self.members.iter().map(|(_, peer, _)| peer).chain([&peer]).enumerate();
        let all: Vec<_> = peers.map(|(n, peer)| format!("m{n}={}", peer_url(peer))).collect();
        let at = host_port("127.0.0.1", &client);
        let flags = ["--initial-cluster-state", "existing"];
        let (all, folder) = (all.join(","), &self.folder);
        let process = start_member(self.program, number, &at, &peer, &all, &flags, folder);
        self.members.push((client, peer, Some(process)));
        wait_for("a learner of etcd", Duration::from_secs(20), || {
            block_on(async { Client::connect([&at], None).await?.status().await }).ok()
        });
        at
    }

    pub fn clear(&self) {
        let all = Some(DeleteOptions::new().with_all_keys());
        block_on(async {
            let mut client = Client::connect(&self.addresses()[..1], None).await.unwrap();
            client.delete("", all).await.unwrap()
        });
    }

    /// Kills a member with SIGKILL.
    pub fn kill_member(&mut self, number: usize) {
        self.members[number].2.take().unwrap().kill();
    }

    /// Sends a member's process a signal, such as STOP.
    pub fn signal_member(&self, number: usize, signal: &str) {
        self.members[number].2.as_ref().unwrap().signal(signal);
    }

    pub fn addresses(&self) -> Vec<String> {
        self.members.iter().map(|(client, ..)| format!("127.0.0.1:{}", client.number)).collect()
    }

    fn all_respond(&self) -> Option<()> {
        block_on(async {
            for address in self.addresses() {
                Client::connect([address], None).await.ok()?.status().await.ok()?;
            }
            Some(())
        })
    }

    /// Returns a member that does not lead: without it, nobody waits for an election.
    pub fn follower(&self) -> usize {
        let leader = wait_for("a leader of etcd", Duration::from_secs(30), || self.leader());
        if leader == 2 { 1 } else { 2 }
    }

    fn leader(&self) -> Option<usize> {
        let alive = self.members.iter().enumerate().filter(|(_, (.., process))| process.is_some());
        block_on(async {
            for (n, (client, ..)) in alive {
                let mut client =
                    Client::connect([format!("127.0.0.1:{}", client.number)], None).await.ok()?;
                let status = client.status().await.ok()?;
                let id = status.header().map_or(0, |header| header.member_id());
                if status.leader() != 0 && status.leader() == id {
                    return Some(n);
                }
            }
            None
        })
    }

    /// Kills it with SIGKILL.
    pub fn kill_leader(&mut self) {
        let leader = wait_for("a leader of etcd", Duration::from_secs(30), || self.leader());
        self.members[leader].2.take().unwrap().kill();
    }

    /// Returns the number of keys, Restate's and others.
    pub fn count(&self) -> i64 {
        block_on(async {
            let mut client = Client::connect(self.addresses(), None).await.unwrap();
            let options = GetOptions::new().with_all_keys().with_count_only();
            client.get("", Some(options)).await.map_or(0, |answer| answer.count())
        })
    }
}

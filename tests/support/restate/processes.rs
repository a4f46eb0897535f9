//! The processes of a cluster: started in a mode, stopped, killed.

use super::super::hostile_text::escape_toml;
use super::super::npm_program;
use super::super::process::Process;
use super::{Cluster, Mode, Node};

impl Cluster {
    /// Stops every node, then starts all of them in the mode.
    pub fn restart(&mut self, mode: &Mode) {
        self.stop();
        self.start_all(mode);
        if *mode != Mode::Migration {
            self.wait_until_led();
        }
    }

    /// Stops every node.
    pub fn stop(&mut self) {
        for node in &mut self.nodes {
            if let Some(process) = node.process.take() {
                process.stop();
            }
        }
    }

    /// Restarts one node, and waits until it is up.
    pub fn restart_node(&mut self, index: usize, mode: &Mode) {
        self.stop_node(index);
        self.start_node(index, mode);
        self.wait_until_alive(index);
    }

    /// Stops one node.
    pub fn stop_node(&mut self, index: usize) {
        if let Some(process) = self.nodes[index].process.take() {
            process.stop();
        }
    }

    /// Sends a node's process a signal, such as STOP.
    pub fn signal_node(&self, index: usize, signal: &str) {
        self.nodes[index].process.as_ref().unwrap().signal(signal);
    }

    /// Kills it with SIGKILL.
    pub fn kill_node(&mut self, index: usize) {
        self.nodes[index].process.take().unwrap().kill();
    }

    /// Starts every node without waiting for any.
    pub fn launch(&mut self, mode: &Mode) {
        for index in 0..self.nodes.len() {
            self.start_node(index, mode);
        }
    }

    /// Starts every node of a cluster that was stopped, and waits until they are up.
    pub fn start_again(&mut self, mode: &Mode) {
        self.start_all(mode);
    }

    pub(super) fn start_all(&mut self, mode: &Mode) {
        self.launch(mode);
        for index in 0..self.nodes.len() {
            self.wait_until_alive(index);
        }
    }

    /// Starts one node without waiting for it.
    pub fn start_node(&mut self, index: usize, mode: &Mode) {
        let config = self.folder.path().join(format!("node-{}.toml", index + 1));
        std::fs::write(&config, self.config(index, mode)).unwrap();
        let base = self.folder.path().join(format!("node-{}", index + 1));
        let mut args =
            vec!["--config-file", config.to_str().unwrap(), "--base-dir", base.to_str().unwrap()];
        if *mode == Mode::Migration {
            args.push("--metadata-migration-mode");
        }
        let server = npm_program(&format!("{}/bin/restate-server", self.server));
        let log = self.folder.path().join(format!("node-{}.log", index + 1));
        // The servers leave folders in TMPDIR; they go with the cluster's own.
        let temporary = self.folder.path().to_str().unwrap();
        let envs = [("RESTATE_DISABLE_TELEMETRY", "true"), ("TMPDIR", temporary)];
        self.nodes[index].process = Some(Process::start(&server, &args, &envs, &log));
    }

    fn config(&self, index: usize, mode: &Mode) -> String {
        let node = &self.nodes[index];
        let servers: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.roles.contains(&"metadata-server"))
            .map(Node::address)
            .collect();
        let replicated =
            format!("[metadata-client]\ntype = \"replicated\"\naddresses = {servers:?}\n");
        let (roles, section) = match mode {
            Mode::Normal | Mode::Migration => (node.roles.clone(), replicated.as_str()),
            Mode::External(section) => {
                let roles = node.roles.iter().filter(|role| **role != "metadata-server");
                (roles.copied().collect(), section.as_str())
            }
        };
        let provision = index == 0 && *mode == Mode::Normal;
        format!(
            "node-name = {:?}\ncluster-name = \"{}\"\nroles = {roles:?}\nauto-provision = {provision}\n\
             default-num-partitions = {}\nbind-ip = {:?}\nbind-port = {}\n\
             advertised-address = \"{}/\"\nlisten-mode = \"all\"\n\
             rocksdb-total-memory-size = \"512 MB\"\n\
             gossip-suspect-interval = \"{}\"\n{section}\n\
             [admin]\nbind-port = {}\n[ingress]\nbind-port = {}\n{}",
            node.name,
            escape_toml(self.cluster_name),
            self.partitions,
            node.ip,
            node.fabric.number,
            node.address(),
            self.suspect_interval,
            node.admin.number,
            node.ingress.number,
            self.extra_config
        )
    }
}

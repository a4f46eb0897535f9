//! Real Restate clusters: started, restarted in other modes, filled with metadata.

mod load;
mod stored;
mod waits;

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

// The examples do not need all of them.
#[allow(unused_imports)]
pub use stored::{get_value, put_value, put_values};

use super::hostile_text::escape_toml;
use super::npm_program;
use super::ports::Port;
use super::process::Process;

const START_LIMIT: Duration = Duration::from_secs(60);

/// The mode in which nodes run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On the replicated store.
    Normal,
    /// On the replicated store with `--metadata-migration-mode`.
    Migration,
    /// On an external store: a `[metadata-client]` section, and no metadata servers.
    External(String),
}

pub struct Node {
    pub name: String,
    roles: Vec<&'static str>,
    /// The IP it listens on, and its advertised host.
    ip: &'static str,
    host: &'static str,
    fabric: Port,
    admin: Port,
    ingress: Port,
    process: Option<Process>,
}

impl Node {
    pub fn address(&self) -> String {
        format!("http://{}:{}", self.host, self.fabric.number)
    }
}

pub struct Cluster {
    /// The npm package of the server.
    server: String,
    cluster_name: &'static str,
    pub folder: TempDir,
    pub nodes: Vec<Node>,
    pub partitions: usize,
    /// What is added to the configuration of each node.
    extra_config: &'static str,
    service: Option<(Port, Process)>,
}

/// All roles.
pub const ALL_ROLES: &[&str] =
    &["metadata-server", "worker", "log-server", "admin", "http-ingress"];

/// The IP that nodes listen on, and their advertised host.
const LOCAL: (&str, &str) = ("127.0.0.1", "127.0.0.1");

/// The npm package of the current server.
pub const CURRENT: &str = "@restatedev/restate-server-linux-x64";

impl Cluster {
    /// Starts a cluster of one node.
    pub fn single(partitions: usize) -> Cluster {
        Cluster::start(&[ALL_ROLES], partitions)
    }

    /// Starts one node for each list of roles, and waits until all partitions are led, if there is
    /// a worker to lead them.
    pub fn start(roles: &[&[&'static str]], partitions: usize) -> Cluster {
        Cluster::start_version(CURRENT, roles, partitions)
    }

    /// Starts a metadata server that listens on this IP and advertises this host.
    pub fn start_metadata_server(ip: &'static str, host: &'static str) -> Cluster {
        Cluster::start_at(vec![Port::free()], (ip, host), CURRENT, &[&["metadata-server"]], 1)
    }

    /// Starts so many metadata servers that listen on 127.0.0.1 and advertise `localhost`.
    pub fn start_metadata_servers_by_name(count: usize) -> Cluster {
        let ports = (0..count).map(|_| Port::free()).collect();
        let roles: Vec<&[&'static str]> = vec![&["metadata-server"]; count];
        Cluster::start_at(ports, ("127.0.0.1", "localhost"), CURRENT, &roles, 1)
    }

    /// Starts a cluster with the server of this npm package.
    pub fn start_version(server: &str, roles: &[&[&'static str]], partitions: usize) -> Cluster {
        let ports = roles.iter().map(|_| Port::free()).collect();
        Cluster::start_at(ports, LOCAL, server, roles, partitions)
    }

    /// Starts a cluster with the nodes at these ports of this host.
    fn start_at(
        ports: Vec<Port>,
        (ip, host): (&'static str, &'static str),
        server: &str,
        roles: &[&[&'static str]],
        partitions: usize,
    ) -> Cluster {
        let mut cluster = Cluster::create_at(ports, (ip, host), server, roles, partitions);
        cluster.start_all(&Mode::Normal);
        cluster.wait_until_led();
        cluster
    }

    /// Starts a cluster with the server of this npm package, and with sections that are added to its configuration.
    pub fn start_with_config(
        server: &str,
        roles: &[&[&'static str]],
        extra_config: &'static str,
    ) -> Cluster {
        let ports = roles.iter().map(|_| Port::free()).collect();
        let mut cluster = Cluster::create_at(ports, LOCAL, server, roles, 2);
        cluster.extra_config = extra_config;
        cluster.start_all(&Mode::Normal);
        cluster
    }

    /// Returns the base directory of a node.
    pub fn base_folder(&self, index: usize) -> String {
        self.folder.path().join(format!("node-{}", index + 1)).to_str().unwrap().to_owned()
    }

    /// Sends all nodes a signal at once that ends them, and waits for their ends.
    pub fn end_all(&mut self, signal: &str) {
        for node in &self.nodes {
            node.process.iter().for_each(|process| process.signal(signal));
        }
        self.stop();
    }

    /// Starts a cluster of one metadata server.
    pub fn start_named(cluster_name: &'static str) -> Cluster {
        let roles: &[&[&'static str]] = &[&["metadata-server"]];
        let mut cluster = Cluster::create_at(vec![Port::free()], LOCAL, CURRENT, roles, 1);
        cluster.cluster_name = cluster_name;
        cluster.start_all(&Mode::Normal);
        cluster
    }

    /// Starts a cluster named `other` with one node at the address of a killed node of this one.
    pub fn start_other_cluster_at(&self, index: usize) -> Cluster {
        let ports = vec![Port::borrowed(self.nodes[index].fabric.number)];
        let mut other = Cluster::create_at(ports, LOCAL, CURRENT, &[ALL_ROLES], 1);
        other.cluster_name = "other";
        other.start_all(&Mode::Normal);
        other.wait_until_led();
        other
    }

    fn create_at(
        ports: Vec<Port>,
        (ip, host): (&'static str, &'static str),
        server: &str,
        roles: &[&[&'static str]],
        partitions: usize,
    ) -> Cluster {
        let nodes = roles.iter().zip(ports).enumerate().map(|(index, (roles, fabric))| Node {
            name: format!("node-{}", index + 1),
            roles: roles.to_vec(),
            ip,
            host,
            fabric,
            admin: Port::free(),
            ingress: Port::free(),
            process: None,
        });
        Cluster {
            server: server.to_owned(),
            cluster_name: "demo",
            nodes: nodes.collect(),
            folder: TempDir::new().unwrap(),
            partitions,
            extra_config: "",
            service: None,
        }
    }

    /// Starts a cluster of one node with a rule, in migration mode.
    pub fn ready_to_migrate(partitions: usize) -> Cluster {
        let mut cluster = Cluster::single(partitions);
        cluster.set_rule("scope1/*", 5);
        cluster.restart(&Mode::Migration);
        cluster
    }

    /// Starts a cluster of one metadata server in migration mode, with an epoch for each of many
    /// partitions, which no server reads.
    pub fn large(partitions: usize) -> Cluster {
        Cluster::large_with_roles(&["metadata-server"], partitions)
    }

    /// Starts a large cluster of one node with these roles.
    pub fn large_with_roles(roles: &[&'static str], partitions: usize) -> Cluster {
        Cluster::start(&[roles], partitions).in_migration_mode()
    }

    /// Starts a large cluster of three nodes, at the default port and the two after it.
    pub fn large_at_default_port(roles: &[&'static str], partitions: usize) -> Cluster {
        let ports = (5122..5125).map(Port::fixed).collect();
        Cluster::start_at(ports, LOCAL, CURRENT, &[roles; 3], partitions).in_migration_mode()
    }

    fn in_migration_mode(mut self) -> Cluster {
        self.restart(&Mode::Migration);
        let epoch = json!({"version": 1, "epoch": 1, "current": {"version": 1, "replica_set": [1],
                "replication": "{node: 1}", "modified_at": 1, "context": {}}, "next": null});
        let buffer = flexbuffers::to_vec(&epoch).unwrap();
        let mut bytes = vec![2];
        bytes.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
        bytes.extend(buffer);
        let keys: Vec<_> = (0..self.partitions).map(|n| format!("pp_epoch_{n}")).collect();
        put_values(&self.address(), &keys, 1, &bytes);
        self
    }

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

    /// Writes a file with the `[metadata-client]` section of the replicated store at these addresses.
    pub fn replicated_toml(&self, name: &str, addresses: &[String]) -> String {
        let path = self.folder.path().join(name);
        let section =
            format!("[metadata-client]\ntype = \"replicated\"\naddresses = {addresses:?}\n");
        std::fs::write(&path, section).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Returns the generation of each node by its name, which is the number of its starts; tombstones
    /// are left out.
    pub fn generations(&self) -> std::collections::BTreeMap<String, u64> {
        let (_, bytes) = get_value(&self.address(), "nodes_config").unwrap();
        let key = restatectl::model::Key::NodesConfig;
        let document = restatectl::codec::decode(&key, &bytes).unwrap();
        let nodes = document["nodes"].as_array().unwrap().iter();
        nodes
            .filter_map(|pair| pair[1].get("Node"))
            .map(|node| {
                let generation = node["current_generation"][1].as_u64().unwrap();
                (node["name"].as_str().unwrap().to_owned(), generation)
            })
            .collect()
    }

    /// Restarts one node, and waits until it is up.
    pub fn restart_node(&mut self, index: usize, mode: &Mode) {
        if let Some(process) = self.nodes[index].process.take() {
            process.stop();
        }
        self.start_node(index, mode);
        self.wait_until_alive(index);
    }

    /// Sends a node's process a signal, such as STOP.
    pub fn signal_node(&self, index: usize, signal: &str) {
        self.nodes[index].process.as_ref().unwrap().signal(signal);
    }

    /// Kills it with SIGKILL.
    pub fn kill_node(&mut self, index: usize) {
        self.nodes[index].process.take().unwrap().kill();
    }

    /// Starts every node of a cluster that was stopped, and waits until they are up.
    pub fn start_again(&mut self, mode: &Mode) {
        self.start_all(mode);
    }

    fn start_all(&mut self, mode: &Mode) {
        for index in 0..self.nodes.len() {
            self.start_node(index, mode);
        }
        for index in 0..self.nodes.len() {
            self.wait_until_alive(index);
        }
    }

    fn start_node(&mut self, index: usize, mode: &Mode) {
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
             rocksdb-total-memory-size = \"512 MB\"\n{section}\n\
             [admin]\nbind-port = {}\n[ingress]\nbind-port = {}\n{}",
            node.name,
            escape_toml(self.cluster_name),
            self.partitions,
            node.ip,
            node.fabric.number,
            node.address(),
            node.admin.number,
            node.ingress.number,
            self.extra_config
        )
    }

    /// Returns the addresses of all nodes, separated by commas.
    pub fn addresses(&self) -> String {
        self.nodes.iter().map(Node::address).collect::<Vec<_>>().join(",")
    }

    /// Returns the address of the first node.
    pub fn address(&self) -> String {
        self.nodes[0].address()
    }

    /// Returns the path of the unix socket of the first node's fabric services.
    pub fn socket(&self) -> String {
        let path = self.folder.path().join("node-1/node-1/fabric.sock");
        format!("unix:{}", path.display())
    }

    /// Returns the end of a node's log.
    pub fn log_tail(&self, index: usize) -> String {
        self.nodes[index].process.as_ref().map(Process::log_tail).unwrap_or_default()
    }
}

//! Real Restate clusters: started, restarted in other modes, filled with metadata.

mod large;
mod load;
mod processes;
mod stored;
mod waits;

use std::time::Duration;

use tempfile::TempDir;

// The examples do not need all of them.
#[allow(unused_imports)]
pub use stored::{get_value, put_value, put_values};

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

    /// Returns the port of the ingress.
    pub fn ingress_port(&self) -> u16 {
        self.ingress.number
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
    /// How long a node that has started is only suspected to live: no partition gets a leader until then. The server's
    /// own default is 5s.
    pub suspect_interval: &'static str,
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

    /// Launches one node for each list of roles without waiting for any.
    pub fn launch_new(roles: &[&[&'static str]], partitions: usize) -> Cluster {
        let ports = roles.iter().map(|_| Port::free()).collect();
        let mut cluster = Cluster::create_at(ports, LOCAL, CURRENT, roles, partitions);
        cluster.launch(&Mode::Normal);
        cluster
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

    /// Returns the base directories of all nodes.
    pub fn base_folders(&self) -> Vec<String> {
        (0..self.nodes.len()).map(|index| self.base_folder(index)).collect()
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
            suspect_interval: "500ms",
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

    /// Starts a cluster of three nodes, at the default port and the two after it.
    pub fn start_at_default_port(partitions: usize) -> Cluster {
        let ports = (5122..5125).map(Port::fixed).collect();
        Cluster::start_at(ports, LOCAL, CURRENT, &[ALL_ROLES; 3], partitions)
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

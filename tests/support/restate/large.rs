//! Clusters in migration mode with many partitions.

use serde_json::json;

use super::stored::put_values;
use super::{CURRENT, Cluster, Mode};
use crate::support::ports::Port;

impl Cluster {
    /// Starts a cluster of one metadata server in migration mode, with an epoch for each of many
    /// partitions, which no server reads.
    pub fn large(partitions: usize) -> Cluster {
        Cluster::large_with_roles(&["metadata-server"], partitions)
    }

    /// Starts a large cluster that listens on 127.0.0.1 and advertises this host.
    pub fn large_at(port: Port, host: &'static str, partitions: usize) -> Cluster {
        let roles: &[&[&'static str]] = &[&["metadata-server"]];
        Cluster::start_at(vec![port], ("127.0.0.1", host), CURRENT, roles, partitions)
            .in_migration_mode()
    }

    /// Starts a large cluster of one node with these roles.
    pub fn large_with_roles(roles: &[&'static str], partitions: usize) -> Cluster {
        Cluster::start(&[roles], partitions).in_migration_mode()
    }

    fn in_migration_mode(mut self) -> Cluster {
        self.restart(&Mode::Migration);
        self.put_epochs(1);
        self
    }

    /// Puts the same epoch at this version for every partition.
    pub fn put_epochs(&self, version: u32) {
        let epoch = json!({"version": version, "epoch": 1, "current": {"version": 1, "replica_set": [1],
                "replication": "{node: 1}", "modified_at": 1, "context": {}}, "next": null});
        let buffer = flexbuffers::to_vec(&epoch).unwrap();
        let mut bytes = vec![2];
        bytes.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
        bytes.extend(buffer);
        let keys: Vec<_> = (0..self.partitions).map(|n| format!("pp_epoch_{n}")).collect();
        put_values(&self.address(), &keys, version, &bytes);
    }
}

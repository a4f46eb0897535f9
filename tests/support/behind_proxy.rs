//! A cluster that is to move into a store behind a proxy, which injects faults.

use std::sync::Arc;

use tempfile::TempDir;

use super::dynamo::{Table, table};
use super::http_proxy::HttpProxy;
use super::migration::migrate;
use super::restate::Cluster;
use super::s3::{Bucket, seaweed, toml_file};
use super::tool::{Run, restatectl};

/// Waits shorter than the default, and what programs read.
pub const SHORT: [&str; 4] = ["--request-timeout", "1500", "-o", "json"];

pub struct BehindProxy<S> {
    pub cluster: Cluster,
    pub store: Arc<S>,
    pub proxy: HttpProxy,
    pub folder: TempDir,
    /// The `[metadata-client]` section of a prefix at an endpoint.
    section: fn(&S, &str, &str) -> String,
}

impl BehindProxy<Bucket> {
    pub fn bucket() -> Self {
        let bucket = seaweed().bucket().warm();
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        BehindProxy::new(Cluster::ready_to_move(3), bucket, proxy, Bucket::section_at)
    }
}

impl BehindProxy<Table> {
    pub fn table(cluster: Cluster) -> Self {
        let table = table();
        let proxy = HttpProxy::start(&table.server.endpoint);
        BehindProxy::new(cluster, table, proxy, Table::section_at)
    }
}

impl<S> BehindProxy<S> {
    fn new(
        cluster: Cluster,
        store: S,
        proxy: HttpProxy,
        section: fn(&S, &str, &str) -> String,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        BehindProxy { cluster, store: Arc::new(store), proxy, folder, section }
    }

    /// The store at the proxy.
    pub fn toml(&self, prefix: &str) -> String {
        let section = (self.section)(&self.store, &self.proxy.endpoint(), prefix);
        toml_file(&self.folder, "target.toml", &section)
    }

    pub fn migrate(&self, prefix: &str, more: &[&str]) -> Run {
        migrate(&self.cluster, &self.toml(prefix), &[&SHORT[..], more].concat())
    }

    /// Fails unless the store has all that the cluster has.
    pub fn verify(&self, prefix: &str) {
        let toml = self.toml(prefix);
        restatectl(&["-s", &self.cluster.address(), "metadata", "verify", "--toml", &toml])
            .expect(0);
    }
}

//! A cluster to migrate and a store behind a proxy that injects faults.

use std::sync::Arc;

use tempfile::TempDir;

use super::dynamo::{Table, create_table};
use super::http_proxy::HttpProxy;
use super::migration::migrate;
use super::restate::Cluster;
use super::s3::{Bucket, seaweed};
use super::store_toml::write_file;
use super::tool::{Run, restatectl};

/// Options for a short time-out and JSON output.
pub const SHORT_TIMEOUT: [&str; 4] = ["--request-timeout", "1500", "-o", "json"];

pub struct BehindProxy<S> {
    pub cluster: Cluster,
    pub store: Arc<S>,
    pub proxy: HttpProxy,
    pub folder: TempDir,
    /// The `[metadata-client]` section of a prefix at an endpoint.
    section: fn(&S, &str, &str) -> String,
}

impl BehindProxy<Bucket> {
    pub fn with_bucket() -> Self {
        let bucket = seaweed().bucket().warm();
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        BehindProxy::new(Cluster::ready_to_migrate(3), bucket, proxy, Bucket::section_at)
    }
}

impl BehindProxy<Table> {
    pub fn with_table(cluster: Cluster) -> Self {
        let table = create_table();
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

    /// Writes the TOML file of the store at the proxy.
    pub fn toml(&self, prefix: &str) -> String {
        let section = (self.section)(&self.store, &self.proxy.endpoint(), prefix);
        write_file(&self.folder, "target.toml", &section)
    }

    pub fn migrate(&self, prefix: &str, more: &[&str]) -> Run {
        migrate(&self.cluster, &self.toml(prefix), &[&SHORT_TIMEOUT[..], more].concat())
    }

    /// Asserts that the store equals the cluster.
    pub fn verify(&self, prefix: &str) {
        let toml = self.toml(prefix);
        restatectl(&["-s", &self.cluster.address(), "metadata", "verify", "--toml", &toml])
            .expect(0);
    }
}

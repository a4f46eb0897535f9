//! Stores opened as the program opens them, for tests that call them directly.

use std::time::Duration;

use restatectl::backends::RequestOptions;
use restatectl::backends::cluster::{self, ClusterOptions, WritableCluster};
use restatectl::backends::dynamo_db::DynamoDb;
use restatectl::backends::etcd::Etcd;
use restatectl::backends::object_store::ObjectStore;
use restatectl::backends::transport::{Limits, TlsOptions};
use restatectl::config::{self, StoreConfig};

fn parse_section(section: &str) -> StoreConfig {
    config::parse(section, "test").unwrap().store
}

/// Opens the etcd of this section.
pub fn open_etcd(section: &str, request: Duration) -> Etcd {
    match parse_section(section) {
        StoreConfig::Etcd(config) => {
            Etcd::open(&config, RequestOptions::with_timeout(request)).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Opens the object store of this section.
pub async fn open_s3(section: &str, request: Duration) -> ObjectStore {
    match parse_section(section) {
        StoreConfig::ObjectStore(config) => {
            ObjectStore::open(&config, RequestOptions::with_timeout(request)).await.unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Opens the table of this section.
pub async fn open_dynamo(section: &str, request: Duration) -> DynamoDb {
    match parse_section(section) {
        StoreConfig::DynamoDb(config) => {
            DynamoDb::open(&config, RequestOptions::with_timeout(request)).await.unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Opens the cluster at these addresses.
pub async fn open_cluster(addresses: &str, only_these: bool, request: Duration) -> WritableCluster {
    let connect = Duration::from_secs(1);
    let options = ClusterOptions {
        addresses: addresses.split(',').map(|address| address.parse().unwrap()).collect(),
        only_these,
        limits: Limits { connect, request, keep_alive: None, message: None },
        max_concurrency: None,
        tls: TlsOptions { ca: None, identity: None, skip_verify: false },
    };
    // Within a short limit, a busy node may not have said in time which nodes there are.
    for _ in 0..2 {
        if let Ok(store) = cluster::connect(&options).await {
            return store.into_writable();
        }
    }
    cluster::connect(&options).await.unwrap().into_writable()
}

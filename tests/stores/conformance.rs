//! The conformance suite over the store in memory and over each real store.

use std::time::Duration;

use restatectl::backends::RequestOptions;
use restatectl::backends::dynamo_db::DynamoDb;
use restatectl::backends::etcd::Etcd as EtcdStore;
use restatectl::backends::memory::Memory;
use restatectl::backends::object_store::ObjectStore;
use restatectl::config::{self, StoreConfig};

use crate::support::block_on;
use crate::support::conformance::assert_conforms;
use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::s3::{moto, s3s_fs, seaweed};

fn open_etcd(toml: &str) -> EtcdStore {
    match config::parse(toml, "test").unwrap().store {
        StoreConfig::Etcd(config) => {
            EtcdStore::open(&config, RequestOptions::with_timeout(Duration::from_secs(5))).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

async fn open_s3(toml: &str) -> ObjectStore {
    match config::parse(toml, "test").unwrap().store {
        StoreConfig::ObjectStore(config) => {
            ObjectStore::open(&config, RequestOptions::with_timeout(Duration::from_secs(10)))
                .await
                .unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn seaweedfs_conforms() {
    let bucket = seaweed().bucket();
    block_on(async { assert_conforms(&open_s3(&bucket.section("some/prefix")).await).await });
}

#[test]
fn s3s_fs_conforms() {
    let bucket = s3s_fs().bucket();
    block_on(async { assert_conforms(&open_s3(&bucket.section("some/prefix")).await).await });
}

#[test]
fn moto_conforms() {
    let bucket = moto().bucket();
    block_on(async { assert_conforms(&open_s3(&bucket.section("")).await).await });
}

async fn open_dynamo(toml: &str) -> DynamoDb {
    match config::parse(toml, "test").unwrap().store {
        StoreConfig::DynamoDb(config) => {
            DynamoDb::open(&config, RequestOptions::with_timeout(Duration::from_secs(10)))
                .await
                .unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn dynamo_db_conforms() {
    let table = create_table();
    block_on(async {
        assert_conforms(&open_dynamo(&table.section("a prefix/")).await).await;
        assert_conforms(&open_dynamo(&table.section("a prefix")).await).await;
        assert_conforms(&open_dynamo(&table.section("")).await).await;
    });
}

#[test]
fn memory_conforms() {
    block_on(assert_conforms(&Memory::default()));
}

#[test]
fn etcd_conforms() {
    let etcd = Etcd::start();
    block_on(async { assert_conforms(&open_etcd(&etcd.section())).await });
}

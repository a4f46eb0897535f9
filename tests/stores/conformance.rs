//! The conformance suite over the store in memory and over each real store.

use std::time::Duration;

use restatectl::backends::memory::Memory;

use crate::support::block_on;
use crate::support::conformance::assert_conforms;
use crate::support::dynamo::create_table;
use crate::support::etcd::Etcd;
use crate::support::open_store::{open_dynamo, open_etcd, open_s3};
use crate::support::s3::{moto, seaweed};

const REQUEST: Duration = Duration::from_secs(10);

#[test]
fn seaweedfs_conforms() {
    let bucket = seaweed().bucket();
    block_on(async {
        assert_conforms(&open_s3(&bucket.section("some/prefix"), REQUEST).await).await
    });
}

#[test]
fn moto_conforms() {
    let bucket = moto().bucket();
    block_on(async { assert_conforms(&open_s3(&bucket.section(""), REQUEST).await).await });
}

#[test]
fn dynamo_db_conforms() {
    let table = create_table();
    block_on(async {
        assert_conforms(&open_dynamo(&table.section("a prefix/"), REQUEST).await).await;
        assert_conforms(&open_dynamo(&table.section("a prefix"), REQUEST).await).await;
        assert_conforms(&open_dynamo(&table.section(""), REQUEST).await).await;
    });
}

#[test]
fn memory_conforms() {
    block_on(assert_conforms(&Memory::default()));
}

#[test]
fn etcd_conforms() {
    let etcd = Etcd::start();
    block_on(async { assert_conforms(&open_etcd(&etcd.section(), REQUEST)).await });
}

//! The round trips that follow one another in a migration over a long distance: counted, not timed.

use std::time::Duration;

use tempfile::TempDir;

use crate::support::delay_proxy::DelayProxy;
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::restate::Cluster;
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

/// Long beside the time that a server takes for its response.
const ROUND_TRIP: Duration = Duration::from_millis(300);

/// Each bound is the most that was measured (10, 13 and 13), and some more: which of many requests meet is not always the
/// same.
const MAX_OF_SOURCE: usize = 14;
const MAX_TO_ETCD: usize = 17;
const MAX_TO_S3: usize = 18;
const MAX_OF_UNDO: usize = 30;

#[test]
fn round_trips_in_a_row_stay_few() {
    let folder = TempDir::new().unwrap();
    let cluster = Cluster::large_with_roles(&["metadata-server", "admin"], 512);
    let near = cluster.address();
    let source = DelayProxy::start(near.trim_start_matches("http://"), ROUND_TRIP);
    let far = format!("http://{}", source.address());
    let etcd = Etcd::start();
    migrate(&far, &etcd.toml());
    let of_source = source.take_round_trips();

    let to_etcd = DelayProxy::start(&etcd.address(), ROUND_TRIP);
    etcd.clear();
    migrate(&near, &write_file(&folder, "etcd.toml", &etcd_section(&[to_etcd.address()])));
    let of_etcd = to_etcd.take_round_trips();

    let bucket = seaweed().bucket();
    let to_s3 = DelayProxy::start(bucket.s3.endpoint.trim_start_matches("http://"), ROUND_TRIP);
    let section = bucket.section_at(&format!("http://{}", to_s3.address()), "far");
    let (toml, report) = (write_file(&folder, "s3.toml", &section), folder.path().join("run.json"));
    let report = ["--report", report.to_str().unwrap()];
    migrate_with(&near, &toml, &report);
    let of_s3 = to_s3.take_round_trips();
    restatectl(&[&["metadata", "undo", "--toml", &toml, "-y"][..], &report].concat()).expect(0);
    let of_undo = to_s3.take_round_trips();

    println!(
        "round trips in a row: source {of_source}, etcd {of_etcd}, S3 {of_s3}, undo on S3 {of_undo}"
    );
    assert!(of_undo <= MAX_OF_UNDO, "{of_undo}");
    assert!(of_source <= MAX_OF_SOURCE, "{of_source}");
    assert!(of_etcd <= MAX_TO_ETCD, "{of_etcd}");
    assert!(of_s3 <= MAX_TO_S3, "{of_s3}");
}

fn migrate(source: &str, toml: &str) {
    migrate_with(source, toml, &[]);
}

fn migrate_with(source: &str, toml: &str, more: &[&str]) {
    let args = ["--single-address", source, "metadata", "migrate", "--toml", toml];
    restatectl(&[&args[..], more].concat()).expect(0);
}

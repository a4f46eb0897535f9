//! Migrations with more partitions, and with one large value.

use serde_json::json;

use crate::bed::{Bed, Store, Tool};
use crate::measure::{Cost, print_header, print_row};
use crate::support::restate::put_value;
use crate::way_back::{MAX_PARTITIONS_DYNAMO_DB, choose_store, measure_way_back};

const SIZES: [usize; 6] = [64, 512, 2_048, MAX_PARTITIONS_DYNAMO_DB, 8_192, 65_535];
/// The largest cluster whose partition table fits an etcd with its default limit.
const MAX_PARTITIONS_ETCD: usize = 8_192;
/// The largest cluster for which the official tool does not take minutes.
const MAX_PARTITIONS_OFFICIAL: usize = 2_048;

/// One measured migration.
pub struct Point {
    pub tool: Tool,
    pub store: Store,
    pub partitions: usize,
    pub cost: Cost,
}

pub fn run() -> Vec<Point> {
    println!("\n== growth ==");
    print_header();
    let mut points = Vec::new();
    for partitions in SIZES {
        let bed = Bed::new(partitions);
        for (store, tool) in Store::BOTH.into_iter().flat_map(|s| Tool::BOTH.map(|t| (s, t))) {
            let too_many = (store == Store::Etcd && partitions > MAX_PARTITIONS_ETCD)
                || (tool == Tool::Official && partitions > MAX_PARTITIONS_OFFICIAL);
            if !too_many {
                let cost = bed.migrate(tool, &bed.write_empty_target(store));
                print_row(
                    &format!("{partitions} partitions, {} to {}", tool.name(), store.name()),
                    &[cost],
                );
                points.push(Point { tool, store, partitions, cost });
            }
        }
        measure_way_back(&bed, choose_store(partitions), partitions);
    }
    for point in points.iter().filter(|point| point.tool == Tool::Ours) {
        let keys = (point.partitions + 3) as f64;
        println!(
            "ours to {}, {} partitions: {:.2} ms a key",
            point.store.name(),
            point.partitions,
            1e3 * point.cost.wall / keys
        );
    }
    measure_large_value();
    points
}

/// Migrates a schema registry of many services with long descriptions.
fn measure_large_value() {
    let bed = Bed::new(16);
    let service = |n| {
        json!({"name": format!("service-{n}"), "ty": "Service", "public": true, "revision": 1,
            "handlers": [], "documentation": "What it does. ".repeat(60)})
    };
    let services: Vec<_> = (0..32_000).map(service).collect();
    let deployment = json!({"id": "dp_17sztQp4gnEC1L0OCFM9aEh", "created_at": 1_763_990_000_000_u64,
        "ty": {"Http": {"address": "http://127.0.0.1:9180/", "protocol_type": "BidiStream"}},
        "delivery_options": {"additional_headers": {}},
        "supported_protocol_versions": {"start": 1, "end": 6}, "services": services});
    let document = json!({"version": 1, "deployments_v2": [deployment], "subscriptions": []});
    let buffer = flexbuffers::to_vec(document).unwrap();
    let length = u32::try_from(buffer.len()).unwrap();
    let bytes = [&[2], &length.to_le_bytes()[..], &buffer].concat();
    put_value(&bed.cluster.address(), "schema_registry", 1, &bytes);
    let cost = bed.migrate(Tool::Ours, &bed.write_empty_target(Store::S3));
    let size = bytes.len() as f64 / f64::from(1 << 20);
    print_row(&format!("one value of {size:.1} MiB, ours to S3"), &[cost]);
    println!("one value of {size:.1} MiB: peak memory is {:.1} times that", cost.memory / size);
}

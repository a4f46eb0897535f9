//! The way back: what a cluster has in a store becomes a backup file, and that the cluster's replicated store.

use crate::bed::{Bed, Store, Tool, run};
use crate::measure::print_row;

/// A large cluster whose partition table still fits an item of DynamoDB, which has at most 400 kB.
pub const MAX_PARTITIONS_DYNAMO_DB: usize = 3_500;

/// Returns the store that a cluster of this size is moved back from.
pub fn choose_store(partitions: usize) -> Store {
    match partitions <= MAX_PARTITIONS_DYNAMO_DB {
        true => Store::DynamoDb,
        false => Store::S3,
    }
}

/// Moves a newer state of the cluster to this store, and back over a backup file.
///
/// The epochs in the cluster are made older in between, so that each of them is written.
pub fn measure_way_back(bed: &Bed, store: Store, partitions: usize) {
    let (name, toml) = (store.name(), bed.write_empty_target(store));
    let backup = bed.folder.path().join("way-back.jsonl");
    std::fs::remove_file(&backup).ok();
    let backup = backup.to_str().unwrap();
    bed.cluster.put_epochs(2);
    let there = bed.migrate(Tool::Ours, &toml);
    bed.cluster.put_epochs(1);
    let saved = run(Tool::Ours, &[], &["backup", "--from", &toml, "--to", backup]);
    let replicated = bed.cluster.replicated_toml("replicated.toml", &[bed.cluster.address()]);
    let arguments = ["migrate", "--force", "-y", "--from", backup, "--toml", &replicated];
    let back = run(Tool::Ours, &[], &arguments);
    for (step, cost) in [
        (format!("ours to {name}"), there),
        (format!("{name} to a backup"), saved),
        ("the backup to the cluster".to_owned(), back),
    ] {
        print_row(&format!("{partitions} partitions, {step}"), &[cost]);
        println!("    {:.2} ms a key", 1e3 * cost.wall / (partitions + 3) as f64);
    }
}

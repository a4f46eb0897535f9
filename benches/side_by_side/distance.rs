//! Migrations with a longer round trip to the target and to the source.

use std::time::Duration;

use crate::bed::{Bed, Store, Tool};
use crate::measure::{Cost, head, row, wall};
use crate::support::delay::DelayProxy;

const PARTITIONS: usize = 512;
const ROUND_TRIP: Duration = Duration::from_millis(30);
const RUNS: usize = 3;

pub fn run() {
    let bed = Bed::new(PARTITIONS);
    println!("\n== {PARTITIONS} partitions, {ROUND_TRIP:?} of round trip added ==");
    let endpoint = bed.bucket.s3.endpoint.trim_start_matches("http://").to_owned();
    let etcd = DelayProxy::start(&bed.etcd.address(), ROUND_TRIP);
    let s3 = DelayProxy::start(&endpoint, ROUND_TRIP);
    let source = DelayProxy::start(bed.cluster.address().trim_start_matches("http://"), ROUND_TRIP);
    let source = format!("http://{}", source.address());
    let far = |store| bed.empty_at(store, &etcd.address(), &format!("http://{}", s3.address()));
    head();
    for store in Store::BOTH {
        let name = store.name();
        let official = [bed.migrate(Tool::Official, &far(store))];
        let near = ours(|| bed.migrate(Tool::Ours, &bed.empty(store)));
        let to_far = ours(|| bed.migrate(Tool::Ours, &far(store)));
        let single = ["--single-address", source.as_str()];
        let from_far = ours(|| bed.migrate_from(Tool::Ours, &single, &bed.empty(store)));
        row(&format!("official, {name} far"), &official);
        row(&format!("ours, {name} near"), &near);
        row(&format!("ours, {name} far"), &to_far);
        row(&format!("ours, source far, {name} near"), &from_far);
        let in_a_row = |far: &[Cost]| (wall(far) - wall(&near)) / ROUND_TRIP.as_secs_f64();
        println!(
            "{name} far: ours is {:.1} times as fast; it waits for {:.0} round trips in a row, with \
             the source far for {:.0}",
            wall(&official) / wall(&to_far),
            in_a_row(&to_far),
            in_a_row(&from_far)
        );
    }
}

fn ours(run: impl Fn() -> Cost) -> Vec<Cost> {
    (0..RUNS).map(|_| run()).collect()
}

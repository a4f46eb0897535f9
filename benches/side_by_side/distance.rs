//! Migrations with a longer round trip to the target and to the source.

use std::time::Duration;

use crate::bed::{Bed, Store, Tool};
use crate::measure::{Cost, median_wall, print_header, print_row};
use crate::support::delay_proxy::DelayProxy;

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
    let far = |store| {
        bed.write_empty_target_at(store, &etcd.address(), &format!("http://{}", s3.address()))
    };
    print_header();
    for store in Store::BOTH {
        let name = store.name();
        let official = [bed.migrate(Tool::Official, &far(store))];
        let near = measure_ours(|| bed.migrate(Tool::Ours, &bed.write_empty_target(store)));
        let to_far = measure_ours(|| bed.migrate(Tool::Ours, &far(store)));
        let single = ["--single-address", source.as_str()];
        let from_far =
            measure_ours(|| bed.migrate_from(Tool::Ours, &single, &bed.write_empty_target(store)));
        print_row(&format!("official, {name} far"), &official);
        print_row(&format!("ours, {name} near"), &near);
        print_row(&format!("ours, {name} far"), &to_far);
        print_row(&format!("ours, source far, {name} near"), &from_far);
        let in_a_row =
            |far: &[Cost]| (median_wall(far) - median_wall(&near)) / ROUND_TRIP.as_secs_f64();
        println!(
            "{name} far: ours is {:.1} times as fast; it waits for {:.0} round trips in a row, with \
             the source far for {:.0}",
            median_wall(&official) / median_wall(&to_far),
            in_a_row(&to_far),
            in_a_row(&from_far)
        );
    }
}

fn measure_ours(run: impl Fn() -> Cost) -> Vec<Cost> {
    (0..RUNS).map(|_| run()).collect()
}

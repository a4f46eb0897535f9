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
    let source_address = format!("http://{}", source.address());
    let far = |store| {
        bed.write_empty_target_at(store, &etcd.address(), &format!("http://{}", s3.address()))
    };
    print_header();
    for store in Store::BOTH {
        let name = store.name();
        let official = [bed.migrate(Tool::Official, &far(store))];
        let near = measure_ours(|| bed.migrate(Tool::Ours, &bed.write_empty_target(store)));
        let target = if store == Store::Etcd { &etcd } else { &s3 };
        let count =
            |proxy: &DelayProxy, counts: &mut Vec<usize>| counts.push(proxy.take_round_trips());
        let (mut of_target, mut of_source) = (Vec::new(), Vec::new());
        target.take_round_trips();
        let to_far = measure_ours(|| {
            let cost = bed.migrate(Tool::Ours, &far(store));
            count(target, &mut of_target);
            cost
        });
        let single = ["--single-address", source_address.as_str()];
        let from_far = measure_ours(|| {
            let cost = bed.migrate_from(Tool::Ours, &single, &bed.write_empty_target(store));
            count(&source, &mut of_source);
            cost
        });
        print_row(&format!("official, {name} far"), &official);
        print_row(&format!("ours, {name} near"), &near);
        print_row(&format!("ours, {name} far"), &to_far);
        print_row(&format!("ours, source far, {name} near"), &from_far);
        let in_a_row =
            |far: &[Cost]| (median_wall(far) - median_wall(&near)) / ROUND_TRIP.as_secs_f64();
        println!(
            "{name} far: ours is {:.1} times as fast; it waits for {:.0} round trips in a row, with \
             the source far for {:.0} (by the time)",
            median_wall(&official) / median_wall(&to_far),
            in_a_row(&to_far),
            in_a_row(&from_far)
        );
        println!(
            "{name} far: {} round trips in a row, with the source far {} (counted)",
            median_count(of_target),
            median_count(of_source)
        );
    }
}

fn measure_ours(mut run: impl FnMut() -> Cost) -> Vec<Cost> {
    (0..RUNS).map(|_| run()).collect()
}

fn median_count(mut counts: Vec<usize>) -> usize {
    counts.sort_unstable();
    counts[counts.len() / 2]
}

//! Both tools and both targets on this machine in turn, with the floor in the same rounds.

use crate::bed::{Bed, Store, Tool};
use crate::floor::{self, Floor};
use crate::measure::{Cost, median, median_wall, print_header, print_row, try_measure};

const ROUNDS: usize = 5;
/// Several, because a run of ours is short.
const OURS_PER_ROUND: usize = 3;

/// The measurements of one target.
struct Series {
    store: Store,
    official: Vec<Cost>,
    ours: Vec<Cost>,
    floors: Vec<Floor>,
}

impl Series {
    fn new(store: Store) -> Series {
        Series { store, official: Vec::new(), ours: Vec::new(), floors: Vec::new() }
    }
}

pub fn run(bed: &Bed, partitions: usize) {
    println!(
        "\n== {partitions} partitions, everything on this machine, {ROUNDS} rounds in turn =="
    );
    let mut all = Store::BOTH.map(Series::new);
    for _ in 0..ROUNDS {
        for series in &mut all {
            let store = series.store;
            series.official.push(bed.migrate(Tool::Official, &bed.write_empty_target(store)));
            for _ in 0..OURS_PER_ROUND {
                series.ours.push(bed.migrate(Tool::Ours, &bed.write_empty_target(store)));
                series.floors.push(floor::measure_floor(bed, store, partitions));
            }
        }
    }
    print_header();
    for series in &all {
        print_row(&format!("official to {}", series.store.name()), &series.official);
        print_row(&format!("ours to {}", series.store.name()), &series.ours);
    }
    for series in &all {
        print_floor(series);
    }
    run_official_with_default_timeout(bed);
}

fn print_floor(series: &Series) {
    let part = |of: fn(&Floor) -> f64| median(series.floors.iter().map(of));
    let source = part(|f| f.source.wall);
    let (writes, back) = (part(|f| f.writes.wall), part(|f| f.reads.wall));
    let sum = 2.0 * source + writes + back;
    let (name, ours) = (series.store.name(), median_wall(&series.ours));
    let official = median_wall(&series.official);
    println!(
        "{name}: ours is {:.1} times as fast (medians); at the floor it would be {:.1} times",
        official / ours,
        official / sum
    );
    println!(
        "{name}: floor, bare requests: source twice {source:.3} s, writes {writes:.3} s, reads \
         back {back:.3} s, sum {sum:.3} s; ours is {:.2} times that",
        ours / sum
    );
    let cpu = part(|f| 2.0 * f.source.cpu + f.writes.cpu + f.reads.cpu);
    let of_store = part(|f| f.writes.cpu + f.reads.cpu);
    println!(
        "{name}: the floor's own CPU {cpu:.3} s, {of_store:.3} s of it with the target's client; \
         ours is {:.2} times that",
        median(series.ours.iter().map(|cost| cost.cpu)) / cpu
    );
}

/// Runs the official tool with its default time-out, which is too short.
fn run_official_with_default_timeout(bed: &Bed) {
    let toml = bed.write_empty_target(Store::Etcd);
    let (program, address) = (Tool::Official.path(), bed.cluster.address());
    let (code, cost) =
        try_measure(&[&program, "-s", &address, "metadata", "migrate", "--toml", &toml]);
    let keys = bed.etcd.content().len() / 2;
    println!(
        "the official tool at its default time-out: exit {code} after {:.1} s, {keys} keys in etcd",
        cost.wall
    );
}

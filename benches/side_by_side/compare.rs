//! Two builds of this program in turn on the same servers, so that a change is measured as a ratio.

use std::path::Path;

use crate::bed::{Bed, Store, Tool};
use crate::floor;
use crate::measure::{Cost, measure, median, median_wall, print_header, print_row};

const ROUNDS: usize = 15;

/// Compares the program with the build that the environment variable `OTHER_PROGRAM` names.
pub fn run(bed: &Bed, partitions: usize) {
    let other = std::env::var("OTHER_PROGRAM").unwrap_or_default();
    assert!(Path::new(&other).is_file(), "OTHER_PROGRAM={other:?} is no program");
    println!("\n== {partitions} partitions, this build and {other}, {ROUNDS} rounds in turn ==");
    print_header();
    for store in Store::BOTH {
        let (mut this, mut others, mut floors) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            this.push(migrate(bed, &Tool::Ours.path(), store));
            others.push(migrate(bed, &other, store));
            let floor = floor::measure_floor(bed, store, partitions);
            floors.push(2.0 * floor.source.wall + floor.writes.wall + floor.reads.wall);
        }
        print_row(&format!("this build to {}", store.name()), &this);
        print_row(&format!("the other to {}", store.name()), &others);
        let (ours, theirs, floor) = (median_wall(&this), median_wall(&others), median(floors));
        println!(
            "{}: this build takes {:.3} times as long as the other, {:.2} and {:.2} times the floor of {floor:.3} s",
            store.name(),
            ours / theirs,
            ours / floor,
            theirs / floor
        );
    }
}

fn migrate(bed: &Bed, program: &str, store: Store) -> Cost {
    let (toml, source) = (bed.write_empty_target(store), bed.cluster.address());
    measure(&[program, "-s", &source, "metadata", "migrate", "--toml", &toml])
}

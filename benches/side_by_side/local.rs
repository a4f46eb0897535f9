//! Both tools and both targets on this machine in turn, with the floor in the same rounds.

use crate::bed::{Bed, Store, Tool};
use crate::floor::{self, Floor};
use crate::measure::{Cost, head, median, row, try_measure, wall};

const ROUNDS: usize = 3;
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
            series.official.push(bed.migrate(Tool::Official, &bed.empty(store)));
            for _ in 0..OURS_PER_ROUND {
                series.ours.push(bed.migrate(Tool::Ours, &bed.empty(store)));
                series.floors.push(floor::measure(bed, store, partitions));
            }
        }
    }
    head();
    for series in &all {
        row(&format!("official to {}", series.store.name()), &series.official);
        row(&format!("ours to {}", series.store.name()), &series.ours);
    }
    for series in &all {
        let ratio = wall(&series.official) / wall(&series.ours);
        println!("{}: ours is {ratio:.1} times as fast (medians)", series.store.name());
        tell_floor(series.store, wall(&series.ours), &series.floors);
    }
    official_gives_up(bed);
}

fn tell_floor(store: Store, ours: f64, floors: &[Floor]) {
    let part = |of: fn(&Floor) -> f64| median(floors.iter().map(of));
    let (source, writes, back) = (part(|f| f.source), part(|f| f.writes), part(|f| f.reads));
    let sum = 2.0 * source + writes + back;
    println!(
        "{}: floor, bare requests: source twice {source:.3} s, writes {writes:.3} s, reads back \
         {back:.3} s, sum {sum:.3} s; ours is {:.2} times that",
        store.name(),
        ours / sum
    );
}

/// Runs the official tool with its default time-out, which is too short.
fn official_gives_up(bed: &Bed) {
    let toml = bed.empty(Store::Etcd);
    let (program, address) = (Tool::Official.path(), bed.cluster.address());
    let (code, cost) =
        try_measure(&[&program, "-s", &address, "metadata", "migrate", "--toml", &toml]);
    let keys = bed.etcd.content().len() / 2;
    println!(
        "the official tool at its default time-out: exit {code} after {:.1} s, {keys} keys in etcd",
        cost.wall
    );
}

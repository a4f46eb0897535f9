//! The official tool and ours as whole processes on the same servers in one run, and the floor that the
//! servers set for the same requests. `make bench` runs every part; the numbers hold for this machine.
//! Arguments select parts: local, distance, growth, small, window. The part `compare` runs only if it is named.
#![allow(unreachable_pub, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss)]

#[path = "../../tests/support/mod.rs"]
mod support;

mod bed;
mod chart;
mod compare;
mod distance;
mod floor;
mod growth;
mod local;
mod measure;
mod small;
mod way_back;
mod window;

use bed::Bed;

const PARTITIONS: usize = 2_048;

fn main() {
    let named: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    if named.iter().any(|name| name == "compare") {
        compare::run(&Bed::new(PARTITIONS), PARTITIONS);
    }
    if wanted("local") || wanted("small") {
        let bed = Bed::new(PARTITIONS);
        if wanted("local") {
            local::run(&bed, PARTITIONS);
        }
        if wanted("small") {
            small::run(&bed);
        }
    }
    if wanted("distance") {
        distance::run();
    }
    if wanted("window") {
        window::run();
    }
    if wanted("growth") {
        let points = growth::run();
        let path = support::project().join("docs/performance.svg");
        chart::draw_chart(&points, &path).unwrap();
        println!("drawn: {}", path.display());
    }
}

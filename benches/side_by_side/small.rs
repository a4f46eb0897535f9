//! Commands that have to be instant.

use crate::bed::{Bed, Tool};
use crate::measure::{Cost, measure, median_wall, print_header, print_row};

const RUNS: usize = 21;

pub fn run(bed: &Bed) {
    println!("\n== small things, {RUNS} runs each ==");
    print_header();
    let address = bed.cluster.address();
    let mut costs: [(Tool, Vec<Cost>); 2] = Tool::BOTH.map(|tool| (tool, Vec::new()));
    for _ in 0..RUNS {
        for (tool, costs) in &mut costs {
            let program = tool.path();
            costs.push(measure(&[
                &program,
                "-s",
                &address,
                "metadata",
                "get",
                "-k",
                "nodes_config",
            ]));
        }
    }
    for (tool, costs) in &costs {
        print_row(&format!("{}, get of one key", tool.name()), costs);
    }
    println!(
        "get: ours is {:.1} times as fast",
        median_wall(&costs[0].1) / median_wall(&costs[1].1)
    );
    let program = Tool::Ours.path();
    let help: Vec<_> = (0..RUNS).map(|_| measure(&[&program, "--help"])).collect();
    print_row("ours, --help", &help);
    let bytes = std::fs::metadata(program).unwrap().len();
    println!("the program has {:.1} MiB", bytes as f64 / f64::from(1 << 20));
}

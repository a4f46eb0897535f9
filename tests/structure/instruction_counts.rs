//! The instructions that the program executes for each key. Unlike times, they do not depend on the
//! load of the machine, so a regression shows.

use std::process::Command;

use crate::support::project;
use crate::support::tool::{command, run};

/// The limit: twice the 0.19 million instructions measured per key in a debug build.
const MOST_PER_KEY: u64 = 380_000;

#[test]
fn instructions_per_key_stay_low_and_do_not_grow_with_the_keys() {
    // Built already, unless a test was named.
    let build = ["build", "--locked", "--quiet", "--example", "pipeline_stages"];
    let built = Command::new(env!("CARGO")).args(build).current_dir(project()).status().unwrap();
    assert!(built.success());
    let (few, many) = (instructions(256), instructions(2_048));
    println!("{few} instructions for 256 keys, {many} for 2,048: {} a key", many / 2_048);
    assert!(many / 2_048 < MOST_PER_KEY, "{many}");
    // Eight times the keys: what grows faster than they do is seen here.
    assert!(many < 10 * few, "{few}, {many}");
}

fn instructions(keys: usize) -> u64 {
    let stages = project().join("target/debug/examples/pipeline_stages");
    let count = keys.to_string();
    let args = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let args = [&args[..], &[stages.to_str().unwrap(), &count]].concat();
    let ended = run(command("valgrind".as_ref(), &args), "").expect(0);
    let line = ended.err.lines().find(|line| line.contains("Collected :")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

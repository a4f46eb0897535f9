//! The cost of a process, and the rows of a table of costs.

use std::time::Duration;

use crate::support::python_program;
use crate::support::tool::{command, run_within};

/// The wall and CPU seconds and the peak memory in MiB of one process.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: f64,
    pub cpu: f64,
    pub memory: f64,
}

const MEASURE: &str = "
import json, resource, subprocess, sys, time
start = time.monotonic()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([ended.returncode, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.stderr.buffer.write(ended.stderr[-2000:])
";

/// Runs a program to its end and returns its exit code and cost.
pub fn try_measure(args: &[&str]) -> (i64, Cost) {
    let measured = command(&python_program("python"), &[&["-c", MEASURE], args].concat());
    let ended = run_within(Duration::from_secs(1_800), measured, "");
    let numbers = ended.json();
    let number = |index: usize| numbers[index].as_f64().unwrap();
    let cost = Cost { wall: number(1), cpu: number(2), memory: number(3) };
    (numbers[0].as_i64().unwrap(), cost)
}

/// Runs a program that has to succeed and returns its cost.
pub fn measure(args: &[&str]) -> Cost {
    let (code, cost) = try_measure(args);
    assert_eq!(code, 0, "{args:?}");
    cost
}

/// Returns the median.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let numbers = sorted(numbers);
    numbers[numbers.len() / 2]
}

fn sorted(numbers: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

pub fn median_wall(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.wall))
}

pub fn print_header() {
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "", "min s", "median s", "max s", "CPU s", "peak MiB"
    );
}

pub fn print_row(name: &str, costs: &[Cost]) {
    let walls = sorted(costs.iter().map(|cost| cost.wall));
    let cpu = median(costs.iter().map(|cost| cost.cpu));
    let memory = median(costs.iter().map(|cost| cost.memory));
    let (least, most) = (walls[0], walls[walls.len() - 1]);
    let middle = walls[walls.len() / 2];
    println!("{name:<34} {least:>8.3} {middle:>8.3} {most:>8.3} {cpu:>8.3} {memory:>10.1}");
}

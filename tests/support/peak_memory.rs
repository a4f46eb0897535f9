//! A run whose memory is watched.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::tool::{Run, wait_for_exit_within};

/// A run with its time and the most memory that it had, sampled while it ran.
pub struct MeasuredRun {
    pub run: Run,
    pub peak_mib: u64,
    pub took: Duration,
}

const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Runs the command to its end.
pub fn run_measured(mut command: Command) -> MeasuredRun {
    let began = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    // The number only rises; it is gone with the process.
    let sampler = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(kib) = read_peak(&status) {
            peak = kib;
            std::thread::sleep(Duration::from_millis(2));
        }
        peak
    });
    let run = wait_for_exit_within(TIME_LIMIT, child);
    MeasuredRun { run, took: began.elapsed(), peak_mib: sampler.join().unwrap() >> 10 }
}

fn read_peak(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

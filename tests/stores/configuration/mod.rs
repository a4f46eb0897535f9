//! Our reading of a `[metadata-client]` section beside the real server's, over a table of sections.
//!
//! None may be accepted here that the server does not take as written: it falls back to the replicated
//! store then, or does not start. What it takes is refused here only where it ends at its start; the
//! table lists each such section with the reason, and the server is started on it.

mod aws;
mod durations;
mod etcd;
mod general;
mod oracle;
mod reading;
mod retries;
mod section;

use std::sync::atomic::{AtomicUsize, Ordering};

use oracle::Oracle;
use section::{Group, Section};

const TABLES: [&[Group]; 5] =
    [durations::GROUPS, retries::GROUPS, general::GROUPS, etcd::GROUPS, aws::GROUPS];

/// Runs `judge` on every section, on a thread per processor, and returns what it finds wrong.
fn find_differences(
    sections: &[Section],
    judge: impl Fn(&Oracle, &Section) -> Option<String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let oracle = Oracle::new();
        let mine = std::iter::from_fn(|| sections.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.filter_map(|section| judge(&oracle, section)).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

fn all_sections() -> Vec<Section> {
    TABLES.iter().flat_map(|groups| groups.iter()).flat_map(Group::sections).collect()
}

#[test]
fn sections_are_read_as_the_server_reads_them() {
    let sections = all_sections();
    assert!(sections.len() >= 150);
    let differences = find_differences(&sections, |oracle, section| {
        let server = oracle.dump(&section.body);
        let taken = server.and_then(|dumped| reading::compare_written(&section.body, &dumped));
        let ours = restatectl::config::parse(&oracle::document(&section.body), "f");
        let wrong = match (taken, ours, section.fatal) {
            (Err(_), Err(_), None) => return None,
            (Ok(dumped), Ok(ours), None) => reading::compare_values(&ours.store, &dumped).err()?,
            (Ok(_), Err(_), Some(_)) => return None,
            (Err(server), Err(_), Some(_)) => format!("listed as fatal, but not taken: {server}"),
            (Ok(_), Ok(_), Some(_)) => "accepted, though a server ends on it".to_owned(),
            (Err(server), Ok(_), _) => format!("ACCEPTED, but not by the server: {server}"),
            (Ok(_), Err(ours), None) => format!("refused, though the server takes it: {ours}"),
        };
        Some(format!("{}\n    {}", section.body.replace('\n', " | "), wrong.trim()))
    });
    let (found, all) = (differences.len(), sections.len());
    assert!(differences.is_empty(), "{found} of {all} differ:\n{}", differences.join("\n"));
}

#[test]
fn sections_that_are_listed_as_fatal_end_the_server_at_its_start() {
    let mut sections = all_sections();
    sections.retain(|section| section.fatal.is_some());
    let differences = find_differences(&sections, |oracle, section| {
        let fatal = section.fatal?;
        let log = oracle.start_until(&section.body, fatal.words);
        (!log.contains(fatal.words)).then(|| {
            let words = format!("{}: not {:?} in", fatal.reason, fatal.words);
            format!("{}\n    {words}:\n{log}", section.body.replace('\n', " | "))
        })
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn retry_policies_that_panic_a_server_are_warned_of() {
    let sections: Vec<_> = retries::AT_A_DEAD_STORE.sections().collect();
    let differences = find_differences(&sections, |oracle, section| {
        let ours = restatectl::config::parse(&oracle::document(&section.body), "f").unwrap();
        let warned = ours.warnings.iter().any(|warning| warning.contains("servers panic"));
        let log = oracle.start_until(&section.body, if warned { "backoff.rs" } else { "" });
        let panics = log.contains("backoff.rs");
        (warned != panics).then(|| format!("{}: warned {warned}:\n{log}", section.body))
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

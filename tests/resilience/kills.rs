//! SIGKILL at random moments of a run, and of the run that resumes it: no key in the target is partial, the report
//! accounts for every key, and `--resume` finishes.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::route::{Addresses, Digests, Route, StoreKind};
use crate::support::tool::{command, program, restatectl};
use crate::support::{schema, seed_random, slice_count};

/// The time in which a store finishes what a killed run has sent.
const LAST_REQUEST: Duration = Duration::from_millis(200);

/// The kills of first or of resumed runs, by how far the writes had come.
#[derive(Default)]
struct Tally {
    before: usize,
    amid: usize,
    after: usize,
    /// The runs that ended before they were killed.
    ended: usize,
}

impl Tally {
    fn count(&self) -> usize {
        self.before + self.amid + self.after
    }

    fn print(&self, store: &str, runs: &str) {
        println!(
            "sum: kills, {store}, {runs}: {} kills, {} before the writes, {} amid them, {} after them, \
             {} ended before the kill",
            self.count(),
            self.before,
            self.amid,
            self.after,
            self.ended
        );
    }
}

/// Runs that are killed, to one target.
struct Killer {
    route: Route,
    at: Addresses,
    /// More arguments of each run.
    options: &'static [&'static str],
    /// The time of a run that is not killed.
    whole_run: Duration,
    /// The keys that a run writes.
    keys: usize,
    first: Tally,
    resumed: Tally,
}

impl Killer {
    fn new(mut route: Route, at: Addresses, options: &'static [&'static str]) -> Killer {
        let started = Instant::now();
        restatectl(&add_options(route.migrate_args(&at), options)).expect(0);
        let whole_run = started.elapsed();
        let keys = route.written_keys(&route.read_target()).len();
        route.renew();
        Killer {
            route,
            at,
            options,
            whole_run,
            keys,
            first: Tally::default(),
            resumed: Tally::default(),
        }
    }

    /// Returns the arguments of a run to the present target.
    fn args(&self) -> Vec<String> {
        add_options(self.route.migrate_args(&self.at), self.options)
    }

    fn count(&self) -> usize {
        self.first.count() + self.resumed.count()
    }

    /// Kills a run, then as often as chance has it the run that resumes it, and lets one finish.
    fn kill_and_resume(&mut self, limit: usize) {
        let folder = TempDir::new().unwrap();
        let report = folder.path().join("report.json");
        self.route.renew();
        self.kill_one(false, &report);
        while self.count() < limit && fastrand::bool() {
            self.kill_one(true, &report);
        }
        let resume = add_options(self.args(), &["--resume"]);
        let run = restatectl(&resume).expect(0);
        let found = self.route.read_target();
        assert!(self.route.is_finished(&found), "{}\n{}\n{found:?}", run.out, run.err);
    }

    fn kill_one(&mut self, is_resumed: bool, report: &Path) {
        let mut args = self.args();
        args.extend(["--report", report.to_str().unwrap()].map(ToOwned::to_owned));
        args.extend(is_resumed.then(|| "--resume".to_owned()));
        let moment = self.whole_run.mul_f64(fastrand::f64());
        let mut child = command(&program(), &args);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        let ended = child.try_wait().unwrap();
        let _ = child.kill();
        child.wait().unwrap();
        std::thread::sleep(LAST_REQUEST);
        let found = self.route.read_target();
        let written = self.route.written_keys(&found).len();
        check_report(report, &self.route, &found);
        let tally = if is_resumed { &mut self.resumed } else { &mut self.first };
        match (ended, written) {
            (Some(status), _) => {
                assert!(status.success(), "{status}");
                tally.ended += 1;
            }
            (None, 0) => tally.before += 1,
            (None, count) if count < self.keys => tally.amid += 1,
            (None, _) => tally.after += 1,
        }
    }
}

/// Checks that killed runs have left a whole report that accounts for every key that they wrote, unless they were
/// killed before it could.
fn check_report(report: &Path, route: &Route, found: &Digests) {
    let written = route.written_keys(found);
    let Ok(document) = fs::read(report) else {
        assert!(written.is_empty(), "keys were written before the report");
        return;
    };
    let document: Json = serde_json::from_slice(&document).unwrap();
    schema::check(&document);
    let is_expected =
        document["error"]["code"] == "interrupted" || document["outcome"] == "migrated";
    assert!(is_expected, "{}", document["error"]);
    let rows = document["keys"].as_array().cloned().unwrap_or_default();
    let has_state = |key: &str, wanted: &dyn Fn(&str) -> bool| {
        let mut rows = rows.iter().filter(|row| row["key"] == *key);
        rows.any(|row| wanted(row["write_state"].as_str().unwrap()))
    };
    for key in &written {
        assert!(has_state(key, &|state| state != "not_written"), "{key}: {document:#}");
    }
    for row in rows.iter().filter(|row| row["write_state"] == "written") {
        assert!(route.is_written(found, row["key"].as_str().unwrap()), "{row}");
    }
}

/// Delays what is sent to the target, and lets one request at a time be sent: otherwise the writes would take some milliseconds,
/// and no kill would hit them.
fn kill_slow_runs(store: &str, route: Route) {
    let to = route.addresses();
    let proxy = FaultyProxy::start(&to.target, NetworkFault::Delay, Direction::ToServer, 0);
    let at = Addresses { target: proxy.address(), ..to };
    kill_runs(store, route, at, &["--concurrency", "1"]);
}

fn add_options(args: Vec<String>, options: &[&str]) -> Vec<String> {
    args.into_iter().chain(options.iter().map(ToString::to_string)).collect()
}

/// Kills runs until as many were killed as wanted.
fn kill_runs(store: &str, route: Route, at: Addresses, options: &'static [&'static str]) {
    seed_random("kills");
    let limit = slice_count(6, 250);
    let mut killer = Killer::new(route, at, options);
    while killer.count() < limit {
        killer.kill_and_resume(limit);
    }
    killer.route.assert_source_unchanged();
    println!("{store}: a run of {:.1?} and {} keys", killer.whole_run, killer.keys);
    killer.first.print(store, "first runs");
    killer.resumed.print(store, "resumed runs");
}

#[test]
fn killed_runs_to_etcd_are_resumed() {
    let route = Route::start(StoreKind::Replicated, StoreKind::Etcd, 300);
    kill_slow_runs("etcd, delayed", route);
}

#[test]
fn killed_runs_to_s3_are_resumed() {
    let route = Route::start(StoreKind::Replicated, StoreKind::S3, 150);
    let at = route.addresses();
    kill_runs("S3", route, at, &[]);
}

#[test]
fn killed_runs_to_dynamo_db_are_resumed() {
    let route = Route::start(StoreKind::Replicated, StoreKind::DynamoDb, 300);
    kill_slow_runs("DynamoDB, delayed", route);
}

#[test]
fn killed_rollbacks_are_resumed() {
    let route = Route::start(StoreKind::Etcd, StoreKind::Replicated, 150);
    let at = route.addresses();
    kill_runs("roll-back", route, at, &[]);
}

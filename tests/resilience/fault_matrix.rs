//! Network faults on either side of every kind of run, in either direction, at places from its first byte to its last:
//! the right exit code in time, no partial key in the target, nothing called "not written" that is there, and
//! `--resume` succeeds without the fault.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::support::faulty_proxy::{Direction, Fault, FaultyProxy, NetworkFault, Scope};
use crate::support::route::{Addresses, Route, StoreKind};
use crate::support::scale_count;
use crate::support::tool::{Run, restatectl};

/// The time that all retries with these time-outs take at most.
const LIMIT: Duration = Duration::from_secs(25);

/// For runs that are to fail soon. Without a fault, a busy machine may need more.
const SHORT_TIMEOUTS: [&str; 4] = ["--connect-timeout", "500", "--request-timeout", "1000"];

const HARMS: [NetworkFault; 4] =
    [NetworkFault::BlackHole, NetworkFault::Cut, NetworkFault::Reset, NetworkFault::Delay];

/// The side of a run whose connections are harmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

/// Returns what a fault befalls: a reset and a delay each connection, so that new ones work for a while; the others the
/// network, which stays as it is.
fn scope_of(harm: NetworkFault) -> Scope {
    match harm {
        NetworkFault::Reset | NetworkFault::Delay => Scope::Connection,
        NetworkFault::Cut | NetworkFault::BlackHole => Scope::Network,
    }
}

/// What came of a run with a fault.
struct Cell {
    code: i32,
    keys: usize,
    took: Duration,
}

/// Harms one side of the runs that come, and returns the addresses that they use.
fn start_proxy(route: &Route, side: Side, fault: Fault) -> (FaultyProxy, Addresses) {
    if side == Side::Target {
        return route.harm_target(fault);
    }
    let at = route.addresses();
    let proxy = FaultyProxy::start_on((Ipv4Addr::LOCALHOST, 0), &at.source, fault);
    let source = proxy.address();
    (proxy, Addresses { source, ..at })
}

fn migrate(route: &Route, at: &Addresses, more: &[&str]) -> Run {
    let mut args = route.migrate_args(at);
    args.extend([&["-o", "json"], more].concat().into_iter().map(ToOwned::to_owned));
    restatectl(&args)
}

/// Returns the bytes of a whole run, by direction and scope.
fn measure(route: &mut Route, side: Side) -> [[usize; 2]; 2] {
    route.renew();
    let (proxy, at) = start_proxy(route, side, Fault::NEVER);
    migrate(route, &at, &[]).expect(0);
    [Direction::ToServer, Direction::FromServer].map(|direction| {
        [Scope::Connection, Scope::Network].map(|scope| proxy.count_passed(scope, direction))
    })
}

/// Returns ten places from the first byte to the last; in `make test` one with most requests to come, and one in the
/// second half.
fn places(length: usize) -> Vec<usize> {
    let place = |tenth: usize| (length - 1) * tenth / 9;
    if scale_count(1, 10) == 1 { vec![place(1), place(6)] } else { (0..10).map(place).collect() }
}

/// Runs with a fault, then resumes without it.
#[track_caller]
fn run_cell(route: &mut Route, side: Side, fault: Fault) -> Cell {
    route.renew();
    let (proxy, at) = start_proxy(route, side, fault);
    let timeouts = if fault.harm == NetworkFault::Delay { &[][..] } else { &SHORT_TIMEOUTS };
    let started = Instant::now();
    let run = migrate(route, &at, timeouts);
    let took = started.elapsed();
    proxy.clear_faults();
    assert!(took < LIMIT, "{fault:?}: {took:?}");
    // What was on its way has arrived.
    std::thread::sleep(Duration::from_millis(100));
    let found = route.read_target();
    let written = route.written_keys(&found);
    match run.code {
        0 => assert!(route.is_finished(&found), "{fault:?}: {run:#?}"),
        6 => assert!(written.is_empty(), "{fault:?}: {run:#?}"),
        7 => {}
        _ => panic!("{fault:?}: {run:#?}"),
    }
    assert!(fault.harm != NetworkFault::Delay || run.code == 0, "{fault:?}: {run:#?}");
    for row in run.json()["keys"].as_array().into_iter().flatten() {
        let key = row["key"].as_str().unwrap();
        match row["write_state"].as_str().unwrap_or_default() {
            "written" => assert!(route.is_written(&found, key), "{fault:?}: {row}"),
            "not_written" => assert!(!written.contains(key), "{fault:?}: {row}"),
            _ => {}
        }
    }
    migrate(route, &at, &["--resume"]).expect(0);
    assert!(route.is_finished(&route.read_target()), "{fault:?}");
    Cell { code: run.code, keys: written.len(), took }
}

/// Prints the cells of one direction and harm, in the order of their places.
fn print_row(name: &str, fault: Fault, places: &[usize], cells: &[Cell]) {
    let list = |value: &dyn Fn(&Cell) -> usize| {
        let values: Vec<_> = cells.iter().map(|cell| value(cell).to_string()).collect();
        values.join(" ")
    };
    let slowest = cells.iter().map(|cell| cell.took).max().unwrap_or_default();
    println!(
        "{name}, {:?}, {:?} after {places:?} bytes: exit {}; keys {}; at most {:.1} s; all resumed",
        fault.direction,
        fault.harm,
        list(&|cell| usize::try_from(cell.code).unwrap()),
        list(&|cell| cell.keys),
        slowest.as_secs_f64()
    );
}

/// Harms one side, in each direction and way, at each place.
fn harm_side(route: &mut Route, side: Side, name: &str) {
    let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
    let whole = measure(route, side);
    for direction in [Direction::ToServer, Direction::FromServer] {
        let short = &HARMS[direction as usize..=direction as usize];
        let harms = if scale_count(0, 1) == 0 { short } else { &HARMS };
        for harm in harms.iter().copied() {
            let scope = scope_of(harm);
            let places = places(whole[direction as usize][scope as usize]);
            let fault = |after: &usize| Fault { harm, direction, after: *after, scope };
            let cells: Vec<_> =
                places.iter().map(|after| run_cell(route, side, fault(after))).collect();
            print_row(name, fault(&0), &places, &cells);
            cells.iter().for_each(|cell| *ends.entry(cell.code).or_default() += 1);
            route.assert_source_unchanged();
        }
    }
    let count = |code: i32| ends.get(&code).copied().unwrap_or_default();
    println!(
        "sum: fault matrix, {name}: {} cells, {} with exit 0, {} with exit 6, {} with exit 7",
        ends.values().sum::<usize>(),
        count(0),
        count(6),
        count(7)
    );
}

/// Harms both sides of a route, or the one that a slice of `make soak` names.
fn assert_faults_end_well(from: StoreKind, to: StoreKind) {
    let mut route = Route::start(from, to, 150);
    let chosen = std::env::var("RESTATECTL_SOAK_SIDE").ok();
    for (side, kind) in [(Side::Source, from), (Side::Target, to)] {
        if chosen.as_ref().is_none_or(|chosen| *chosen == format!("{side:?}")) {
            harm_side(&mut route, side, &format!("{side:?} {kind:?}"));
        }
    }
}

// Each store is a source of one test and the target of another.

#[test]
fn faults_from_the_replicated_store_to_s3_end_well() {
    assert_faults_end_well(StoreKind::Replicated, StoreKind::S3);
}

#[test]
fn faults_from_s3_to_dynamo_db_end_well() {
    assert_faults_end_well(StoreKind::S3, StoreKind::DynamoDb);
}

#[test]
fn faults_from_dynamo_db_to_etcd_end_well() {
    assert_faults_end_well(StoreKind::DynamoDb, StoreKind::Etcd);
}

#[test]
fn faults_from_etcd_to_the_replicated_store_end_well() {
    assert_faults_end_well(StoreKind::Etcd, StoreKind::Replicated);
}

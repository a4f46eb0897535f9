//! Two migrations at once to one target, all delayed: at most one of them reports success, but where both have written
//! the same.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::delay_proxy::DelayProxy;
use crate::support::etcd::Etcd;
use crate::support::faulty_proxy::{Direction, Fault, FaultyProxy, NetworkFault};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::route::{Addresses, Route, StoreKind};
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, wait_for_exit};
use crate::support::{seed_random, slice_count};

/// What each round trip to the target takes, so that the writes of both runs meet.
const ROUND_TRIP: Duration = Duration::from_millis(10);

fn spawn(args: &[String]) -> Child {
    let args = [args, &["-o".to_owned(), "json".to_owned()]].concat();
    let mut command = command(&program(), &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Starts two runs, the second a random time after the first, and waits for both.
fn run_two(args: [&[String]; 2], latest: Duration) -> [Run; 2] {
    let first = spawn(args[0]);
    std::thread::sleep(latest.mul_f64(fastrand::f64()));
    [first, spawn(args[1])].map(wait_for_exit)
}

/// Returns whether a run has written a key.
fn has_written(run: &Run) -> bool {
    let rows = run.json()["keys"].as_array().cloned().unwrap_or_default();
    rows.iter().any(|row| row["written"] == Json::Bool(true))
}

/// The ends of the pairs, by the exit codes of both.
type Ends = BTreeMap<[i32; 2], usize>;

fn print_ends(store: &str, ends: &Ends) {
    let with = |wanted: usize| -> usize {
        let successes = |codes: &[i32; 2]| codes.iter().filter(|code| **code == 0).count();
        ends.iter().filter(|(codes, _)| successes(codes) == wanted).map(|(_, count)| count).sum()
    };
    println!("{store}: two runs at once ended with {ends:?}");
    println!(
        "sum: two runs at once, {store}: {} pairs, {} with one success, {} without a success, {} whose second \
         run found all done",
        ends.values().sum::<usize>(),
        with(1),
        with(0),
        with(2)
    );
}

/// Runs pairs to an empty store, of the same cluster and of two in turn.
fn assert_one_succeeds(store: &str, kind: StoreKind) {
    seed_random("two runs at once");
    let (mut route, other) = (Route::start(StoreKind::Replicated, kind, 70), Cluster::large(70));
    let proxy = DelayProxy::start(&route.addresses().target, ROUND_TRIP);
    let mut ends = Ends::new();
    for round in 0..slice_count(4, 200) {
        route.renew();
        let at = Addresses { target: proxy.address(), ..route.addresses() };
        let others = other.address().trim_start_matches("http://").to_owned();
        let second = if round % 2 == 0 { at.source.clone() } else { others };
        let args =
            [route.migrate_args(&at), route.migrate_args(&Addresses { source: second, ..at })];
        let ended = run_two([&args[0], &args[1]], Duration::from_millis(30));
        let codes = ended.each_ref().map(|run| run.code);
        assert!(codes.iter().filter(|code| **code == 0).count() <= 1, "{ended:#?}");
        assert!(codes.iter().all(|code| [0, 5, 7].contains(code)), "{ended:#?}");
        let found = route.read_target();
        assert_eq!(found.contains_key("nodes_config"), codes.contains(&0), "{ended:#?}");
        if codes[0] == 0 || (codes[1] == 0 && round % 2 == 0) {
            assert!(route.is_finished(&found));
        }
        *ends.entry(codes).or_default() += 1;
    }
    print_ends(store, &ends);
}

#[test]
fn runs_to_etcd_at_once_do_not_both_succeed() {
    assert_one_succeeds("etcd", StoreKind::Etcd);
}

#[test]
fn runs_to_s3_at_once_do_not_both_succeed() {
    assert_one_succeeds("S3", StoreKind::S3);
}

#[test]
fn runs_to_dynamo_db_at_once_do_not_both_succeed() {
    assert_one_succeeds("DynamoDB", StoreKind::DynamoDb);
}

/// Of two roll-backs, the later one may find all done.
#[test]
fn rollbacks_at_once_do_not_both_write_and_succeed() {
    seed_random("two roll-backs at once");
    let mut route = Route::start(StoreKind::Etcd, StoreKind::Replicated, 70);
    let direction = Direction::ToServer;
    let delay = Fault { harm: NetworkFault::Delay, direction, after: 0, ..Fault::NEVER };
    let (_, at) = route.harm_target(delay);
    let mut ends = Ends::new();
    for _ in 0..slice_count(4, 200) {
        route.renew();
        let args = route.migrate_args(&at);
        let ended = run_two([&args, &args], Duration::from_millis(600));
        let codes = ended.each_ref().map(|run| run.code);
        assert!(codes.iter().all(|code| [0, 5, 7].contains(code)), "{ended:#?}");
        let succeeded = ended.iter().filter(|run| run.code == 0);
        assert!(succeeded.filter(|run| has_written(run)).count() <= 1, "{ended:#?}");
        assert!(route.is_finished(&route.read_target()) || !codes.contains(&0), "{ended:#?}");
        *ends.entry(codes).or_default() += 1;
    }
    print_ends("roll-back", &ends);
}

/// The answer to the first run's only write is lost, after the second run has written. With the same content the first
/// run can't tell whose it is: both report success, and the target has what both report. With another it fails.
#[test]
fn lost_answer_beside_another_run_is_a_success_only_if_the_content_is_the_same() {
    let clusters = [(); 2].map(|()| Cluster::start_metadata_server("127.0.0.1", "127.0.0.1"));
    let (etcd, folder) = (Etcd::start(), tempfile::TempDir::new().unwrap());
    for (second, code) in [(&clusters[0], 0), (&clusters[1], 7)] {
        etcd.clear();
        let gate = HoldingProxy::start(&etcd.address(), "partition_table::version");
        let network = FaultyProxy::start_forgetful(&gate.address());
        let section = crate::support::etcd::etcd_section(&[network.address()]);
        let toml = write_file(&folder, "first.toml", &section);
        let args = |cluster: &Cluster, toml: &str| {
            ["-s", &cluster.address(), "metadata", "migrate", "--toml", toml]
                .map(ToOwned::to_owned)
                .to_vec()
        };
        let timeout = ["--request-timeout", "10000"].map(ToOwned::to_owned).to_vec();
        let first = spawn(&[args(&clusters[0], &toml), timeout].concat());
        gate.wait_until_holding();
        restatectl(&args(second, &etcd.toml())).expect(0);
        let content = etcd.content();
        network.forget_connections();
        gate.release();
        let first = wait_for_exit(first).expect(code);
        assert_eq!(etcd.content(), content, "{first:#?}");
        restatectl(&["-s", &second.address(), "metadata", "verify", "--toml", &etcd.toml()])
            .expect(0);
    }
}

//! Listings that no etcd gives, by a proxy in front of a real one: each is an error that says what is wrong, and
//! none ends in a part of the keys, in a long wait, or in much memory.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use restatectl::backends::Target;
use restatectl::model::Key;
use tempfile::TempDir;

use crate::support::block_on;
use crate::support::conformance::{create, value};
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::grpc_proxy::{GrpcProxy, Listing, Pair};
use crate::support::open_store::open_etcd;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, assert_refused, command, program, restatectl, run};

/// The address space of the program beyond what it has anyway: the bound on what an answer may cost.
const MEMORY: u64 = 512 << 20;

/// What a proxy does to a listing.
type Change = fn(Listing) -> Listing;

fn start_etcd_with_epochs(count: u16) -> Etcd {
    let etcd = Etcd::start();
    for number in 0..count {
        etcd.create_pair(&format!("pp_epoch_{number}"), b"\x05{\"version\":1}");
    }
    etcd.create_pair("nodes_config", b"\x05{\"version\":1,\"cluster_name\":\"demo\",\"nodes\":[]}");
    etcd
}

fn write_toml(folder: &TempDir, address: &str) -> String {
    write_file(folder, "etcd.toml", &etcd_section(&[address.to_owned()]))
}

/// Runs the program with at most so much memory.
fn run_in_little_memory(args: &[&str]) -> Run {
    let limit = format!("--as={MEMORY}");
    let mut all: Vec<OsString> = vec![limit.into(), program().into()];
    all.extend(args.iter().map(OsString::from));
    run(command(Path::new("prlimit"), &all), "")
}

/// Returns whether the range begins with an epoch or `pp_epoch_`, so that only one of the scans is changed.
fn is_of_epochs(listing: &Listing) -> bool {
    listing.pairs.first().is_some_and(|pair| pair.key.starts_with(b"pp_epoch_"))
}

#[test]
fn listing_that_does_not_advance_or_leaves_its_range_is_an_error() {
    let etcd = start_etcd_with_epochs(3);
    let cases: [(&str, Change); 5] = [
        ("is empty, and is said to have more names", |listing| Listing {
            pairs: Vec::new(),
            more: true,
            ..listing
        }),
        ("does not ascend", |mut listing| {
            listing.pairs.reverse();
            listing
        }),
        ("does not ascend", |mut listing| {
            listing.pairs = [listing.pairs.clone(), listing.pairs].concat();
            listing
        }),
        ("has `pp_epoch_0`, which was not asked for", |mut listing| {
            // The first page again, whatever is asked for.
            listing.pairs = vec![Pair::named("pp_epoch_0"), Pair::named("pp_epoch_0::version")];
            listing.more = true;
            listing
        }),
        ("has `schema_registry\\u{1b}`, which was not asked for", |mut listing| {
            listing.pairs.push(Pair::named("schema_registry\u{1b}"));
            listing
        }),
    ];
    for (words, change) in cases {
        let proxy = GrpcProxy::start_before_etcd(&etcd.address(), move |listing| {
            if is_of_epochs(&listing) { change(listing) } else { listing }
        });
        let folder = TempDir::new().unwrap();
        let list = ["metadata", "list", "--from", &write_toml(&folder, &proxy.address())];
        let started = Instant::now();
        assert_refused(&list, 6, "source-unavailable", &[words, "proxy in front of it"]);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn pages_of_any_size_are_followed_as_long_as_there_is_more() {
    let etcd = start_etcd_with_epochs(40);
    let pages = Arc::new(AtomicUsize::new(0));
    let counted = pages.clone();
    // Three names at once, and a count that is wrong.
    let proxy = GrpcProxy::start_before_etcd(&etcd.address(), move |mut listing| {
        if listing.pairs.len() > 3 {
            counted.fetch_add(1, Ordering::Relaxed);
            listing.pairs.truncate(3);
            listing.more = true;
        }
        listing.count = 0;
        listing
    });
    let folder = TempDir::new().unwrap();
    let list = |toml: &str| {
        let run = restatectl(&["metadata", "list", "--from", toml, "-o", "json"]).expect(0);
        run.json()["keys"].clone()
    };
    let listed = list(&write_toml(&folder, &proxy.address()));
    assert_eq!(listed.as_array().unwrap().len(), 41);
    assert_eq!(listed, list(&etcd.toml()));
    assert!(pages.load(Ordering::Relaxed) > 20);
}

#[test]
fn listing_without_an_end_is_given_up_in_bounded_time_and_memory() {
    let etcd = start_etcd_with_epochs(1);
    let (count, folder) = (AtomicUsize::new(0), TempDir::new().unwrap());
    let proxy = GrpcProxy::start_before_etcd(&etcd.address(), move |mut listing| {
        // Each name is above the one before, for ever.
        let number = count.fetch_add(1, Ordering::Relaxed);
        let is_epochs = is_of_epochs(&listing) || listing.pairs.is_empty() && number > 20;
        if is_epochs {
            listing.pairs = vec![Pair::named(format!("pp_epoch_{number:09}"))];
            listing.more = true;
        }
        listing
    });
    let toml = write_toml(&folder, &proxy.address());
    let started = Instant::now();
    let run = run_in_little_memory(&["metadata", "list", "--from", &toml]).expect(6);
    assert!(run.err.contains("its listing did not end with 1000 answers"), "{}", run.err);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn answer_beyond_the_message_limit_costs_neither_memory_nor_time() {
    let etcd = start_etcd_with_epochs(1);
    let proxy = GrpcProxy::start(&etcd.address(), |_, _, _| vec![0; 40 << 20]);
    let folder = TempDir::new().unwrap();
    let toml = write_toml(&folder, &proxy.address());
    let cases: [&[&str]; 2] = [&["metadata", "list"], &["metadata", "get", "-k", "nodes_config"]];
    for args in cases {
        let started = Instant::now();
        let run = run_in_little_memory(&[args, &["--from", &toml]].concat()).expect(5);
        assert!(run.err.contains("limit exceeded"), "{}", run.err);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[test]
fn write_whose_answer_cannot_be_read_may_have_happened() {
    let etcd = Etcd::start();
    let answers: [fn() -> Vec<u8>; 2] = [|| vec![0; 40 << 20], Vec::new];
    for (key, answer) in [Key::RuleBook, Key::Schema].into_iter().zip(answers) {
        let proxy = GrpcProxy::start(&etcd.address(), move |path, _, original| match path {
            "/etcdserverpb.KV/Txn" => answer(),
            _ => original,
        });
        let section = etcd_section(&[proxy.address()]);
        let changes = [create(&key, value(1, b"x"))];
        let written =
            block_on(async { open_etcd(&section, Duration::from_secs(5)).write(&changes).await });
        assert!(written.unwrap_err().may_have_written, "{key}");
        assert!(etcd.content().contains_key(&key.to_string()));
    }
}

#[test]
fn transaction_without_results_is_not_taken_for_absent_keys() {
    let etcd = start_etcd_with_epochs(1);
    // None, and four that are empty or of an operation that no version knows.
    let answers: [fn() -> Vec<u8>; 3] =
        [Vec::new, || [0x1a, 0].repeat(4), || [0x1a, 2, 0x7a, 0].repeat(4)];
    for answer in answers {
        let proxy = GrpcProxy::start(&etcd.address(), move |path, _, original| match path {
            "/etcdserverpb.KV/Txn" => answer(),
            _ => original,
        });
        let folder = TempDir::new().unwrap();
        let toml = write_toml(&folder, &proxy.address());
        let list = ["metadata", "list", "--from", &toml];
        let words = ["its answer to a transaction lacks results"];
        assert_refused(&list, 6, "source-unavailable", &words);
    }
}

#[test]
fn alarm_that_is_not_known_refuses_before_any_write() {
    let (source, etcd) = (start_etcd_with_epochs(1), Etcd::start());
    // One alarm, of number 9.
    let proxy = GrpcProxy::start(&etcd.address(), |path, _, answer| match path {
        "/etcdserverpb.Maintenance/Alarm" => vec![0x12, 2, 0x10, 9],
        _ => answer,
    });
    let folder = TempDir::new().unwrap();
    source.create_pair("partition_table", b"\x05{\"version\":1}");
    let toml = write_toml(&folder, &proxy.address());
    let migrate = ["metadata", "migrate", "--from", &source.toml(), "--toml", &toml, "-o", "json"];
    let checks = restatectl(&migrate).json()["checks"].to_string();
    assert!(checks.contains("an alarm that this program does not know: 9"), "{checks}");
    assert!(etcd.content().is_empty());
}

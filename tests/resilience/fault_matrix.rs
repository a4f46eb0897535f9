//! Network faults on either side, in either direction, early and late in the run: the right exit code
//! in time, no partial key in the target, and `--resume` succeeds without the fault.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

/// The time that all retries with these time-outs take at most.
const LIMIT: Duration = Duration::from_secs(25);

#[test]
fn every_fault_ends_with_the_right_code_and_can_be_resumed() {
    let (cluster, etcd, folder) = (Cluster::large(150), Etcd::start(), TempDir::new().unwrap());
    let source_at = cluster.address().trim_start_matches("http://").to_owned();
    println!("side    direction   harm       after bytes  exit  seconds  keys  resumed");
    for side in ["source", "target"] {
        for direction in [Direction::ToServer, Direction::FromServer] {
            for harm in [
                NetworkFault::Cut,
                NetworkFault::Reset,
                NetworkFault::BlackHole,
                NetworkFault::Delay,
            ] {
                for after in [0, 9_000] {
                    etcd.clear();
                    let real = if side == "source" { source_at.clone() } else { etcd.address() };
                    let proxy = FaultyProxy::start(&real, harm, direction, after);
                    let (source, target) = match side {
                        "source" => (proxy.address(), etcd.address()),
                        _ => (source_at.clone(), proxy.address()),
                    };
                    let toml = write_file(&folder, "etcd.toml", &etcd_section(&[target]));
                    // Only this address: the node would tell its own, past the proxy.
                    let source = format!("http://{source}");
                    let args = [
                        "-S",
                        &source,
                        "--connect-timeout",
                        "500",
                        "--request-timeout",
                        "1000",
                        "metadata",
                        "migrate",
                        "--toml",
                        &toml,
                    ];
                    let started = Instant::now();
                    let run = restatectl(&args);
                    let took = started.elapsed();
                    assert!(took < LIMIT, "{side} {direction:?} {harm:?} {after}: {took:?}");
                    let content = etcd.content();
                    let keys = content.len() / 2;
                    let cell = format!("{side} {direction:?} {harm:?} {after}: {run:#?}");
                    match run.code {
                        0 => assert_eq!(keys, 153, "{cell}"),
                        6 => assert_eq!(keys, 0, "{cell}"),
                        7 => {}
                        _ => panic!("{cell}"),
                    }
                    assert!(harm != NetworkFault::Delay || run.code == 0, "{cell}");
                    for key in content.keys().filter(|key| !key.ends_with("::version")) {
                        assert!(content.contains_key(&format!("{key}::version")), "{cell}");
                    }
                    proxy.clear_faults();
                    restatectl(&[&args[..], &["--resume"]].concat()).expect(0);
                    assert_eq!(etcd.content().len(), 2 * 153);
                    println!(
                        "{side:<7} {:<11} {:<10} {after:>11}  {:>4}  {:>7.1}  {keys:>4}  yes",
                        format!("{direction:?}"),
                        format!("{harm:?}"),
                        run.code,
                        took.as_secs_f64()
                    );
                }
            }
        }
    }
}

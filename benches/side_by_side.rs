//! The official tool and ours, as whole processes on the same cluster and targets in one run, and the
//! least that the servers need for the same requests. `make bench`; the numbers are of this machine.
#![allow(unreachable_pub, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use restatectl::backends::etcd::Etcd as EtcdStore;
use restatectl::backends::object_store::ObjectStore;
use restatectl::backends::{Change, Effect, Target};
use restatectl::config::{self, StoreConfig};
use restatectl::model::{Key, Value, Version};
use support::etcd::Etcd;
use support::restate::Cluster;
use support::s3::{Bucket, seaweed, toml_file};
use support::tool::{command, official_program, program, run};
use support::{block_on, from_pypi};
use tempfile::TempDir;

const PARTITIONS: usize = 2_048;
const ROUNDS: usize = 3;

/// Wall and CPU seconds, and peak memory in MiB, of one process.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wall: f64,
    cpu: f64,
    memory: f64,
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

fn measure(args: &[&str]) -> (i64, Cost) {
    let wrapped = [&["-c", MEASURE], args].concat();
    let ended = run(command(&from_pypi("python"), &wrapped), "");
    assert!(ended.out.starts_with("[0,") || args.len() < 8, "{ended:#?}");
    let numbers = ended.json();
    let number = |index: usize| numbers[index].as_f64().unwrap();
    let cost = Cost { wall: number(1), cpu: number(2), memory: number(3) };
    (numbers[0].as_i64().unwrap(), cost)
}

fn main() {
    println!("{PARTITIONS} partitions, {ROUNDS} rounds, on this machine, in this run");
    let cluster = Cluster::large_with(&["metadata-server", "admin"], PARTITIONS);
    let (etcd, bucket, folder) = (Etcd::start(), seaweed().bucket(), TempDir::new().unwrap());
    let (theirs, ours) = (official_program(), program());
    let (theirs, ours) = (theirs.to_str().unwrap(), ours.to_str().unwrap());
    let address = cluster.address();
    let mut results: Vec<(&str, Vec<Cost>)> =
        ["official etcd", "ours etcd", "official S3", "ours S3"]
            .map(|name| (name, Vec::new()))
            .into();
    for round in 0..ROUNDS {
        for (index, (name, costs)) in results.iter_mut().enumerate() {
            etcd.clear();
            let toml = match name.ends_with("etcd") {
                true => etcd.toml(),
                false => {
                    let section = bucket.section(&format!("round-{round}-{index}"));
                    toml_file(&folder, "s3.toml", &section)
                }
            };
            let tool = if name.starts_with("ours") { ours } else { theirs };
            let args = [
                tool,
                "-s",
                &address,
                "--request-timeout",
                "600000",
                "metadata",
                "migrate",
                "--toml",
                &toml,
            ];
            let (code, cost) = measure(&args);
            assert_eq!(code, 0, "{name}");
            costs.push(cost);
        }
    }
    println!(
        "{:<15} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "", "min s", "median s", "max s", "CPU s", "peak MiB"
    );
    for (name, costs) in &results {
        let walls = sorted(costs, |cost| cost.wall);
        let (cpu, memory) = (median(costs, |cost| cost.cpu), median(costs, |cost| cost.memory));
        let (least, most) = (walls[0], walls[walls.len() - 1]);
        let middle = walls[walls.len() / 2];
        println!("{name:<15} {least:>8.2} {middle:>8.2} {most:>8.2} {cpu:>8.2} {memory:>10.0}");
    }
    for (target, pair) in [("etcd", &results[0..2]), ("S3", &results[2..4])] {
        let [official, own] = [0, 1].map(|index| median(&pair[index].1, |cost| cost.wall));
        println!("{target}: ours is {:.1} times as fast", official / own);
    }
    etcd.clear();
    let (code, cost) =
        measure(&[theirs, "-s", &address, "metadata", "migrate", "--toml", &etcd.toml()]);
    println!(
        "the official tool at its default timeout: exit {code} after {:.1} s, {} of {} keys in etcd",
        cost.wall,
        etcd.content().len() / 2,
        PARTITIONS + 3
    );
    etcd.clear();
    floor(&cluster, &etcd, &bucket);
}

fn sorted(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> Vec<f64> {
    let mut numbers: Vec<f64> = costs.iter().map(of).collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    sorted(costs, of)[costs.len() / 2]
}

/// The same requests without any of our stations: reads of the source, writes, reads back.
fn floor(cluster: &Cluster, etcd: &Etcd, bucket: &Bucket) {
    let keys: Vec<_> =
        (0..PARTITIONS).map(|n| Key::PartitionEpoch(u16::try_from(n).unwrap())).collect();
    block_on(async {
        let reads = source_reads(&cluster.address(), &keys).await;
        println!("floor: {PARTITIONS} reads of the source {reads:.2} s");
        let StoreConfig::Etcd(config) = parsed(&etcd.section()) else { return };
        let store = EtcdStore::open(&config, Duration::from_secs(60)).unwrap();
        let (writes, reads) = target(&store, &keys).await;
        println!("floor: etcd, writes {writes:.2} s, reads {reads:.2} s");
        let StoreConfig::ObjectStore(config) = parsed(&bucket.section("floor")) else { return };
        let store = ObjectStore::open(&config, Duration::from_secs(60)).await.unwrap();
        let (writes, reads) = target(&store, &keys).await;
        println!("floor: S3, writes {writes:.2} s, reads {reads:.2} s");
    });
}

fn parsed(section: &str) -> StoreConfig {
    config::parse(section, "bench").unwrap().store
}

async fn source_reads(address: &str, keys: &[Key]) -> f64 {
    use restatectl::backends::Source;
    use restatectl::backends::cluster::{ClusterOptions, connect};
    use restatectl::backends::transport::{Limits, TlsOptions};
    let limits = Limits {
        connect: Duration::from_secs(3),
        request: Duration::from_secs(60),
        keep_alive: None,
    };
    let options = ClusterOptions {
        addresses: vec![address.parse().unwrap()],
        only_these: true,
        limits,
        tls: TlsOptions::default(),
    };
    let source = connect(&options).await.unwrap();
    let started = Instant::now();
    let reads = stream::iter(keys).map(|key| source.read(std::slice::from_ref(key)));
    reads
        .buffer_unordered(source.reading().concurrency)
        .for_each(|read| async { drop(read.unwrap()) })
        .await;
    started.elapsed().as_secs_f64()
}

async fn target(store: &dyn Target, keys: &[Key]) -> (f64, f64) {
    let value = Value { version: Version(1), bytes: vec![7; 250].into() };
    let changes: Vec<_> = keys
        .iter()
        .map(|key| Change { key: key.clone(), effect: Effect::Create(value.clone()) })
        .collect();
    let started = Instant::now();
    let (writing, reading) = (store.writing(), store.reading());
    let writes = stream::iter(changes.chunks(writing.keys)).map(|batch| store.write(batch));
    writes.buffer_unordered(writing.concurrency).for_each(|write| async { write.unwrap() }).await;
    let written = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let reads = stream::iter(keys.chunks(reading.keys)).map(|batch| store.read(batch));
    reads
        .buffer_unordered(reading.concurrency)
        .for_each(|read| async { drop(read.unwrap()) })
        .await;
    (written, started.elapsed().as_secs_f64())
}

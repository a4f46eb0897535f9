//! The judge of stored values: a real server, started on a store that holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use restatectl::codec;
use restatectl::model::{Key, Version};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::etcd::Etcd;
use super::migration::migrate;
use super::ports::Port;
use super::process::Process;
use super::restate::{Cluster, Mode};
use super::{http, npm_program};

/// The partitions of the cluster.
const PARTITIONS: usize = 2;

/// How long the server runs after all else is well: tasks may still panic.
const SETTLE: Duration = Duration::from_millis(400);

/// The etcd keys and values of a store.
pub type Pairs = BTreeMap<String, Vec<u8>>;

/// A stopped cluster of one node, and its metadata in etcd.
pub struct Stopped {
    /// It also runs the service that the schema names.
    cluster: Cluster,
    _etcd: Etcd,
    /// The file that names its etcd.
    pub toml: String,
    pub pairs: Pairs,
}

impl Stopped {
    /// Starts a cluster with content in every key, moves its metadata to etcd, and stops it.
    pub fn with_content_in_every_key() -> Stopped {
        let mut cluster = Cluster::single(PARTITIONS);
        cluster.set_rule("scope1/*", 5);
        cluster.deploy_counter();
        assert_eq!(cluster.count(5), 5);
        cluster.restart(&Mode::Migration);
        let etcd = Etcd::start();
        let toml = etcd.toml();
        migrate(&cluster, &toml, &[]).expect(0);
        cluster.stop();
        let pairs = etcd.content();
        Stopped { cluster, _etcd: etcd, toml, pairs }
    }

    /// Returns the decoded value of a key with its version.
    pub fn document(&self, key: &str) -> (Json, Version) {
        let version = self.pairs[&format!("{key}::version")].as_slice().try_into().unwrap();
        let document = codec::decode(&Key::parse(key), &self.pairs[key]).unwrap();
        (document, Version(u32::from_le_bytes(version)))
    }

    /// Returns the place of a log in `bifrost_config`, whose map has no order.
    pub fn place_of_log(&self, id: u64) -> usize {
        let (document, _) = self.document("bifrost_config");
        document["logs"].as_array().unwrap().iter().position(|log| log[0] == id).unwrap()
    }

    fn base_dir(&self) -> std::path::PathBuf {
        self.cluster.folder.path().join("node-1")
    }
}

/// What a server did with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leads every partition, knows deployments and rules, and none of its tasks has panicked.
    Runs,
    /// What it did instead.
    Ends(String),
}

/// How long a server is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Some times what a server needs that runs; the first sign of a fault is believed.
    Short,
    /// Long enough on a busy machine; only what the server does counts.
    Long,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Patience::Short => Duration::from_millis(3_500),
            Patience::Long => Duration::from_secs(15),
        }
    }
}

/// Messages of a server that can't read a value, after which nothing more is to be expected.
const SIGNS_OF_A_FAULT: [&str; 2] = [" decode failure (decoding ", "codec error: decoding failed"];

/// What a server that runs must show.
pub struct Expected {
    pub partitions: BTreeSet<u64>,
    pub deployments: usize,
    pub rules: usize,
}

impl Default for Expected {
    fn default() -> Self {
        let partitions = (0..PARTITIONS as u64).collect();
        Expected { partitions, deployments: 1, rules: 1 }
    }
}

/// A place in which one server at a time is started.
pub struct Lane {
    etcd: Etcd,
    fabric: Port,
    admin: Port,
    ingress: Port,
    folder: TempDir,
}

impl Lane {
    pub fn open() -> Lane {
        let (fabric, admin, ingress) = (Port::free(), Port::free(), Port::free());
        Lane { etcd: Etcd::start(), fabric, admin, ingress, folder: TempDir::new().unwrap() }
    }

    /// Judges the pairs again where the verdict is not the expected one: with more patience where the server should run.
    ///
    /// Where it should end, one start that fails is enough: 1.7.12 makes a lost log anew, and in 1 of 57 starts led the
    /// partition on it.
    pub fn judge_again(
        &self,
        stopped: &Stopped,
        pairs: &Pairs,
        expected: &Expected,
        is_expected: &dyn Fn(&Verdict) -> bool,
    ) -> Verdict {
        let mut verdict = self.judge(stopped, pairs, expected, Patience::Short);
        for _ in 0..2 {
            if is_expected(&verdict) {
                break;
            }
            verdict = self.judge(stopped, pairs, expected, Patience::Long);
        }
        verdict
    }

    /// Starts a server on a copy of the node's disk and on a store that holds just these pairs.
    fn judge(
        &self,
        stopped: &Stopped,
        pairs: &Pairs,
        expected: &Expected,
        patience: Patience,
    ) -> Verdict {
        self.etcd.clear();
        for (name, value) in pairs {
            self.etcd.put(name, value.clone());
        }
        let (base, log) = (self.folder.path().join("base"), self.folder.path().join("log"));
        let _ = (fs::remove_dir_all(&base), fs::remove_file(&log));
        let copied = Command::new("cp").arg("-r").args([&stopped.base_dir(), &base]).status();
        assert!(copied.unwrap().success());
        let mut process = self.start(&base, &log);
        let verdict = self.watch(&mut process, &log, expected, patience);
        process.kill();
        verdict
    }

    fn start(&self, base: &Path, log: &Path) -> Process {
        let config = self.folder.path().join("node.toml");
        let (fabric, admin, ingress) = (self.fabric.number, self.admin.number, self.ingress.number);
        let text = format!(
            "node-name = \"node-1\"\ncluster-name = \"demo\"\nauto-provision = false\n\
             roles = [\"worker\", \"log-server\", \"admin\", \"http-ingress\"]\n\
             default-num-partitions = {PARTITIONS}\nlog-format = \"json\"\nlog-filter = \"info\"\n\
             bind-ip = \"127.0.0.1\"\nbind-port = {fabric}\nlisten-mode = \"tcp\"\n\
             advertised-address = \"http://127.0.0.1:{fabric}/\"\n\
             rocksdb-total-memory-size = \"512 MB\"\n{}\n[admin]\nbind-port = {admin}\n\
             [ingress]\nbind-port = {ingress}\n",
            self.etcd.section()
        );
        fs::write(&config, text).unwrap();
        let args =
            ["--config-file", config.to_str().unwrap(), "--base-dir", base.to_str().unwrap()];
        let server = npm_program("@restatedev/restate-server-linux-x64/bin/restate-server");
        let temporary = self.folder.path().to_str().unwrap();
        let envs = [("RESTATE_DISABLE_TELEMETRY", "true"), ("TMPDIR", temporary)];
        Process::start(&server, &args, &envs, log)
    }

    fn watch(
        &self,
        process: &mut Process,
        log: &Path,
        expected: &Expected,
        patience: Patience,
    ) -> Verdict {
        let deadline = Instant::now() + patience.limit();
        let mut settled = None;
        loop {
            let text = fs::read_to_string(log).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains("panicked at")) {
                let reason = text.lines().skip_while(|other| *other != line).nth(1);
                return Verdict::Ends(format!("panics: {}", reason.unwrap_or_default()));
            }
            if process.has_ended() {
                return Verdict::Ends(format!("exits: {}", last_error(&text)));
            }
            let is_faulty = SIGNS_OF_A_FAULT.iter().any(|sign| text.contains(sign));
            if patience == Patience::Short && is_faulty {
                return Verdict::Ends(last_error(&text));
            }
            let lacking = settled.is_none().then(|| self.find_lacking(&text, expected)).flatten();
            match lacking {
                Some(lacking) if Instant::now() > deadline => {
                    let error = last_error(&text);
                    return Verdict::Ends(format!("{lacking}: {error}"));
                }
                Some(_) => {}
                None => {
                    let since = *settled.get_or_insert_with(Instant::now);
                    if since.elapsed() > SETTLE {
                        return Verdict::Runs;
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns what the server does not show yet.
    fn find_lacking(&self, log: &str, expected: &Expected) -> Option<String> {
        let led = led_partitions(log);
        let idle: Vec<_> = expected.partitions.difference(&led).collect();
        if !idle.is_empty() {
            return Some(format!("does not lead {idle:?}"));
        }
        let deployments = self.ask("GET", "/deployments", "null");
        let found = deployments.as_ref().and_then(|found| found["deployments"].as_array());
        if found.map(Vec::len) != Some(expected.deployments) {
            return Some("lacks deployments".to_owned());
        }
        let query = "{\"query\": \"select pattern from sys_rules\"}";
        let rules = self.ask("POST", "/query", query);
        let found = rules.as_ref().and_then(|found| found["rows"].as_array());
        let count = found.map_or(0, Vec::len);
        (count != expected.rules).then(|| format!("has {count} rules"))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<Json> {
        let (status, text) = http::request(method, self.admin.number, path, body).ok()?;
        (status == 200).then(|| serde_json::from_str(&text).ok()).flatten()
    }
}

fn led_partitions(log: &str) -> BTreeSet<u64> {
    let led = log.lines().filter(|line| line.contains("Processor became Leader of epoch"));
    let id = |line: &str| {
        let entry: Json = serde_json::from_str(line).ok()?;
        entry["fields"]["partition_id"].as_str()?.parse().ok()
    };
    led.filter_map(id).collect()
}

/// Returns the last message of the log at the level of an error or a warning.
fn last_error(log: &str) -> String {
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let severe: Vec<String> = entries
        .filter(|entry| entry["level"] == "ERROR" || entry["level"] == "WARN")
        .filter(|entry| entry["target"] != "octocrab")
        .map(|entry| entry["fields"].to_string())
        .collect();
    let last = severe.last().cloned().or_else(|| log.lines().last().map(str::to_owned));
    last.unwrap_or_default().chars().take(300).collect()
}

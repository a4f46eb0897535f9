//! A source and a target with the metadata of a large cluster. The target is put back before each run, and either may
//! be reached through a proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use tempfile::TempDir;

use super::dynamo::{Table, create_table_on, dynoxide};
use super::etcd::{Etcd, etcd_section};
use super::faulty_proxy::{Fault, FaultyProxy};
use super::ports::Port;
use super::restate::Cluster;
use super::s3::{Bucket, seaweed};
use super::store_toml::write_file;
use super::tool::restatectl;

/// The version and the digest of every key.
pub type Digests = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The replicated store of the running cluster; as a target, a roll-back.
    Replicated,
    Etcd,
    S3,
    /// Of dynoxide, whose transactions are atomic.
    DynamoDb,
}

enum Store {
    Replicated,
    Etcd(Etcd),
    S3(Bucket),
    DynamoDb(Table),
}

pub struct Route {
    pub cluster: Cluster,
    /// The proxy at the address that the cluster advertises, if it is the target.
    front: Option<FaultyProxy>,
    source: Store,
    target: Store,
    /// The configuration files, and the backups of what a roll-back replaces.
    folder: TempDir,
    round: usize,
    /// The content of the source.
    whole: Digests,
    /// The content of the target before a run.
    before: Digests,
}

/// Where a command reaches the two stores, as `host:port`.
#[derive(Clone)]
pub struct Addresses {
    pub source: String,
    pub target: String,
}

const NODES_CONFIG: &str = "nodes_config";

impl Route {
    /// Starts both stores, and fills the source with so many epochs.
    pub fn start(from: StoreKind, to: StoreKind, partitions: usize) -> Route {
        let (cluster, front) = start_cluster(to, partitions);
        let (source, target) = (Store::start(from), Store::start(to));
        let folder = TempDir::new().unwrap();
        let (whole, before) = (Digests::new(), Digests::new());
        let mut route = Route { cluster, front, source, target, folder, round: 0, whole, before };
        route.fill_source();
        route.whole = route.read_source();
        assert!(route.whole.len() > partitions);
        if from != StoreKind::Replicated && to != StoreKind::Replicated {
            route.cluster.stop();
        }
        route.renew();
        route
    }

    fn fill_source(&self) {
        if matches!(self.source, Store::Replicated) {
            return;
        }
        let toml = self.source_toml(&self.addresses().source);
        restatectl(&["-s", &self.cluster.address(), "metadata", "migrate", "--toml", &toml])
            .expect(0);
    }

    /// Puts the target back: empty, or for a roll-back with older epochs than the source.
    pub fn renew(&mut self) {
        self.round += 1;
        match &self.target {
            Store::Etcd(etcd) => etcd.clear(),
            Store::Replicated => self.cluster.put_epochs(1),
            // A prefix that was never used.
            _ => {}
        }
        self.before = self.read_target();
    }

    /// Returns where the stores are, without a proxy.
    pub fn addresses(&self) -> Addresses {
        let address = |store: &Store| match store {
            Store::Replicated => self.cluster.address().trim_start_matches("http://").to_owned(),
            Store::Etcd(etcd) => etcd.address(),
            Store::S3(bucket) => bucket.s3.endpoint.trim_start_matches("http://").to_owned(),
            Store::DynamoDb(table) => {
                table.server.endpoint.trim_start_matches("http://").to_owned()
            }
        };
        Addresses { source: address(&self.source), target: address(&self.target) }
    }

    /// Puts a proxy with this fault before the target, and returns it with the addresses to use. A roll-back finds the
    /// nodes by what they advertise, whatever it is told: there it is the proxy of the whole time.
    pub fn harm_target(&self, fault: Fault) -> (FaultyProxy, Addresses) {
        let at = self.addresses();
        if let Some(front) = &self.front {
            front.set_fault(fault);
            return (front.clone(), at);
        }
        let proxy = FaultyProxy::start_on((Ipv4Addr::LOCALHOST, 0), &at.target, fault);
        let target = proxy.address();
        (proxy, Addresses { target, ..at })
    }

    /// Returns the arguments of a migration that reaches the stores there.
    pub fn migrate_args(&self, at: &Addresses) -> Vec<String> {
        let toml = self.target_toml(&at.target);
        let mut args = vec!["metadata".to_owned(), "migrate".to_owned(), "--toml".to_owned(), toml];
        let mut add = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
        match self.source {
            // Only this address: the node names its own, past the proxy.
            Store::Replicated => add(&["-S", &format!("http://{}", at.source)]),
            _ => add(&["--from", &self.source_toml(&at.source)]),
        }
        if self.is_rollback() {
            let backups = self.folder.path().join(format!("backups-{}", self.round));
            std::fs::create_dir_all(&backups).unwrap();
            add(&["--force", "-y", "--backup-dir", backups.to_str().unwrap()]);
        }
        args
    }

    /// Returns the content of the target.
    pub fn read_target(&self) -> Digests {
        read_digests(&self.target_toml(&self.addresses().target))
    }

    fn read_source(&self) -> Digests {
        read_digests(&self.source_toml(&self.addresses().source))
    }

    #[track_caller]
    pub fn assert_source_unchanged(&self) {
        assert_eq!(self.read_source(), self.whole, "the source was changed");
    }

    /// Returns the keys that runs have written. Checks that each is as in the source, that every other one is as
    /// before, and that `nodes_config` came last.
    #[track_caller]
    pub fn written_keys(&self, found: &Digests) -> BTreeSet<String> {
        let written = found.iter().filter(|(key, digest)| self.before.get(*key) != Some(digest));
        let written: BTreeSet<_> = written.map(|(key, _)| key.clone()).collect();
        let is_merged = self.is_rollback();
        for key in &written {
            let is_right = found.get(key) == self.whole.get(key);
            assert!(
                is_right || (is_merged && key == NODES_CONFIG),
                "{key} is not as in the source"
            );
        }
        if written.contains(NODES_CONFIG) {
            let mut others = self.whole.iter().filter(|(key, _)| *key != NODES_CONFIG);
            let is_complete = others.all(|(key, digest)| found.get(key) == Some(digest));
            assert!(is_complete, "a target that is incomplete looks whole: {written:?}");
        }
        written
    }

    /// Returns whether the target has all that it is to have. A roll-back leaves a `nodes_config` of which only the
    /// version would change.
    #[track_caller]
    pub fn is_finished(&self, found: &Digests) -> bool {
        let written = self.written_keys(found);
        let mut others = self.whole.iter().filter(|(key, _)| *key != NODES_CONFIG);
        (self.is_rollback() || written.contains(NODES_CONFIG))
            && others.all(|(key, digest)| found.get(key) == Some(digest))
    }

    /// Returns whether the target has this key as the source has it, or a merged `nodes_config`.
    pub fn is_written(&self, found: &Digests, key: &str) -> bool {
        found.get(key) == self.whole.get(key) || self.written_keys(found).contains(key)
    }

    fn is_rollback(&self) -> bool {
        matches!(self.target, Store::Replicated)
    }

    fn source_toml(&self, at: &str) -> String {
        write_file(&self.folder, "source.toml", &self.source.section(at, "source"))
    }

    fn target_toml(&self, at: &str) -> String {
        let prefix = format!("round-{}", self.round);
        // One file for each address: a reader does not change that of a run.
        let name = format!("target-{}.toml", at.replace(':', "-"));
        write_file(&self.folder, &name, &self.target.section(at, &prefix))
    }
}

impl Store {
    fn start(kind: StoreKind) -> Store {
        match kind {
            StoreKind::Replicated => Store::Replicated,
            StoreKind::Etcd => Store::Etcd(Etcd::start()),
            StoreKind::S3 => Store::S3(seaweed().bucket().warm()),
            StoreKind::DynamoDb => Store::DynamoDb(create_table_on(dynoxide())),
        }
    }

    /// Returns the `[metadata-client]` section of this store at `host:port`.
    fn section(&self, at: &str, prefix: &str) -> String {
        let endpoint = format!("http://{at}");
        match self {
            Store::Replicated => {
                let kind = "type = \"replicated\"";
                format!("[metadata-client]\n{kind}\naddresses = [\"{endpoint}\"]\n")
            }
            Store::Etcd(_) => etcd_section(&[at.to_owned()]),
            Store::S3(bucket) => bucket.section_at(&endpoint, prefix),
            Store::DynamoDb(table) => table.section_at(&endpoint, prefix),
        }
    }
}

/// Starts the cluster of a route. As a target it has newer epochs, for the source to get, and advertises a proxy.
fn start_cluster(to: StoreKind, partitions: usize) -> (Cluster, Option<FaultyProxy>) {
    if to != StoreKind::Replicated {
        return (Cluster::large(partitions), None);
    }
    let port = Port::free();
    let (number, node) = (port.number, format!("127.0.0.1:{}", port.number));
    let front = FaultyProxy::start_on((Ipv4Addr::new(127, 0, 0, 2), number), &node, Fault::NEVER);
    let cluster = Cluster::large_at(port, "127.0.0.2", partitions);
    cluster.put_epochs(2);
    (cluster, Some(front))
}

/// Returns the version and digest of every key in a store; fails if any is damaged.
fn read_digests(store: &str) -> Digests {
    let listing = restatectl(&["metadata", "list", "--from", store, "-o", "json"]).expect(0).json();
    let keys = listing["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        assert!(key["version"].is_u64(), "{key} is damaged");
        (key["key"].as_str().unwrap().to_owned(), format!("{} {}", key["version"], key["sha256"]))
    })
    .collect()
}

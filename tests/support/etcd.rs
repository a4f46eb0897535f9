//! A real etcd, and its content as another client reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use etcd_client::{Client, DeleteOptions, GetOptions};
use tempfile::TempDir;

use super::ports::Port;
use super::process::Process;
use super::{block_on, wait_for};

pub struct Etcd {
    client: Port,
    _peer: Port,
    folder: TempDir,
    process: Process,
}

impl Etcd {
    pub fn start() -> Etcd {
        Etcd::start_with(&[])
    }

    /// With further flags.
    pub fn start_with(flags: &[&str]) -> Etcd {
        let (client, peer) = (Port::free(), Port::free());
        let folder = TempDir::new().unwrap();
        let (at, peer_at) = (
            format!("http://127.0.0.1:{}", client.number),
            format!("http://127.0.0.1:{}", peer.number),
        );
        let data = folder.path().join("data");
        let cluster = format!("default={peer_at}");
        let mut args = vec![
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
            &cluster,
        ];
        args.extend(flags);
        let log = folder.path().join("log");
        let mut process = Process::start(&PathBuf::from("etcd"), &args, &[], &log);
        let etcd_at = format!("127.0.0.1:{}", client.number);
        wait_for("etcd", Duration::from_secs(20), || {
            process.assert_running();
            block_on(async { Client::connect([&etcd_at], None).await?.status().await }).ok()
        });
        Etcd { client, _peer: peer, folder, process }
    }

    /// As `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.client.number)
    }

    /// A `[metadata-client]` section.
    pub fn section(&self) -> String {
        section(&[self.address()])
    }

    /// A file with that section.
    pub fn toml(&self) -> String {
        let path = self.folder.path().join("etcd.toml");
        std::fs::write(&path, self.section()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Every key and its value.
    pub fn content(&self) -> BTreeMap<String, Vec<u8>> {
        block_on(async {
            let mut client = self.connect().await;
            let all = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
            let pairs = all.kvs().iter();
            pairs.map(|pair| (pair.key_str().unwrap().to_owned(), pair.value().to_vec())).collect()
        })
    }

    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        block_on(async { self.connect().await.put(key, value, None).await.unwrap() });
    }

    /// Whether etcd took it.
    pub fn try_put(&self, key: &str, value: impl Into<Vec<u8>>) -> bool {
        block_on(async { self.connect().await.put(key, value, None).await.is_ok() })
    }

    /// The revision of the key's last change.
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

/// A `[metadata-client]` section for these addresses.
pub fn section(addresses: &[String]) -> String {
    format!("[metadata-client]\ntype = \"etcd\"\naddresses = {addresses:?}\n")
}

//! Tables of moto, which behaves like Amazon DynamoDB and is shared with the S3 tests, and of dynoxide, which has
//! exact item limits and no code of moto's.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::cargo_program;
use super::ports::Port;
use super::process::Process;
use super::s3::{S3, moto, ready, shared};

/// Starts dynoxide once for all tests.
pub fn dynoxide() -> S3 {
    static SERVER: OnceLock<S3> = OnceLock::new();
    shared(&SERVER, || {
        let (folder, port) = (TempDir::new().unwrap(), Port::free());
        let (number, log) = (port.number.to_string(), folder.path().join("log"));
        let args = ["--host", "127.0.0.1", "--port", &number];
        let process = Process::start(&cargo_program("dynoxide"), &args, &[], &log);
        ready(&S3::at_port(port.number), process, (folder, port))
    })
}

/// A table that belongs to one test.
pub struct Table {
    pub server: S3,
    pub name: String,
}

/// Creates a table with the schema that Restate needs.
pub fn create_table() -> Table {
    create_table_on(moto())
}

/// Creates the table on this server.
pub fn create_table_on(server: S3) -> Table {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("table-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.boto("create_table", &json!({"table": name}));
    Table { server, name }
}

/// Creates a table with a provisioned capacity of so many units for reads and for writes.
pub fn create_provisioned_table(units: u32) -> Table {
    let table = Table { server: moto(), name: format!("provisioned-{units}") };
    table.server.boto("create_table", &json!({"table": table.name, "units": units}));
    table
}

/// Encodes an item as Restate writes it.
pub fn encode_item(name: &str, version: u32, bytes: &[u8]) -> Json {
    json!({"pk": {"S": name}, "version": {"N": version.to_string()}, "data": {"B": STANDARD.encode(bytes)}})
}

impl Table {
    /// Returns a `[metadata-client]` section for this prefix.
    pub fn section(&self, prefix: &str) -> String {
        self.section_at(&self.server.endpoint, prefix)
    }

    /// Returns a section for another endpoint, such as a proxy's.
    pub fn section_at(&self, endpoint: &str, prefix: &str) -> String {
        format!(
            "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"{}\"\nkey-prefix = \"{prefix}\"\n\
             aws-endpoint-url = \"{endpoint}\"\naws-region = \"us-east-1\"\n\
             aws-access-key-id = \"{}\"\naws-secret-access-key = \"{}\"\n",
            self.name, self.server.key_id, self.server.secret
        )
    }

    /// Returns every item by its partition key, with its other attributes in the protocol's JSON.
    pub fn items(&self) -> BTreeMap<String, Json> {
        let items = self.server.boto("items", &json!({"table": self.name}));
        let items = items.as_array().unwrap().iter().cloned().map(|mut item| {
            let pk = item.as_object_mut().unwrap().remove("pk").unwrap();
            (pk["S"].as_str().unwrap().to_owned(), item)
        });
        items.collect()
    }

    pub fn put(&self, items: &[Json]) {
        self.server.boto("put_items", &json!({"table": self.name, "items": items}));
    }
}

/// Decodes the version and the bytes of an item that has no other attribute.
pub fn decode_item(item: &Json) -> (u32, Vec<u8>) {
    assert_eq!(item.as_object().unwrap().len(), 2, "{item}");
    let version = item["version"]["N"].as_str().unwrap().parse().unwrap();
    (version, STANDARD.decode(item["data"]["B"].as_str().unwrap()).unwrap())
}

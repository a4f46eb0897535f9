//! Real S3 servers: SeaweedFS and s3s-fs, which honour conditional writes, moto, which behaves like Amazon,
//! and s3rver, which ignores conditions. One of each serves all tests of a run; each test has its own bucket.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::ports::Port;
use super::process::Process;
use super::tool::{command, run};
use super::{cargo_program, npm_program, project, python_program, wait_for};

/// A secret long enough to be distinct from other text.
pub const SECRET: &str = "very-secret-key-of-the-tests";
pub const KEY_ID: &str = "test-key-id";

/// A server: its endpoint and its credentials.
#[derive(Clone, Debug)]
pub struct S3 {
    pub endpoint: String,
    pub key_id: String,
    pub secret: String,
}

/// An object as boto3 reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub body: Vec<u8>,
    pub encoding: Option<String>,
    pub content_type: Option<String>,
}

/// Starts the server once, on a thread that stays: the kernel ends the server with it.
pub fn shared(server: &'static OnceLock<S3>, start: fn() -> (S3, Box<dyn std::any::Any>)) -> S3 {
    server
        .get_or_init(|| {
            let (tell, printed) = mpsc::channel();
            std::thread::spawn(move || {
                let (s3, _held) = start();
                tell.send(s3).unwrap();
                loop {
                    std::thread::park();
                }
            });
            printed.recv().unwrap()
        })
        .clone()
}

pub fn seaweed() -> S3 {
    static SERVER: OnceLock<S3> = OnceLock::new();
    shared(&SERVER, start_seaweed)
}

pub fn moto() -> S3 {
    static SERVER: OnceLock<S3> = OnceLock::new();
    shared(&SERVER, || start_moto(&[]))
}

pub fn s3s_fs() -> S3 {
    static SERVER: OnceLock<S3> = OnceLock::new();
    shared(&SERVER, start_s3s_fs)
}

pub fn s3rver() -> S3 {
    static SERVER: OnceLock<S3> = OnceLock::new();
    shared(&SERVER, start_s3rver)
}

fn start_s3s_fs() -> (S3, Box<dyn std::any::Any>) {
    let (folder, port) = (TempDir::new().unwrap(), Port::free());
    let (number, log) = (port.number.to_string(), folder.path().join("log"));
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let args = ["--host", "127.0.0.1", "--port", &number, "--access-key", KEY_ID];
    let args = [&args[..], &["--secret-key", SECRET, root.to_str().unwrap()]].concat();
    let process = Process::start(&cargo_program("s3s-fs"), &args, &[], &log);
    ready(&S3::at_port(port.number), process, (folder, port))
}

fn start_s3rver() -> (S3, Box<dyn std::any::Any>) {
    let (folder, port) = (TempDir::new().unwrap(), Port::free());
    let (number, log) = (port.number.to_string(), folder.path().join("log"));
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let args =
        ["-d", root.to_str().unwrap(), "-a", "127.0.0.1", "-p", &number, "--no-vhost-buckets"];
    // It encrypts its tokens by an algorithm that newer versions of OpenSSL do not have by default.
    let envs = [("NODE_OPTIONS", "--openssl-legacy-provider")];
    let process = Process::start(&npm_program("s3rver/bin/s3rver.js"), &args, &envs, &log);
    let (key_id, secret) = ("S3RVER".to_owned(), "S3RVER".to_owned());
    let s3 = S3 { key_id, secret, ..S3::at_port(port.number) };
    ready(&s3, process, (folder, port))
}

fn start_seaweed() -> (S3, Box<dyn std::any::Any>) {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("s3.json");
    let identity = json!({"identities": [{"name": "t",
        "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"]}]});
    std::fs::write(&config, identity.to_string()).unwrap();
    let ports: Vec<Port> = (0..8).map(|_| Port::free()).collect();
    let mut args = vec![
        "server".to_owned(),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        format!("-dir={}", folder.path().display()),
        "-s3".to_owned(),
        "-filer".to_owned(),
        format!("-s3.config={}", config.display()),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        "-master.telemetry=false".to_owned(),
        // Each bucket takes volumes of its own.
        "-volume.max=2000".to_owned(),
        "-master.volumeSizeLimitMB=64".to_owned(),
    ];
    let names = ["s3", "filer", "master", "volume"];
    for (name, pair) in names.iter().zip(ports.chunks(2)) {
        args.push(format!("-{name}.port={}", pair[0].number));
        args.push(format!("-{name}.port.grpc={}", pair[1].number));
    }
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let log = folder.path().join("log");
    let process = Process::start(&python_program("weed"), &args, &[("HOME", "/nonexistent")], &log);
    let s3 = S3::at_port(ports[0].number);
    ready(&s3, process, (folder, ports))
}

/// Starts a separate moto with further variables.
pub fn start_moto(envs: &[(&str, &str)]) -> (S3, Box<dyn std::any::Any>) {
    moto_at("127.0.0.1", envs)
}

/// Starts a separate moto on this host, written as in a URL.
pub fn start_moto_on(host: &str) -> (S3, Box<dyn std::any::Any>) {
    moto_at(host, &[])
}

fn moto_at(host: &str, envs: &[(&str, &str)]) -> (S3, Box<dyn std::any::Any>) {
    let (folder, port) = (TempDir::new().unwrap(), Port::free());
    let number = port.number.to_string();
    let ip = host.trim_matches(['[', ']']);
    let log = folder.path().join("log");
    let process =
        Process::start(&python_program("moto_server"), &["-H", ip, "-p", &number], envs, &log);
    let at = S3::at_port(port.number);
    let s3 = S3 { endpoint: format!("http://{host}:{}", port.number), ..at };
    ready(&s3, process, (folder, port))
}

pub fn ready(
    s3: &S3,
    mut process: Process,
    held: impl std::any::Any,
) -> (S3, Box<dyn std::any::Any>) {
    wait_for("the S3 server", Duration::from_secs(60), || {
        process.assert_running();
        std::net::TcpStream::connect(s3.endpoint.trim_start_matches("http://")).ok()
    });
    (s3.clone(), Box::new((process, held)))
}

impl S3 {
    pub fn at_port(port: u16) -> S3 {
        S3 {
            endpoint: format!("http://127.0.0.1:{port}"),
            key_id: KEY_ID.to_owned(),
            secret: SECRET.to_owned(),
        }
    }

    /// Creates a bucket on this server.
    pub fn bucket(&self) -> Bucket {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        wait_for("a bucket", Duration::from_secs(60), || {
            self.try_boto("create", &json!({"bucket": name})).ok()
        });
        Bucket { s3: self.clone(), name }
    }

    pub fn boto(&self, name: &str, parameters: &Json) -> Json {
        self.try_boto(name, parameters).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn try_boto(&self, name: &str, parameters: &Json) -> Result<Json, String> {
        let script = project().join("tests/support/s3_client.py");
        let args = [script.to_str().unwrap(), &self.endpoint, &self.key_id, &self.secret, name];
        let ended = run(command(&python_program("python"), &args), &parameters.to_string());
        if ended.code == 0 { Ok(ended.json()) } else { Err(ended.err) }
    }
}

/// A bucket that belongs to one test.
pub struct Bucket {
    pub s3: S3,
    pub name: String,
}

impl Bucket {
    /// Returns a `[metadata-client]` section for this prefix.
    pub fn section(&self, prefix: &str) -> String {
        self.section_at(&self.s3.endpoint, prefix)
    }

    /// Returns a section for another endpoint, such as a proxy's.
    pub fn section_at(&self, endpoint: &str, prefix: &str) -> String {
        format!(
            "[metadata-client]\ntype = \"object-store\"\npath = \"s3://{}/{prefix}\"\n\
             aws-endpoint-url = \"{endpoint}\"\naws-region = \"us-east-1\"\n\
             aws-access-key-id = \"{}\"\naws-secret-access-key = \"{}\"\naws-allow-http = true\n",
            self.name, self.s3.key_id, self.s3.secret
        )
    }

    /// Returns every object by its name.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        let dump = self.s3.boto("dump", &json!({"bucket": self.name}));
        let objects = dump.as_object().unwrap().iter().map(|(key, object)| {
            let text = |field: &str| object[field].as_str().map(ToOwned::to_owned);
            let object = Object {
                body: STANDARD.decode(object["body"].as_str().unwrap()).unwrap(),
                encoding: text("encoding"),
                content_type: text("type"),
            };
            (key.clone(), object)
        });
        objects.collect()
    }

    /// Puts objects by name: body and Content-Encoding.
    pub fn put(&self, objects: &[(&str, &[u8], Option<&str>)]) {
        let objects: BTreeMap<_, _> = objects
            .iter()
            .map(|(key, body, encoding)| {
                (*key, json!({"body": STANDARD.encode(body), "encoding": encoding}))
            })
            .collect();
        self.s3.boto("put", &json!({"bucket": self.name, "objects": objects}));
    }

    /// Makes the first write, for which SeaweedFS creates volumes: that may take longer than a short
    /// time-out.
    pub fn warm(self) -> Bucket {
        self.put(&[("first", b"first", None)]);
        self.s3.boto("delete", &json!({"bucket": self.name, "key": "first"}));
        self
    }
}

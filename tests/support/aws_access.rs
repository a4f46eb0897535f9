//! Which access a tool and a server use: the first request of both at a local endpoint.

use std::time::Duration;

use tempfile::TempDir;

use super::http_proxy::{HttpFault, HttpProxy};
use super::ports::Port;
use super::process::Process;
use super::store_toml::write_file;
use super::tool::{command, program, run};
use super::{npm_program, wait_for};

/// Two services that deny every request and record the signers.
pub struct AccessFixture {
    /// The section without its access.
    head: &'static str,
    service: HttpProxy,
    /// A proxy, or another service.
    other: HttpProxy,
    folder: TempDir,
}

/// Returns the key id and region of the first request, if there was one; a tunnel's destination.
fn first_signer(service: &HttpProxy) -> Option<String> {
    let requests = service.requests().join("\n");
    if let Some(tunnel) = requests.strip_prefix("CONNECT ") {
        return Some(format!("a tunnel to {}", tunnel.split(' ').next()?));
    }
    let (_, signed) = requests.split_once("Credential=")?;
    let mut parts = signed.split('/');
    let (key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{key} in {region}"))
}

impl AccessFixture {
    /// Starts a service for each case, since a killed server may still send requests.
    pub fn new(head: &'static str) -> AccessFixture {
        let start = || {
            let service = HttpProxy::start("http://127.0.0.1:1");
            for method in ["POST", "GET", "PUT", "CONNECT"] {
                let denied = HttpFault::Answer(400, "AccessDeniedException");
                service.inject(method, "", usize::MAX / 4, denied);
            }
            service
        };
        let (service, other) = (start(), start());
        let folder = TempDir::new().unwrap();
        let keys =
            "aws_access_key_id = of-profile\naws_secret_access_key = s\nregion = r-profile\n";
        let of_config = format!("region = r-profile\nendpoint_url = {}\n", service.endpoint());
        write_file(&folder, "aws", &format!("[named]\n{keys}[profile named]\n{of_config}"));
        AccessFixture { head, service, other, folder }
    }

    fn replace_places(&self, text: &str) -> String {
        text.replace("AT", &self.service.endpoint()).replace("OTHER", &self.other.endpoint())
    }

    /// Returns the endpoint of the service, for a proxy in front of it.
    pub fn endpoint(&self) -> String {
        self.service.endpoint()
    }

    /// Returns the signer at either service, with where it was seen.
    pub fn find_signer(&self) -> Option<String> {
        let other = || first_signer(&self.other).map(|signer| format!("{signer}, at the other"));
        first_signer(&self.service).or_else(other)
    }

    /// Returns a section with these lines, where AT stands for the endpoint of the service.
    fn section(&self, lines: &str) -> String {
        format!("[metadata-client]\n{}\n{}", self.head, self.replace_places(lines))
    }

    /// Returns the variables with AT replaced, where FILES stands for the file of profiles.
    fn envs(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let common = [("HOME", "/nonexistent"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let file = self.folder.path().join("aws");
        let file = file.to_str().unwrap();
        let all = common
            .iter()
            .chain(more)
            .map(|(name, value)| (*name, self.replace_places(value).replace("FILES", file)));
        all.collect()
    }

    /// Returns the signer of our program's requests, or its exit code.
    pub fn our_signer(&self, lines: &str, envs: &[(&'static str, &str)]) -> Result<String, i32> {
        let toml = write_file(&self.folder, "dynamo.toml", &self.section(lines));
        let args = ["metadata", "get", "-k", "rule_book", "--from", &toml];
        let mut command = command(&program(), &args);
        command.envs(self.envs(envs));
        let ended = run(command, "");
        self.find_signer().ok_or(ended.code)
    }

    /// Returns the signer of a server's requests; `None` if it ends without any.
    pub fn server_signer(&self, lines: &str, envs: &[(&'static str, &str)]) -> Option<String> {
        let (mut process, _ports) = self.start_server(lines, envs);
        wait_for("a server to ask or to end", Duration::from_secs(30), || {
            // In this order: it may ask, and then end.
            let ended = process.has_ended();
            match self.find_signer() {
                Some(signer) => Some(Some(signer)),
                None => ended.then_some(None),
            }
        })
    }

    /// Starts a server with these lines and variables.
    pub fn start_server(&self, lines: &str, envs: &[(&'static str, &str)]) -> (Process, [Port; 3]) {
        let section = self.section(lines);
        let ports = [Port::free(), Port::free(), Port::free()];
        let [fabric, admin, ingress] = ports.each_ref().map(|port| port.number);
        let config = format!(
            "node-name = \"n1\"\nroles = [\"admin\"]\nbind-ip = \"127.0.0.1\"\nbind-port = {fabric}\n\
             advertised-address = \"http://127.0.0.1:{fabric}/\"\nlisten-mode = \"tcp\"\n\
             rocksdb-total-memory-size = \"512 MB\"\n{section}\n\
             [admin]\nbind-port = {admin}\n[ingress]\nbind-port = {ingress}\n"
        );
        let config = write_file(&self.folder, "server.toml", &config);
        let base = self.folder.path().join("base");
        let args = ["--config-file", &config, "--base-dir", base.to_str().unwrap()];
        let server = npm_program("@restatedev/restate-server-linux-x64/bin/restate-server");
        let envs = self.envs(envs);
        let mut envs: Vec<_> = envs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let temporary = self.folder.path().to_str().unwrap();
        envs.extend([("RESTATE_DISABLE_TELEMETRY", "true"), ("TMPDIR", temporary)]);
        let log = self.folder.path().join("log");
        (Process::start(&server, &args, &envs, &log), ports)
    }
}

/// Asserts the signer of both programs in this case.
#[track_caller]
pub fn assert_signer(
    head: &'static str,
    lines: &[&str],
    envs: &[&[(&'static str, &str)]],
    expected: &str,
) {
    let (fixture, lines, envs) = (AccessFixture::new(head), lines.concat(), envs.concat());
    let case = format!("{lines}{envs:?}");
    assert_eq!(fixture.our_signer(&lines, &envs).as_deref(), Ok(expected), "{case}");
    assert_eq!(fixture.server_signer(&lines, &envs).as_deref(), Some(expected), "{case}");
}

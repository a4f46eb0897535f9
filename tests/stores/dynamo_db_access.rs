//! The credentials, region and endpoint for DynamoDB: each case beside a real server.

use std::time::Duration;

use tempfile::TempDir;

use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::ports::Port;
use crate::support::process::Process;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, run};
use crate::support::{npm_program, wait_for};

/// A service that denies every request and records the signers.
struct AccessFixture {
    service: HttpProxy,
    folder: TempDir,
}

/// Returns the key id and region of the first request, if there was one.
fn first_signer(service: &HttpProxy) -> Option<String> {
    let requests = service.requests().join("\n");
    let (_, signed) = requests.split_once("Credential=")?;
    let mut parts = signed.split('/');
    let (key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{key} in {region}"))
}

impl AccessFixture {
    /// Starts a service for each case, since a killed server may still send requests.
    fn new() -> AccessFixture {
        let service = HttpProxy::start("http://127.0.0.1:1");
        service.inject("POST", "", usize::MAX / 4, HttpFault::Answer(400, "AccessDeniedException"));
        let folder = TempDir::new().unwrap();
        let keys =
            "aws_access_key_id = of-profile\naws_secret_access_key = s\nregion = r-profile\n";
        let of_config = format!("region = r-profile\nendpoint_url = {}\n", service.endpoint());
        write_file(&folder, "aws", &format!("[named]\n{keys}[profile named]\n{of_config}"));
        AccessFixture { service, folder }
    }

    /// Returns a section with these lines, where AT stands for the endpoint of the service.
    fn section(&self, lines: &str) -> String {
        let lines = lines.replace("AT", &self.service.endpoint());
        format!("[metadata-client]\ntype = \"dynamo-db\"\ntable = \"meta\"\n{lines}")
    }

    /// Returns the variables with AT replaced, where FILES stands for the file of profiles.
    fn envs(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let common = [("HOME", "/nonexistent"), ("AWS_EC2_METADATA_DISABLED", "true")];
        let file = self.folder.path().join("aws");
        let file = file.to_str().unwrap();
        let all = common.iter().chain(more).map(|(name, value)| {
            (*name, value.replace("AT", &self.service.endpoint()).replace("FILES", file))
        });
        all.collect()
    }

    /// Returns the signer of our program's requests, or its exit code.
    fn our_signer(&self, lines: &str, envs: &[(&'static str, &str)]) -> Result<String, i32> {
        let toml = write_file(&self.folder, "dynamo.toml", &self.section(lines));
        let args = ["metadata", "get", "-k", "rule_book", "--from", &toml];
        let mut command = command(&program(), &args);
        command.envs(self.envs(envs));
        let ended = run(command, "");
        first_signer(&self.service).ok_or(ended.code)
    }

    /// Returns the signer of a server's requests; `None` if it ends without any.
    fn server_signer(&self, lines: &str, envs: &[(&'static str, &str)]) -> Option<String> {
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
        let mut process = Process::start(&server, &args, &envs, &log);
        wait_for("a server to ask or to end", Duration::from_secs(30), || {
            // In this order: it may ask, and then end.
            let ended = process.has_ended();
            match first_signer(&self.service) {
                Some(signer) => Some(Some(signer)),
                None => ended.then_some(None),
            }
        })
    }
}

const AT: &str = "aws-endpoint-url = \"AT\"\n";
const REGION: &str = "aws-region = \"r-toml\"\n";
const KEYS: &str = "aws-access-key-id = \"of-toml\"\naws-secret-access-key = \"s\"\n";
const PROFILE: &str = "aws-profile = \"named\"\n";
const SECRET: &str = "aws-secret-access-key = \"s\"\n";

const FILES: [(&str, &str); 2] =
    [("AWS_SHARED_CREDENTIALS_FILE", "FILES"), ("AWS_CONFIG_FILE", "FILES")];
const ENV: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "of-env"), ("AWS_SECRET_ACCESS_KEY", "s")];
const ENV_REGION: (&str, &str) = ("AWS_REGION", "r-env");
const NOWHERE: &str = "http://127.0.0.1:1";

/// Asserts the signer of both programs in this case.
#[track_caller]
fn assert_signer(lines: &[&str], envs: &[&[(&'static str, &str)]], expected: &str) {
    let (setting, lines, envs) = (AccessFixture::new(), lines.concat(), envs.concat());
    let case = format!("{lines}{envs:?}");
    assert_eq!(setting.our_signer(&lines, &envs).as_deref(), Ok(expected), "{case}");
    assert_eq!(setting.server_signer(&lines, &envs).as_deref(), Some(expected), "{case}");
}

#[test]
fn access_settings_resolve_as_in_the_server() {
    // Explicit keys before the environment; plain http needs no flag.
    assert_signer(&[AT, REGION, KEYS], &[&ENV], "of-toml in r-toml");
    // The default chain, and the region of two variables.
    assert_signer(&[AT, REGION], &[&ENV], "of-env in r-toml");
    assert_signer(&[AT], &[&ENV, &[ENV_REGION]], "of-env in r-env");
    assert_signer(&[AT], &[&ENV, &[("AWS_DEFAULT_REGION", "r-env")]], "of-env in r-env");
    assert_signer(&[AT, REGION], &[&FILES, &[("AWS_PROFILE", "named")]], "of-profile in r-toml");
    // A profile with its region, behind the environment.
    assert_signer(&[AT, PROFILE], &[&FILES], "of-profile in r-profile");
    assert_signer(&[AT, PROFILE], &[&FILES, &ENV], "of-env in r-profile");
    assert_signer(&[AT, PROFILE], &[&FILES, &[ENV_REGION]], "of-profile in r-env");
    // A secret without a key id says nothing.
    assert_signer(&[AT, PROFILE, SECRET], &[&FILES], "of-profile in r-profile");
    assert_signer(&[AT, REGION, SECRET], &[&ENV], "of-env in r-toml");
}

#[test]
fn endpoint_resolves_as_in_the_server() {
    let (general, special) = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB");
    assert_signer(&[REGION, KEYS], &[&[(general, "AT")]], "of-toml in r-toml");
    let both = [(general, NOWHERE), (special, "AT")];
    assert_signer(&[REGION, KEYS], &[&both], "of-toml in r-toml");
    assert_signer(&[AT, REGION, KEYS], &[&[(special, NOWHERE)]], "of-toml in r-toml");
    assert_signer(&[PROFILE], &[&FILES], "of-profile in r-profile");
}

#[test]
fn settings_that_the_server_refuses_are_refused() {
    for lines in
        [[AT, REGION, PROFILE, KEYS].concat(), [AT, REGION, "aws-access-key-id = \"k\"\n"].concat()]
    {
        let setting = AccessFixture::new();
        assert_eq!(setting.our_signer(&lines, &FILES), Err(2), "{lines}");
        assert_eq!(setting.server_signer(&lines, &FILES), None, "{lines}");
    }
    // It waits for credentials that never come.
    assert_eq!(AccessFixture::new().our_signer(&[AT, REGION].concat(), &[]), Err(6));
}

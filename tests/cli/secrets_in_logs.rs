//! Secrets of every source, at every level of the log: files, profiles, variables, and the services that hand out
//! keys.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::dynamo::create_table;
use crate::support::encodings::{find_encoded, read_key_text};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::s3::{moto, s3s_fs};
use crate::support::store_toml::{replace_line, write_file};
use crate::support::tls_proxy::TlsProxy;
use crate::support::tool::{Run, command, program, run};
use crate::support::write_program;

/// What no output may have, in any encoding. `SERVED` is what a service hands out.
const SECRETS: [&str; 16] = [
    "FILE-SECRET-KEY",
    "FILE-SESSION-TOKEN",
    "PROFILE-SECRET-KEY",
    "PROFILE-SESSION-TOKEN",
    "VARIABLE-SECRET-KEY",
    "VARIABLE-SESSION-TOKEN",
    "PROCESS-SECRET-KEY",
    "PROCESS-SESSION-TOKEN",
    "PROCESS-ARGUMENT",
    "SERVED-SECRET-KEY",
    "SERVED-SESSION-TOKEN",
    "SERVED-INSTANCE-TOKEN",
    "CONTAINER-TOKEN",
    "SSO-ACCESS-TOKEN",
    "IDENTITY-TOKEN",
    "URL-PASSWORD",
];

/// A value that goes to the store and back.
const STORED: &str = "STORED-OPTION";

/// A configuration of AWS with a profile for each source of keys.
const PROFILES: &str = "\
[profile keys]
aws_access_key_id = PROFILE-ID
aws_secret_access_key = PROFILE-SECRET-KEY
aws_session_token = PROFILE-SESSION-TOKEN
[profile process]
credential_process = FOLDER/process PROCESS-ARGUMENT
[profile role]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = keys
[profile federated]
role_arn = arn:aws:iam::123456789012:role/r
web_identity_token_file = FOLDER/identity
[profile sso]
sso_session = corp
sso_account_id = 1
sso_role_name = r
[sso-session corp]
sso_start_url = http://127.0.0.1:1/start
sso_region = us-east-1
";

const PROCESS: &str = "#!/bin/sh
echo '{\"Version\": 1, \"AccessKeyId\": \"PROCESS-ID\", \"SecretAccessKey\": \"PROCESS-SECRET-KEY\",
 \"SessionToken\": \"PROCESS-SESSION-TOKEN\"}'
";

/// Starts what hands out keys: to roles, containers, instances, and by SSO.
fn start_key_service() -> HttpProxy {
    let service = HttpProxy::start("http://127.0.0.1:1");
    let role = |kind: &str| {
        format!(
            "<{kind}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{kind}Result><Credentials>\
             <AccessKeyId>ID</AccessKeyId><SecretAccessKey>SERVED-SECRET-KEY</SecretAccessKey>\
             <SessionToken>SERVED-SESSION-TOKEN</SessionToken><Expiration>2090-01-01T00:00:00Z</Expiration>\
             </Credentials></{kind}Result></{kind}Response>"
        )
    };
    let keys = json!({"Code": "Success", "AccessKeyId": "ID", "SecretAccessKey": "SERVED-SECRET-KEY",
        "Token": "SERVED-SESSION-TOKEN", "Expiration": "2090-01-01T00:00:00Z"});
    let sso = json!({"roleCredentials": {"accessKeyId": "ID", "secretAccessKey": "SERVED-SECRET-KEY",
        "sessionToken": "SERVED-SESSION-TOKEN", "expiration": 3_786_912_000_000_u64}});
    let answer = move |request: &[u8]| {
        let request = String::from_utf8_lossy(request);
        let line = request.lines().next().unwrap_or_default();
        let body = match line {
            _ if request.contains("AssumeRoleWithWebIdentity") => role("AssumeRoleWithWebIdentity"),
            _ if request.contains("AssumeRole") => role("AssumeRole"),
            _ if line.contains("/security-credentials/ ") => "role".to_owned(),
            _ if line.contains("/federation") => sso.to_string(),
            _ => keys.to_string(),
        };
        Some((200, body))
    };
    let token = |_: &str, client: &mut TcpStream| {
        let head = "HTTP/1.1 200 OK\r\nx-aws-ec2-metadata-token-ttl-seconds: 600\r\nconnection: close\r\ncontent-length: 21\r\n\r\n";
        client.write_all(format!("{head}SERVED-INSTANCE-TOKEN").as_bytes()).unwrap();
    };
    service.inject("PUT", "", usize::MAX / 4, HttpFault::Respond(Box::new(token)));
    for method in ["GET", "POST"] {
        service.inject(method, "", usize::MAX / 4, HttpFault::Judge(Box::new(answer.clone())));
    }
    service
}

fn write_access_files(folder: &TempDir) {
    let at = folder.path().to_str().unwrap();
    write_file(folder, "config", &PROFILES.replace("FOLDER", at));
    write_file(folder, "identity", "IDENTITY-TOKEN");
    write_program(&folder.path().join("process"), PROCESS);
    let cache = folder.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = "{\"accessToken\":\"SSO-ACCESS-TOKEN\",\"expiresAt\":\"2090-01-01T00:00:00Z\"}";
    // Named by the SHA-1 of "corp".
    std::fs::write(cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"), token).unwrap();
}

/// Returns the section without the access that it names.
fn without_access(section: &str) -> String {
    let section = replace_line(section, "aws-access-key-id", "");
    replace_line(&section, "aws-secret-access-key", "")
}

/// Runs the command with everything logged that can be.
fn run_at_trace(words: &[&str], folder: &Path, envs: &[(&str, &str)]) -> Run {
    let mut command = command(&program(), words);
    let config = folder.join("config");
    command.env("HOME", folder).env("AWS_CONFIG_FILE", config).env("PATH", "/usr/bin:/bin");
    // The libraries' own switches of what they print.
    command.env("LOG_SENSITIVE_BODIES", "true").env("LOG_SIGNABLE_BODY", "true");
    command
        .env("RUST_LOG", "trace,aws_smithy_runtime=trace,aws_smithy_http_client=trace,hyper=trace");
    command.envs(envs.iter().copied());
    run(command, "")
}

#[test]
fn keys_of_every_source_appear_at_no_level_of_the_log() {
    let (folder, service) = (TempDir::new().unwrap(), start_key_service());
    write_access_files(&folder);
    let (table, bucket) = (create_table(), moto().bucket());
    let endpoint = format!("{}/", service.endpoint());
    let keys = "aws-access-key-id = \"ID\"\naws-secret-access-key = \"FILE-SECRET-KEY\"\n\
                aws-session-token = \"FILE-SESSION-TOKEN\"\n";
    let profile = |name: &str| format!("aws-profile = \"{name}\"\n");
    let sts = ("AWS_ENDPOINT_URL_STS", endpoint.as_str());
    let cases = [
        (keys.to_owned(), vec![]),
        (profile("keys"), vec![]),
        (profile("process"), vec![]),
        (profile("role"), vec![sts]),
        (profile("federated"), vec![sts]),
        (profile("sso"), vec![("AWS_ENDPOINT_URL_SSO", endpoint.as_str())]),
        (
            String::new(),
            vec![
                ("AWS_ACCESS_KEY_ID", "ID"),
                ("AWS_SECRET_ACCESS_KEY", "VARIABLE-SECRET-KEY"),
                ("AWS_SESSION_TOKEN", "VARIABLE-SESSION-TOKEN"),
            ],
        ),
        (
            String::new(),
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.as_str()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "CONTAINER-TOKEN"),
            ],
        ),
        (String::new(), vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str())]),
    ];
    let mut outputs = Vec::new();
    for section in [table.section("p"), bucket.section("p")] {
        let bare = without_access(&section);
        let with_password =
            format!("{bare}\n{keys}").replace("http://", "http://user:URL-PASSWORD@");
        let toml = write_file(&folder, "store.toml", &with_password);
        let list = ["metadata", "list", "--from", &toml, "--request-timeout", "10000"];
        // S3 refuses what is signed with such a host, and DynamoDB accepts it.
        outputs.push(run_at_trace(&list, folder.path(), &[]).err);
        for (lines, envs) in &cases {
            write_file(&folder, "store.toml", &format!("{bare}\n{lines}"));
            let ended = run_at_trace(&list, folder.path(), envs).expect(0);
            outputs.extend([ended.out, ended.err]);
        }
        // A value goes there and back.
        let document = json!({"deployments_v2": [],
            "subscriptions": [["sub_1", {"id": "sub_1", "metadata": {"sasl.password": STORED}}]]});
        let document = write_file(&folder, "schema.json", &document.to_string());
        let store =
            ["metadata", "put", "-k", "schema_registry", "--from", &toml, "--backup-dir", "."];
        write_file(&folder, "store.toml", &format!("{bare}\n{keys}"));
        let put = [&store[..], &[&document]].concat();
        // Its standard output is the new value.
        outputs.push(run_at_trace(&put, folder.path(), &[]).expect(0).err);
        let listed = run_at_trace(&list, folder.path(), &[]).expect(0);
        assert!(listed.out.contains("schema_registry"), "{}", listed.out);
        outputs.push(listed.err);
    }
    let all = outputs.join("\n");
    assert!(all.contains("aws_smithy_runtime::"), "the libraries log nothing");
    for secret in SECRETS.iter().chain([&STORED]) {
        assert_eq!(find_encoded(&all, secret), None, "{secret}");
    }
}

#[test]
fn private_key_appears_at_no_level_of_the_log() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    for (file, names) in [("node", &["localhost"][..]), ("client", &["client"])] {
        authority.sign(&CertificateRequest { file, names, expired: false });
    }
    let proxy = TlsProxy::start(&moto().endpoint, folder.path(), "node");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ca, certificate, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let endpoint = proxy.endpoint();
    let tls = ["--tls-ca", &ca, "--tls-cert", &certificate, "--tls-key", &key];
    let words = ["-s", &endpoint, "--request-timeout", "1000", "metadata", "list"];
    let output = run_at_trace(&[&tls[..], &words].concat(), folder.path(), &[]).err;
    assert!(output.contains("DEBUG"), "{output}");
    for line in read_key_text(&key) {
        assert_eq!(find_encoded(&output, &line), None);
    }
}

#[test]
fn password_of_an_endpoint_appears_in_no_log_and_no_error() {
    let (folder, bucket) = (TempDir::new().unwrap(), s3s_fs().bucket());
    let section = bucket.section("p");
    let endpoint = &bucket.s3.endpoint;
    // One that is understood, at a server that answers and keeps the connection, and some that are not.
    let good = endpoint.replace("http://", "http://user:URL-PASSWORD@");
    let bad = ["http://user:URL-PASSWORD@h:bad", "http://user:URL-PASSWORD@[bad"];
    let variables = ["AWS_ENDPOINT_URL_S3", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let lines = section.lines().filter(|line| !line.contains(endpoint.as_str()));
    let bare = lines.collect::<Vec<_>>().join("\n");
    let assert_hidden = |section: &str, envs: &[(&str, &str)]| {
        let toml = write_file(&folder, "store.toml", section);
        let list = ["-vv", "metadata", "list", "--from", &toml, "--request-timeout", "2000"];
        let ended = run_at_trace(&list, folder.path(), envs);
        let said = ended.out + &ended.err;
        assert_eq!(find_encoded(&said, "URL-PASSWORD"), None, "{section} {envs:?}");
    };
    for at in [good.as_str(), "http://user:URL-PASSWORD @h"].into_iter().chain(bad) {
        assert_hidden(&section.replace(endpoint.as_str(), at), &[]);
        for variable in variables {
            assert_hidden(&bare, &[(variable, at)]);
        }
    }
}

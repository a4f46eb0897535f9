//! Access to AWS that is not there: each case ends in seconds, once and for all, and says what was tried and what
//! to do, for DynamoDB and S3 alike.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::dynamo::create_table;
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::s3::moto;
use crate::support::store_toml::{replace_line, write_file};
use crate::support::tls_proxy::TlsProxy;
use crate::support::tool::{Run, command, program, run};

/// No request gets here: all cases fail before one.
const NOWHERE: &str = "aws-endpoint-url = \"http://127.0.0.1:1\"\naws-region = \"r\"\n";
const DYNAMO_DB: &str = "type = \"dynamo-db\"\ntable = \"t\"\n";
const S3: &str = "type = \"object-store\"\npath = \"s3://b/p\"\naws-allow-http = true\n";

const PROFILES: &str = "\
[profile empty]
region = r
[profile half]
aws_access_key_id = k
[profile sso]
sso_session = corp
sso_account_id = 1
sso_role_name = r
[sso-session corp]
sso_start_url = http://127.0.0.1:1/start
sso_region = r
[profile login]
login_session = arn:aws:iam::123456789012:user/x
[profile failing]
credential_process = sh -c 'echo no luck >&2; exit 3'
[profile hanging]
credential_process = sleep 30
[profile newline]
credential_process = printf '{\"Version\":1,\"AccessKeyId\":\"k\\\\n\",\"SecretAccessKey\":\"s\"}'
[profile federated]
role_arn = arn:aws:iam::1:role/r
web_identity_token_file = /nonexistent/token
[profile chained]
role_arn = arn:aws:iam::1:role/r
source_profile = absent
[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = keys
[profile keys]
aws_access_key_id = k
aws_secret_access_key = s
";

/// The limit of each run: nothing is retried.
const SECONDS: Duration = Duration::from_secs(6);

/// Reads from both stores with these lines and variables, and asserts how the run ends, and that it ends soon.
#[track_caller]
fn assert_refused(lines: &str, envs: &[(&str, &str)], code: i32, words: &[&str]) {
    for store in [DYNAMO_DB, S3] {
        let folder = TempDir::new().unwrap();
        let section = format!("[metadata-client]\n{store}{NOWHERE}{lines}");
        let began = Instant::now();
        let ended = run_on(&["list"], &write_file(&folder, "store.toml", &section), envs);
        assert!(began.elapsed() < SECONDS, "{lines}{envs:?}: {:?}", began.elapsed());
        assert_eq!(ended.code, code, "{lines}{envs:?}: {}", ended.err);
        for word in words {
            assert!(ended.err.contains(word), "{word:?} is not in {}", ended.err);
        }
        for advice in ["feature", "panicked", "was not enabled"] {
            assert!(!ended.err.contains(advice), "{}", ended.err);
        }
    }
}

fn read_from(toml: &str, envs: &[(&str, &str)]) -> Run {
    run_on(&["get", "-k", "rule_book"], toml, envs)
}

fn run_on(subcommand: &[&str], toml: &str, envs: &[(&str, &str)]) -> Run {
    let options = ["--request-timeout", "1250", "metadata"];
    let mut command = command(&program(), &[&options, subcommand, &["--from", toml]].concat());
    command.env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin").envs(envs.iter().copied());
    run(command, "")
}

#[test]
fn unusable_profile_is_reported_with_its_cause_and_advice() {
    let folder = TempDir::new().unwrap();
    let file = write_file(&folder, "config", PROFILES);
    let envs = [("AWS_CONFIG_FILE", file.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    for (profile, words) in [
        ("absent", &["the profile absent does not exist in /", "check its name"][..]),
        ("empty", &["the profile empty has no credentials", "aws_secret_access_key"]),
        ("half", &["the keys of the profile half", "both aws_access_key_id and"]),
        ("sso", &["SSO session of the profile sso", "run `aws sso login --profile sso`"]),
        ("login", &["login_session, which neither this program nor the Restate server"]),
        ("failing", &["the credential_process of the profile failing", "no luck", "by hand"]),
        ("hanging", &["the credential_process of the profile hanging did not respond within 1 s"]),
        ("newline", &["the AWS access key id has a newline"]),
        ("federated", &["the web identity token in /nonexistent/token", "is mounted"]),
        ("chained", &["the profile absent does not exist"]),
    ] {
        assert_refused(&format!("aws-profile = \"{profile}\""), &envs, 6, words);
    }
    // The role's service refuses connections, or never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    for (endpoint, words) in [
        ("http://127.0.0.1:1", "the role of the profile role: "),
        (silent.as_str(), "the role of the profile role did not respond within 1 s"),
    ] {
        let envs = [&envs[..], &[("AWS_ENDPOINT_URL_STS", endpoint)]].concat();
        assert_refused("aws-profile = \"role\"", &envs, 6, &[words, "check role_arn"]);
    }
    // A session that was begun, and has ended; its file is named by the SHA-1 of "corp".
    let cache = folder.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = "{\"accessToken\":\"t0ken\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}";
    std::fs::write(cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"), token).unwrap();
    let envs = [&envs[..], &[("HOME", folder.path().to_str().unwrap())]].concat();
    let words = ["the SSO session of the profile sso", "has expired", "run `aws sso login"];
    assert_refused("aws-profile = \"sso\"", &envs, 6, &words);
    let broken = write_file(&folder, "broken", "[profile x");
    let envs = [("AWS_CONFIG_FILE", broken.as_str()), ("AWS_PROFILE", "x")];
    assert_refused("", &envs, 6, &["can't be read", "on line 1"]);
}

#[test]
fn absent_or_silent_sources_are_reported_with_all_that_was_tried() {
    // It accepts connections, and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    let disabled = ("AWS_EC2_METADATA_DISABLED", "true");
    let tried =
        ["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set", "no profile default in"];
    let none =
        [&tried[..], &["disabled by AWS_EC2_METADATA_DISABLED", "name aws-profile"]].concat();
    assert_refused("", &[disabled], 6, &none);
    let half = [disabled, ("AWS_ACCESS_KEY_ID", "k")];
    assert_refused("", &half, 6, &["(AWS_SECRET_ACCESS_KEY is not set)"]);
    let metadata = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent.as_str())];
    assert_refused("", &metadata, 6, &["the instance metadata"]);
    // A metadata service that answers one byte a second.
    let drip = HttpProxy::start("http://127.0.0.1:1");
    for method in ["PUT", "GET"] {
        let respond = HttpFault::Respond(Box::new(|_, client| {
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n");
            while client.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
        }));
        drip.inject(method, "", usize::MAX / 4, respond);
    }
    let drip = drip.endpoint();
    let metadata = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", drip.as_str())];
    assert_refused("", &metadata, 6, &["the instance metadata (IMDS) did not respond within 1 s"]);
    let folder = TempDir::new().unwrap();
    let section =
        format!("[metadata-client]\n{DYNAMO_DB}aws-endpoint-url = \"http://127.0.0.1:1\"");
    let ended = read_from(&write_file(&folder, "store.toml", &section), &metadata);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("the AWS region was not found within 1 s"), "{}", ended.err);
    // Who knows the path is given the credentials.
    let secret = format!("{silent}v2/s3cr3t?token=s3cr3t");
    let container = [disabled, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", secret.as_str())];
    let server = silent.trim_end_matches('/');
    let (server, late) = (format!("the container's credentials at {server} "), "within 1 s");
    assert_refused("", &container, 6, &[&server, late]);
    let token = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"), ("AWS_ROLE_ARN", "arn:x")];
    assert_refused("", &token, 6, &["the web identity token in /nonexistent"]);
}

#[test]
fn newline_of_a_mounted_secret_is_named() {
    let key = "aws-access-key-id = \"k\\n\"\naws-secret-access-key = \"s\"\n";
    assert_refused(key, &[], 2, &["aws-access-key-id has a newline"]);
    let keys = |id, secret| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)];
    assert_refused("", &keys("k\n", "s"), 6, &["access key id has a newline"]);
    // The server signs with such a secret; a store may have been given the same one.
    assert_refused("", &keys("k", "s\n"), 6, &["secret access key has a newline", "refused"]);
    let folder = TempDir::new().unwrap();
    let section =
        format!("[metadata-client]\n{DYNAMO_DB}aws-endpoint-url = \"http://127.0.0.1:1\"");
    let toml = write_file(&folder, "store.toml", &section);
    let ended = read_from(&toml, &[("AWS_REGION", "us-east-1\n")]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("the AWS region \"us-east-1\\n\" is not a valid name"), "{ended:?}");
}

const NO_AUTHORITIES: &str = "this machine trusts no certificate authority (looked at SSL_CERT_FILE=/nonexistent; \
    /nonexistent: No such file or directory (os error 2)): install ca-certificates, or name a PEM file";

#[test]
fn private_authority_is_trusted_by_ssl_cert_file_alone() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    authority.sign(&CertificateRequest { file: "store", names: &["localhost"], expired: false });
    let (table, bucket) = (create_table(), moto().bucket());
    let proxy = TlsProxy::start(&table.server.endpoint, folder.path(), "store");
    let ca = folder.path().join("authority.pem");
    let ca = ca.to_str().unwrap();
    for section in [table.section("p"), bucket.section("p")] {
        let endpoint = format!("aws-endpoint-url = \"{}\"", proxy.endpoint());
        let section = replace_line(&section, "aws-endpoint-url", &endpoint);
        let toml = write_file(&folder, "store.toml", &section);
        let ended = read_from(&toml, &[("SSL_CERT_FILE", ca)]);
        assert_eq!(ended.code, 3, "{}", ended.err);
        for (envs, words) in [
            (&[][..], "signed by an authority that is not trusted here"),
            (&[], "SSL_CERT_FILE names a PEM file"),
            (&[("AWS_CA_BUNDLE", ca)], "AWS_CA_BUNDLE is not used, by the servers neither"),
            (&[("SSL_CERT_FILE", "/nonexistent")], NO_AUTHORITIES),
            (
                &[("SSL_CERT_FILE", "/etc/hosts")],
                "looked at SSL_CERT_FILE=/etc/hosts; no certificate there",
            ),
        ] {
            let began = Instant::now();
            let ended = read_from(&toml, envs);
            assert!(began.elapsed() < SECONDS);
            assert_eq!(ended.code, 6, "{}", ended.err);
            assert!(ended.err.contains(words), "{words:?} is not in {}", ended.err);
        }
    }
    // The server that issues the credentials of a service account.
    let token = write_file(&folder, "token", "token");
    let section = "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"meta\"\naws-region = \"r\"\n";
    let toml = write_file(&folder, "account.toml", section);
    let account = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/meta"),
        ("AWS_ENDPOINT_URL_STS", &proxy.endpoint()),
        ("SSL_CERT_FILE", "/nonexistent"),
    ];
    let ended = read_from(&toml, &account);
    assert!(ended.err.contains(NO_AUTHORITIES), "{ended:?}");
    // Plain http where TLS is expected.
    let plain = table.server.endpoint.replace("http://", "https://");
    let ended = read_from(&write_file(&folder, "plain.toml", &table.section_at(&plain, "p")), &[]);
    assert_eq!(ended.code, 6);
    assert!(ended.err.contains("it does not speak TLS there"), "{}", ended.err);
}

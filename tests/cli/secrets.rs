//! Secret keys and session tokens: absent from every output at the highest verbosity, in success and in
//! failure.

use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::moto;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, run};

const TOKEN: &str = "session-token-that-nobody-may-see";

#[test]
fn secrets_appear_in_no_output() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let bucket = moto().bucket();
    let folder = TempDir::new().unwrap();
    let section = format!("{}aws-session-token = \"{TOKEN}\"\n", bucket.section("p"));
    let table = create_table();
    assert_eq!(table.server.secret, bucket.s3.secret);
    let of_table = format!("{}aws-session-token = \"{TOKEN}\"\n", table.section("p"));
    let sections = [
        of_table.clone(),
        of_table.replace(&table.name, "absent-table"),
        of_table.replace("key-prefix = ", "key-prefix = 5"),
        of_table.replace("aws-session-token = ", "aws-profile = \"p\"\naws-session-token = "),
        section.clone(),
        section.replace("aws-region", "no-region"),
        section.replace(&bucket.name, "absent-bucket"),
        section.replace("object-store", "object-stor"),
        section.replace("s3://", "s4://"),
        section.replace("aws-allow-http = true", "aws-allow-http = \"true\""),
        section.replace("aws-session-token = ", "aws-session-token == "),
        section.replace(&bucket.s3.endpoint, "http://127.0.0.1:1"),
    ];
    let mut outputs = String::new();
    for section in &sections {
        let toml = write_file(&folder, "s3.toml", section);
        for words in [
            &["list", "--from", &toml][..],
            &["get", "-k", "nodes_config", "--from", &toml],
            &["migrate", "--toml", &toml, "--dry-run"],
            &["migrate", "--toml", &toml],
            &["migrate", "--toml", &toml, "--resume"],
            &["verify", "--toml", &toml],
        ] {
            for form in ["text", "json"] {
                let common = [
                    "-s",
                    &cluster.address(),
                    "--request-timeout",
                    "500",
                    "-vvv",
                    "-o",
                    form,
                    "metadata",
                ];
                let mut command = command(&program(), &[&common, words].concat());
                command.env("RUST_LOG", "trace");
                let ended = run(command, "");
                outputs.push_str(&format!("{}{}", ended.out, ended.err));
            }
        }
    }
    assert!(outputs.contains("<redacted>") && outputs.len() > 100_000, "{}", outputs.len());
    for secret in [bucket.s3.secret.as_str(), TOKEN] {
        let at = outputs.find(secret);
        assert!(at.is_none(), "{}", &outputs[at.unwrap_or(0).saturating_sub(300)..][..400]);
    }
}

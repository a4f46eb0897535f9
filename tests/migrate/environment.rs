//! Variables that override a server's file, and where the access to an AWS store came from.

use tempfile::TempDir;

use crate::support::restate::Cluster;
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, run};

#[test]
fn overriding_variables_are_warned_of_and_next_steps_name_them_and_the_origins() {
    let cluster = Cluster::ready_to_migrate(1);
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let section = format!(
        "[metadata-client]\ntype = \"object-store\"\npath = \"s3://{}/p\"\naws-allow-http = true\naws-region = \"us-east-1\"\n",
        bucket.name
    );
    let toml = write_file(&folder, "s3.toml", &section);
    let migrate = |more: &[&str], envs: &[(&str, &str)]| {
        let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "-o", "json"];
        let mut command = command(&program(), &[&args, more].concat());
        command.envs([
            ("AWS_ACCESS_KEY_ID", bucket.s3.key_id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &bucket.s3.secret),
            ("AWS_ENDPOINT_URL_S3", &bucket.s3.endpoint),
        ]);
        command.envs(envs.iter().copied());
        run(command, "")
    };
    let planned = migrate(&["--dry-run"], &[("RESTATE_METADATA_CLIENT__TYPE", "object-store")]);
    let planned = planned.expect(0).json();
    assert!(!planned["checks"].to_string().contains("environment"), "{planned:#}");

    let overrides = [("RESTATE_METADATA_CLIENT__TYPE", "s3cr3t"), ("RESTATE_ROLES", "[\"admin\"]")];
    let done = migrate(&[], &overrides).expect(0).json();
    assert!(!done.to_string().contains("s3cr3t"));
    let checks = done["checks"].as_array().unwrap();
    let at = checks.iter().position(|check| check["check"] == "environment").unwrap();
    assert_eq!(
        (&checks[at - 1]["check"], &checks[at]["status"]),
        (&"target".into(), &"warning".into())
    );
    let detail = checks[at]["detail"].to_string();
    let steps = done["next_steps"].to_string();
    for name in ["RESTATE_METADATA_CLIENT__TYPE", "RESTATE_ROLES"] {
        assert!(detail.contains(name) && steps.contains(name), "{detail}\n{steps}");
    }
    for words in [
        "no RESTATE_METADATA_CLIENT__* and no RESTATE_ROLES variable",
        "identity from AWS_ACCESS_KEY_ID in the environment",
        "region from the [metadata-client] section",
        "endpoint from AWS_ENDPOINT_URL_S3 in the environment",
    ] {
        assert!(steps.contains(words), "{words}: {steps}");
    }
}

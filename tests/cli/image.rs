//! The container image: what is in it, and the program in it against a real server, with and without TLS.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tempfile::TempDir;

use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::image::Container;
use crate::support::restate::Cluster;
use crate::support::tls_proxy::TlsProxy;
use crate::support::wait_for;

/// The authorities of this machine, which `make image` puts into the image.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const ALIAS: &str = "node-1.image.test";

#[test]
fn image_has_only_the_program_and_reads_clusters_over_http_and_tls() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    authority.sign(&CertificateRequest { file: "node", names: &[ALIAS], expired: false });
    let bundle = [SYSTEM_AUTHORITIES.into(), folder.path().join("authority.pem")];
    let bundle = bundle.map(|file| std::fs::read_to_string(file).unwrap()).concat();
    let authorities = folder.path().join("bundle.pem");
    std::fs::write(&authorities, bundle).unwrap();
    let container = Container::build(&authorities, ALIAS);
    assert_content(&container);

    let cluster = Cluster::start_metadata_server("127.0.0.1", "localhost");
    let plain = cluster.address().replace("localhost", ALIAS);
    wait_for("the keys", std::time::Duration::from_secs(30), || {
        let listed = container.run(&[], &["-S", &plain, "metadata", "list"]);
        listed.out.contains(" nodes_config ").then_some(())
    });
    let proxy = TlsProxy::start(&cluster.address(), folder.path(), "node");
    let encrypted = proxy.endpoint().replace("localhost", ALIAS);
    let list = ["-S", &encrypted, "metadata", "list"];
    assert!(container.run(&[], &list).expect(0).out.contains(" nodes_config "));
    let untrusting = container.run(&["--env", "SSL_CERT_FILE=/nonexistent"], &list).expect(6);
    let reason =
        "this machine trusts no certificate authority (looked at SSL_CERT_FILE=/nonexistent;";
    assert!(untrusting.err.contains(reason), "{untrusting:?}");
    assert_backup_needs_a_folder(&container, &plain);
}

fn assert_content(container: &Container) {
    let expected = [
        "etc/ssl/certs/ca-certificates.crt",
        "usr/bin/restatectl",
        "usr/share/doc/restatectl-metadata/LICENSE",
    ];
    assert_eq!(container.files(), expected);
    let config = container.config();
    assert_eq!(config["User"], "65532:65532");
    let version = env!("CARGO_PKG_VERSION");
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!((label("title"), label("version")), ("restatectl-metadata".into(), version.into()));
    assert_eq!(label("licenses"), "Apache-2.0");
    let printed = container.run(&[], &["--version"]).expect(0).out;
    let revision = label("revision");
    let prefix = format!("restatectl {version} (commit {}, ", revision.as_str().unwrap());
    assert!(printed.starts_with(&prefix), "{printed} {config}");
}

/// Checks that no backup is written into the container, with which it would vanish.
fn assert_backup_needs_a_folder(container: &Container, address: &str) {
    let backup = ["-S", address, "metadata", "backup", "--to", "before.jsonl"];
    let refused = container.run(&[], &backup).expect(5);
    assert!(refused.err.contains("Permission denied"), "{refused:?}");
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let mounted = format!("{}:/work", folder.path().display());
    container.run(&["--volume", &mounted], &backup).expect(0);
    let file = folder.path().join("before.jsonl").metadata().unwrap();
    assert!(file.len() > 0 && file.uid() != 0, "{file:?}");
}

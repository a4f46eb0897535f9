//! A cluster that accepts TLS only and requires client certificates.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::etcd::Etcd;
use crate::support::ports::Port;
use crate::support::process::Process;
use crate::support::tool::{Run, command, program, restatectl, run};
use crate::support::{npm_program, wait_for};

/// A node with TLS. Its certificate is for `localhost` and `::1`.
struct TlsNode {
    folder: TempDir,
    port: Port,
    _process: Process,
}

fn write_certificates(folder: &Path) {
    let (ours, others) = (Authority::new(folder, "ca"), Authority::new(folder, "other"));
    let sign = |by: &Authority<'_>, file, names: &[&str], expired| {
        by.sign(&CertificateRequest { file, names, expired });
    };
    sign(&ours, "node", &["localhost", "::1"], false);
    sign(&ours, "late", &["localhost"], true);
    sign(&ours, "client", &["client"], false);
    sign(&ours, "expired", &["client"], true);
    sign(&others, "stranger", &["client"], false);
}

impl TlsNode {
    /// Starts a metadata server.
    fn start(certificate: &str, ip: &str) -> TlsNode {
        let (port, host) = (Port::free(), if ip == "::1" { "[::1]" } else { "localhost" });
        let address = format!("https://{host}:{}/", port.number);
        let section =
            format!("[metadata-client]\ntype = \"replicated\"\naddresses = [\"{address}\"]\n");
        TlsNode::start_at(port, (certificate, ip), "\"metadata-server\"", &section)
    }

    fn start_at(
        port: Port,
        (certificate, ip): (&str, &str),
        roles: &str,
        section: &str,
    ) -> TlsNode {
        let folder = TempDir::new().unwrap();
        write_certificates(folder.path());
        let (at, number) = (folder.path().display(), port.number);
        let host = if ip == "::1" { "[::1]" } else { "localhost" };
        let config = format!(
            "node-name = \"node-1\"\ncluster-name = \"demo\"\nroles = [{roles}]\n\
             auto-provision = true\ndefault-num-partitions = 2\nbind-ip = \"{ip}\"\n\
             bind-port = {number}\nadvertised-address = \"https://{host}:{number}/\"\n\
             listen-mode = \"all\"\nrocksdb-total-memory-size = \"512 MB\"\n\
             {section}\n[tls]\nmode = \"require\"\ncert-file = \"{at}/{certificate}.pem\"\n\
             key-file = \"{at}/{certificate}.key\"\nca-files = [\"{at}/ca.pem\"]\n\
             require-client-auth = true\nallowed-subject-names = [\"*\"]\n"
        );
        let file = folder.path().join("node.toml");
        std::fs::write(&file, config).unwrap();
        let (base, log) = (folder.path().join("data"), folder.path().join("log"));
        let temporary = folder.path().to_str().unwrap();
        let envs = [("RESTATE_DISABLE_TELEMETRY", "true"), ("TMPDIR", temporary)];
        let server = npm_program("@restatedev/restate-server-linux-x64/bin/restate-server");
        let args = ["--config-file", file.to_str().unwrap(), "--base-dir", base.to_str().unwrap()];
        let mut process = Process::start(&server, &args, &envs, &log);
        wait_for("the node's port", Duration::from_secs(60), || {
            process.assert_running();
            std::net::TcpStream::connect((ip, number)).ok()
        });
        TlsNode { folder, port, _process: process }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn address(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.port.number)
    }

    /// Runs our program with the address and the certificates of these names.
    fn run(&self, address: &str, ca: &str, own: &str, more: &[&str]) -> Run {
        let mut args = vec!["-s".to_owned(), address.to_owned()];
        if !ca.is_empty() {
            args.extend(["--tls-ca".to_owned(), self.file(&format!("{ca}.pem"))]);
        }
        if !own.is_empty() {
            args.extend(["--tls-cert".to_owned(), self.file(&format!("{own}.pem"))]);
            args.extend(["--tls-key".to_owned(), self.file(&format!("{own}.key"))]);
        }
        args.extend(["--request-timeout", "20000"].map(ToOwned::to_owned));
        args.extend(more.iter().map(|word| (*word).to_owned()));
        restatectl(&args)
    }

    fn list(&self, address: &str, ca: &str, own: &str) -> Run {
        self.run(address, ca, own, &["metadata", "list"])
    }

    /// Returns the printed text without the parts that vary between runs.
    fn normalized_output(&self, run: Run, code: i32) -> String {
        let folder = self.folder.path().display().to_string();
        run.expect(code).err.replace(&folder, "DIR").replace(&self.port.number.to_string(), "PORT")
    }

    fn wait_until_ready(&self) {
        wait_for("the node to be provisioned", Duration::from_secs(60), || {
            let run = self.list(&self.address("https", "localhost"), "ca", "client");
            run.out.contains("partition_table").then_some(())
        });
    }
}

#[test]
fn tls_failures_are_reported_at_once_with_their_cause() {
    let node = TlsNode::start("node", "127.0.0.1");
    node.wait_until_ready();
    let (name, ip) = (node.address("https", "localhost"), node.address("https", "127.0.0.1"));
    let plain = node.address("http", "localhost");
    let etcd = Etcd::start();
    let mut printed = String::new();
    for (what, address, ca, own) in [
        ("without TLS", &plain, "", ""),
        ("the system's authorities", &name, "", "client"),
        ("another authority", &name, "other", "client"),
        ("another name", &ip, "ca", "client"),
        ("no certificate", &name, "ca", ""),
        ("a stranger's certificate", &name, "ca", "stranger"),
        ("an expired certificate", &name, "ca", "expired"),
    ] {
        let started = std::time::Instant::now();
        let words = node.normalized_output(node.list(address, ca, own), 6);
        assert!(started.elapsed() < Duration::from_secs(8), "{what} took {:?}", started.elapsed());
        if address.starts_with("http://") {
            // An alert of the server's, or only the end of the connection, arrives first.
            assert!(words.contains("https://"), "{words}");
            continue;
        }
        printed.push_str(&format!("{what}:\n{words}\n"));
    }
    let mut without_authorities = command(&program(), &["-s", &name, "metadata", "list"]);
    without_authorities.env("SSL_CERT_FILE", "/nonexistent");
    let words = node.normalized_output(run(without_authorities, ""), 6);
    printed.push_str(&format!("no authorities on this machine:\n{words}\n"));
    let no_tls = format!("https://{}", etcd.address());
    let words = node.normalized_output(node.list(&no_tls, "ca", "client"), 6);
    printed.push_str(&format!("no TLS there:\n{}\n", words.replace(&etcd.address(), "ETCD")));
    std::fs::copy(node.file("stranger.key"), node.file("mixed.key")).unwrap();
    std::fs::copy(node.file("client.pem"), node.file("mixed.pem")).unwrap();
    std::fs::copy(node.file("node.toml"), node.file("text.pem")).unwrap();
    for (what, ca, own) in [
        ("another's key", "ca", "mixed"),
        ("no PEM", "text", "client"),
        ("no such file", "missing", "client"),
    ] {
        printed.push_str(&format!(
            "{what}:\n{}\n",
            node.normalized_output(node.list(&name, ca, own), 2)
        ));
    }
    insta::assert_snapshot!(printed);
    // The socket needs no TLS.
    let socket = format!("unix:{}", node.file("data/node-1/fabric.sock"));
    node.list(&socket, "", "").expect(0);
}

/// Failures are reported for a target as they are for a source, before anything is written.
#[test]
fn target_cluster_accepts_the_tls_options_and_reports_the_same_failures() {
    let node = TlsNode::start("node", "127.0.0.1");
    node.wait_until_ready();
    let etcd = Etcd::start();
    let from = etcd.toml();
    let name = node.address("https", "localhost");
    for (address, ca, own, words) in [
        (&name, "", "client", "signed by an authority that is not trusted here"),
        (&name, "other", "client", "signed by an authority that is not trusted here"),
        (
            &node.address("https", "127.0.0.1"),
            "ca",
            "client",
            "not for 127.0.0.1 but for localhost",
        ),
        (&name, "ca", "", "it requires a client certificate, and none was given"),
        (&name, "ca", "stranger", "signed by an authority that it does not trust"),
        (&node.address("http", "localhost"), "", "", "https://"),
    ] {
        let section =
            format!("[metadata-client]\ntype = \"replicated\"\naddresses = [\"{address}\"]\n");
        std::fs::write(node.file("target.toml"), section).unwrap();
        let toml = node.file("target.toml");
        for command in ["migrate", "verify"] {
            let words_of = ["metadata", command, "--from", &from, "--toml", &toml];
            let started = std::time::Instant::now();
            // The file's addresses count, not this one.
            let run = node.run("http://127.0.0.1:1", ca, own, &words_of);
            assert!(started.elapsed() < Duration::from_secs(8), "{command} {address}: {run:?}");
            assert!(run.err.contains(words) && run.err.contains(address.as_str()), "{run:?}");
            assert!(run.err.contains("hint"), "{run:?}");
            assert_eq!(run.code, 6, "{run:?}");
        }
    }
}

#[test]
fn expired_certificate_is_reported() {
    let node = TlsNode::start("late", "127.0.0.1");
    let run = node.list(&node.address("https", "localhost"), "ca", "client");
    assert!(run.err.contains("its certificate has expired"), "{}", run.err);
    assert_eq!(run.code, 6);
}

#[test]
fn disabled_certificate_check_is_always_reported() {
    let node = TlsNode::start("node", "127.0.0.1");
    node.wait_until_ready();
    let etcd = Etcd::start();
    let toml = etcd.toml();
    let migrate = ["metadata", "migrate", "--dry-run", "-o", "json", "--toml", &toml];
    let unchecked = [&["--insecure-skip-tls-verify"], &migrate[..]].concat();
    for (ca, own) in [("", "client"), ("other", "client")] {
        let address = node.address("https", "127.0.0.1");
        let document = node.run(&address, ca, own, &unchecked).expect(0).json();
        let checks = document["checks"].as_array().unwrap();
        let tls = checks.iter().find(|check| check["check"] == "tls").unwrap();
        assert_eq!(tls["status"], "warning");
    }
    let address = node.address("https", "localhost");
    let document = node.run(&address, "ca", "client", &migrate).expect(0).json();
    assert!(!document["checks"].to_string().contains("\"tls\""), "{document}");
}

#[test]
fn ipv6_literal_is_accepted_over_tls() {
    let node = TlsNode::start("node", "::1");
    let address = node.address("https", "[::1]");
    wait_for("an answer over IPv6", Duration::from_secs(30), || {
        let run = node.list(&address, "ca", "client");
        run.out.contains("partition_table").then_some(())
    });
    node.run(&address, "ca", "client", &["-S", &address, "metadata", "list"]).expect(0);
}

#[test]
fn status_tells_on_which_store_a_cluster_with_tls_runs() {
    let (etcd, other) = (Etcd::start(), Etcd::start());
    let roles = "\"worker\", \"log-server\"";
    let node = TlsNode::start_at(Port::free(), ("node", "127.0.0.1"), roles, &etcd.section());
    let address = node.address("https", "localhost");
    let ask = |own: &str, toml: &str| {
        node.run(&address, "ca", own, &["status", "--on", toml, "-o", "json"])
    };
    let answer = |toml: &str| {
        let document = ask("client", toml).json();
        document["metadata_store"]["on"]["answer"].as_str().map(ToOwned::to_owned)
    };
    let limit = Duration::from_secs(60);
    wait_for("a cluster on etcd", limit, || {
        (answer(&etcd.toml()).as_deref() == Some("yes")).then_some(())
    });
    assert_eq!(answer(&other.toml()).as_deref(), Some("no"));
    let run = ask("", &etcd.toml()).expect(6);
    let message = run.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("it requires a client certificate"), "{message}");
    let run = ask("stranger", &etcd.toml()).expect(6);
    assert!(run.json()["error"]["message"].as_str().unwrap().contains("does not trust"));
}

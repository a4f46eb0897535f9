//! Addresses of servers: IPv6, names whose first address does not respond, unix sockets, and the errors
//! for invalid addresses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::dynamo::create_table_on;
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::full_port::FullPort;
use crate::support::ports::stop_listening;
use crate::support::privileges::without_privileges;
use crate::support::restate::{Cluster, Mode};
use crate::support::run_within;
use crate::support::s3::start_moto_on;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, run};

#[test]
fn every_server_is_reachable_at_an_ipv6_address() {
    let mut cluster = Cluster::start_metadata_server("::1", "[::1]");
    cluster.restart(&Mode::Migration);
    let (etcd, (moto, _held)) = (Etcd::start_on_ip("[::1]"), start_moto_on("[::1]"));
    let (bucket, table) = (moto.bucket(), create_table_on(moto.clone()));
    let (folder, at) = (TempDir::new().unwrap(), cluster.address());
    let with_scheme = etcd_section(&[format!("http://{}/", etcd.address())]);
    let tomls = [etcd.section(), with_scheme.clone(), bucket.section("p"), table.section("p")];
    for (place, section) in tomls.iter().enumerate() {
        let toml = write_file(&folder, &format!("{place}.toml"), section);
        // The second is the first, written in another way.
        let more: &[&str] = if *section == with_scheme { &["--resume"] } else { &[] };
        restatectl(&[&["-s", &at, "metadata", "migrate", "--toml", &toml], more].concat())
            .expect(0);
        let run = restatectl(&[
            "-s",
            at.trim_start_matches("http://"),
            "metadata",
            "verify",
            "--toml",
            &toml,
        ]);
        run.expect(0);
    }
    // What is printed can be given again.
    let run = restatectl(&["-s", &at, "metadata", "list", "-o", "json"]).expect(0);
    let name = run.json()["store"]["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("cluster demo at {at}"));
    let toml = write_file(&folder, "etcd.toml", &etcd.section());
    let run = restatectl(&["metadata", "list", "-o", "json", "--from", &toml]).expect(0);
    assert_eq!(run.json()["store"]["name"], format!("etcd {}", etcd.address()));
}

#[test]
fn node_is_reachable_by_a_host_name() {
    let cluster = Cluster::start_metadata_server("127.0.0.1", "localhost");
    let by_name = cluster.address();
    for address in [by_name.clone(), by_name.replace("localhost", "127.0.0.1"), cluster.socket()] {
        restatectl(&["-s", &address, "metadata", "list"]).expect(0);
    }
}

/// Runs our program in a mount namespace with this `/etc/hosts`.
fn run_with_hosts(hosts: &Path, args: &[&str]) -> Run {
    let script = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
    let private = ["--map-root-user", "--mount", "sh", "-c", script, "sh"].map(ToOwned::to_owned);
    let ours = [hosts.display().to_string(), program().display().to_string()];
    let args: Vec<_> =
        private.into_iter().chain(ours).chain(args.iter().map(|arg| (*arg).to_owned())).collect();
    run(command("unshare".as_ref(), &args), "")
}

#[test]
fn one_responding_address_of_a_name_suffices() {
    let cluster = Cluster::start_metadata_server("127.0.0.2", "127.0.0.2");
    let (etcd, (moto, _held)) = (Etcd::start_on_ip("127.0.0.2"), start_moto_on("127.0.0.2"));
    let (bucket, table) = (moto.bucket(), create_table_on(moto.clone()));
    let folder = TempDir::new().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 several\n127.0.0.2 several\n").unwrap();
    let named = |text: &str| text.replace("127.0.0.2", "several");
    let address = named(&cluster.address());
    let tomls = [etcd.section(), bucket.section("p"), table.section("p")];
    let tomls = tomls
        .iter()
        .zip(0..)
        .map(|(section, place)| write_file(&folder, &format!("{place}.toml"), &named(section)));
    let mut lines = vec![vec!["-s".to_owned(), address]];
    lines.extend(tomls.map(|toml| vec!["--from".to_owned(), toml]));
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let ports = [cluster.address(), etcd.address(), moto.endpoint.clone()].map(|url| port(&url));
    let list_all = |what: &str| {
        for line in &lines {
            let mut args = vec!["metadata", "list"];
            args.extend(line.iter().map(String::as_str));
            let run = run_within(Duration::from_millis(2500), || run_with_hosts(&hosts, &args));
            // An empty store of AWS is an answer as well.
            assert!(run.code == 0, "{what}: {run:?}");
        }
    };
    list_all("the first refuses");
    let _silent = ports.map(FullPort::on_port);
    list_all("the first is silent");
}

#[test]
fn invalid_address_is_refused_with_a_correction() {
    let folder = TempDir::new().unwrap();
    let mut printed = String::new();
    for address in [
        "::1",
        "fd00::2:14801",
        "http://[::1",
        "[::g]:1",
        "fe80::1%eth0",
        "http://[fe80::1%25eth0]:1",
    ] {
        let run = restatectl(&["-s", address, "metadata", "list"]).expect(2);
        printed.push_str(&run.err);
    }
    for address in ["::1", "http://::1:2379", "[::1]x", "[::1]:", "fe80::1%eth0", "a:1,b:1"] {
        let toml = write_file(&folder, "etcd.toml", &etcd_section(&[address.to_owned()]));
        let run = restatectl(&["metadata", "list", "--from", &toml]).expect(2);
        printed.push_str(run.err.lines().next().unwrap());
        printed.push('\n');
    }
    let s3 = "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b/p\"\naws-endpoint-url = \"http://::1:9000\"\n";
    let toml = write_file(&folder, "s3.toml", s3);
    let run = restatectl(&["metadata", "list", "--from", &toml]).expect(2);
    printed.push_str(run.err.lines().next().unwrap());
    insta::assert_snapshot!(printed.replace(&folder.path().display().to_string(), "DIR"));
}

#[test]
fn unusable_unix_socket_is_reported_with_its_cause() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "").unwrap();
    stop_listening(&UnixListener::bind(path("stale")).unwrap());
    let _forbidden = UnixListener::bind(path("forbidden")).unwrap();
    fs::set_permissions(path("forbidden"), fs::Permissions::from_mode(0o000)).unwrap();
    let long = "s".repeat(120);
    for (name, words) in [
        ("absent", "no such socket"),
        ("file/below", "no such socket"),
        ("file", "it is not a socket"),
        ("stale", "nothing listens on this socket"),
        ("forbidden", "this user may not use it"),
        (long.as_str(), "the path is longer"),
    ] {
        let address = format!("unix:{}", path(name).display());
        let args = ["-s", &address, "metadata", "list", "--request-timeout", "1000"];
        let run = run(without_privileges(&args), "").expect(6);
        assert!(run.err.contains(&format!("{address}: {words}")), "{}", run.err);
    }
}

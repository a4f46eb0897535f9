//! Nodes that run and can't be reached from the program's side: what an operator has behind a port-forward to one of
//! them.

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::tool::{Run, command, program, restatectl, run};

/// A place that is cut off from the nodes' advertised addresses.
#[derive(Clone, Copy)]
enum Place {
    /// Their names are unknown.
    NamesUnknown,
    /// Connections are refused.
    Refusing,
    /// There is no route.
    Unroutable,
}

impl Place {
    /// Runs our program there.
    fn run(self, args: &[&str]) -> Run {
        let folder = TempDir::new().unwrap();
        for (name, content) in [("hosts", ""), ("nsswitch.conf", "hosts: files\n")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let script = match self {
            Place::NamesUnknown => {
                "for name in hosts nsswitch.conf; do mount --bind $1/$name /etc/$name || exit 99; done"
            }
            Place::Refusing => "ip link set lo up",
            Place::Unroutable => "true",
        };
        let script = format!("{script} && shift && exec \"$@\"");
        let apart = match self {
            Place::NamesUnknown => "--mount",
            Place::Refusing | Place::Unroutable => "--net",
        };
        let (at, program) = (folder.path().display().to_string(), program().display().to_string());
        let private = ["--map-root-user", apart, "sh", "-c", &script, "sh", &at, &program];
        run(command("unshare".as_ref(), &[&private, args].concat()), "")
    }
}

const START_HINT: &str = "start";
const REACH_HINT: &str = "run this where the advertised addresses of the nodes can be reached";

#[test]
fn running_nodes_out_of_reach_are_not_to_be_started() {
    let mut cluster = Cluster::start_metadata_servers_by_name(3);
    let etcd = Etcd::start();
    let (toml, socket) = (etcd.toml(), cluster.socket());
    let forwarded = cluster.address().replace("localhost", "127.0.0.1");
    let migrate = |place: Place, address: [&str; 2]| {
        let args = ["metadata", "migrate", "--toml", &toml, "-o", "json"];
        let limits = ["--request-timeout", "4000", "--connect-timeout", "1000"];
        place.run(&[&address[..], &args, &limits].concat())
    };
    for (place, address, code, reason) in [
        (Place::NamesUnknown, &forwarded, 5, "lookup"),
        (Place::Refusing, &socket, 6, "connection refused"),
        (Place::Unroutable, &socket, 6, "unreachable"),
    ] {
        // Each can be read through the one.
        place.run(&["-s", address, "metadata", "list"]).expect(0);
        // In a network of its own, the target is out of reach as well.
        let document = migrate(place, ["-s", address]).expect(code).json();
        assert_eq!(document["error"]["code"], "not-in-migration-mode", "{document:#}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains("of 3 nodes, 2 cannot be reached from here"), "{message}");
        assert!(message.contains(reason), "{message}");
        let hints = document["error"]["hints"].to_string();
        assert!(hints.contains(REACH_HINT) && hints.contains("--single-address"), "{hints}");
        assert!(!hints.contains(START_HINT) && !hints.contains("--ignore-node"), "{hints}");
        let checks = document["checks"].as_array().unwrap();
        let quorum = checks.iter().find(|check| check["check"] == "quorum").unwrap();
        let detail = quorum["detail"].as_str().unwrap();
        assert!(detail.contains("1 of 3 metadata servers can be reached from here"), "{detail}");
        assert_eq!(quorum["status"], "warning");
        assert!(document["quorum"]["leader"].is_number(), "{document:#}");
    }
    assert!(etcd.content().is_empty());
    warn_of_hosts_that_are_not_found(&forwarded);
    migrate(Place::NamesUnknown, ["-S", &forwarded]).expect(0);

    // Where the others are gone indeed, they are to be started.
    etcd.clear();
    cluster.kill_node(1);
    cluster.kill_node(2);
    let document = migrate(Place::NamesUnknown, ["-s", &forwarded]).expect(6).json();
    assert_eq!(document["error"]["code"], "source-no-quorum", "{document:#}");
    assert!(document["error"]["hints"].to_string().contains("start the metadata servers"));
    assert!(etcd.content().is_empty());
}

/// Waits where the nodes' names are unknown for running nodes to stop: they look like removed ones.
fn warn_of_hosts_that_are_not_found(address: &str) {
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("nodes.jsonl").display().to_string();
    let wait = ["wait", "--for", "stopped", "--from", &backup, "--stable-for", "0s"];
    restatectl(&["-s", address, "metadata", "backup", "--to", &backup]).expect(0);
    let run = Place::NamesUnknown.run(&wait).expect(0);
    let warning = run.err.lines().find(|line| line.contains("no host was found")).expect(&run.err);
    for node in ["N1 (node-", "N2 (node-", "N3 (node-"] {
        assert!(warning.contains(node), "{warning}");
    }
    // A closed port and a skipped node are no reason for a warning.
    let skipped = ["--ignore-node", "N1", "--ignore-node", "N2", "--ignore-node", "N3"];
    for run in [
        Place::NamesUnknown.run(&[&wait[..], &skipped].concat()).expect(0),
        Place::Refusing.run(&wait).expect(0),
    ] {
        assert!(!run.err.contains("no host was found"), "{}", run.err);
    }
}

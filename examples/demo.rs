//! A guided tour: a real Restate cluster migrates from its replicated store to a real etcd and
//! continues there with all its metadata. `make demo` installs the servers. The code of the tests
//! starts them on free ports and stops them at the end.
#![allow(unreachable_pub, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::IsTerminal;

use support::etcd::Etcd;
use support::restate::{Cluster, Mode};
use support::tool::restatectl;

fn main() {
    print_heading(
        "1. A Restate server with 4 partitions starts, on its built-in replicated metadata store",
    );
    let mut cluster = Cluster::single(4);
    print_result(&format!("node-1 runs at {}, all 4 partitions are led", cluster.address()));

    print_heading(
        "2. It is given something to lose: a limiter rule, a deployment, and an object with state",
    );
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    print_result("rule scope1/* allows 5 at once; the service Counter is registered");
    print_result(&format!("invoking Counter/a/add with 5 answers {}", cluster.count(5)));

    print_heading(
        "3. An empty etcd starts; its TOML is the section that the servers will get later",
    );
    let etcd = Etcd::start();
    let toml = etcd.toml();
    print!("{}", etcd.section());

    print_heading(
        "4. On the live cluster, a dry run says what would be done, and what is still to do",
    );
    let address = cluster.address();
    let tool = |args: &[&str]| run_and_print(&[&["--address", &address], args].concat());
    tool(&["metadata", "migrate", "--toml", &toml, "--dry-run"]);

    print_heading(
        "5. The maintenance window begins: the node restarts with --metadata-migration-mode",
    );
    cluster.restart(&Mode::Migration);
    print_result("node-1 serves its metadata and nothing else");

    print_heading("6. What there is to move");
    tool(&["metadata", "list"]);

    print_heading("7. The migration: checks, one transaction, read back, compared");
    tool(&["metadata", "migrate", "--toml", &toml]);

    print_heading("8. Source and target once more, key by key");
    tool(&["metadata", "verify", "--toml", &toml]);

    print_heading(
        "9. The node stops, and starts on etcd: without the metadata-server role, with the section of 3",
    );
    cluster.restart(&Mode::External(etcd.section()));
    print_result("node-1 runs on etcd, all 4 partitions are led");

    print_heading("10. Everything is there");
    print_result(&format!("rules: {}", cluster.rules().join(", ")));
    print_result(&format!("services: {}", cluster.services().join(", ")));
    print_result(&format!("invoking Counter/a/add with 2 answers {}: 5 and 2", cluster.count(2)));
    cluster.set_rule("scope2/*", 7);
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
    print_result("a second rule joins the first: scope1/*, scope2/*");

    print_heading("11. The rule book, as etcd holds it now");
    run_and_print(&["metadata", "get", "--key", "rule_book", "--from", &toml]);

    drop(cluster);
    drop(etcd);
    print_heading("All servers are stopped. README.md says where to read on.");
}

fn print_heading(text: &str) {
    match std::io::stdout().is_terminal() {
        true => println!("\n\x1b[1m{text}\x1b[0m"),
        false => println!("\n{text}"),
    }
}

fn print_result(text: &str) {
    println!("   {text}");
}

/// Runs the command and prints it with its output, standard error first.
fn run_and_print(args: &[&str]) {
    println!("   $ restatectl {}", args.join(" "));
    let run = restatectl(args).expect(0);
    print!("{}{}", run.err, run.out);
}

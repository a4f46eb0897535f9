//! One store under two names, and two stores under one: what is one store is never copied onto itself or
//! compared with itself, and what are two are never taken for one.

use std::time::Duration;

use restatectl::backends::Source;
use restatectl::model::Key;
use tempfile::TempDir;

use crate::support::block_on;
use crate::support::dynamo::create_table;
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::migration::migrate;
use crate::support::open_store::open_etcd;
use crate::support::restate::Cluster;
use crate::support::s3::moto;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, restatectl, run};

/// The identity that etcd derives from its default name and peer address.
const DEFAULT_IDENTITY: [&str; 4] = [
    "--initial-advertise-peer-urls",
    "http://localhost:2380",
    "--initial-cluster",
    "m0=http://localhost:2380",
];

fn verify(one: &str, other: &str) -> Run {
    restatectl(&["metadata", "verify", "--from", one, "--toml", other, "-o", "json"])
}

#[track_caller]
fn assert_same_store(run: Run) {
    let document = run.expect(5).json();
    assert_eq!(document["error"]["code"], "same-store", "{document:#}");
}

#[test]
fn two_empty_stores_are_not_called_equal() {
    let [one, other] = [(); 2].map(|()| Etcd::start());
    for more in [&[][..], &["--allow-newer"]] {
        let args =
            ["metadata", "verify", "--from", &one.toml(), "--toml", &other.toml(), "-o", "json"];
        let document = restatectl(&[&args[..], more].concat()).expect(5).json();
        assert_eq!(document["error"]["code"], "not-a-restate-store", "{document:#}");
        assert!(document["error"]["hints"].to_string().contains(&other.address()), "{document:#}");
    }
}

#[test]
fn members_of_one_etcd_are_one_store() {
    let (cluster, folder) = (Cluster::ready_to_migrate(2), TempDir::new().unwrap());
    let etcd = EtcdCluster::start(3);
    let addresses = etcd.addresses();
    let file =
        |name: &str, addresses: &[String]| write_file(&folder, name, &etcd_section(addresses));
    let (one, other) = (file("one.toml", &addresses[..1]), file("other.toml", &addresses[1..]));
    migrate(&cluster, &one, &[]).expect(0);
    let keys = etcd.count();
    assert_same_store(verify(&one, &other));
    let backups = folder.path().to_str().unwrap();
    for force in [&["--force", "-y", "--backup-dir", backups][..], &["--resume"], &["--dry-run"]] {
        let args = ["metadata", "migrate", "--from", &one, "--toml", &other, "-o", "json"];
        assert_same_store(restatectl(&[&args[..], force].concat()));
    }
    assert_eq!(etcd.count(), keys);
    // The mark that was left is gone.
    verify(&one, &file("all.toml", &addresses)).expect(5);
    let hint = verify(&one, &other).json()["error"]["hints"][0].as_str().unwrap().to_owned();
    assert!(hint.contains("--from"), "{hint}");
}

#[test]
fn etcds_with_equal_ids_are_two_stores() {
    let (cluster, folder) = (Cluster::ready_to_migrate(2), TempDir::new().unwrap());
    let start = || Etcd::start_with_flags(&DEFAULT_IDENTITY);
    let (one, other, third) = (start(), start(), start());
    // The same writes give the same revisions: all that these say of themselves is equal.
    migrate(&cluster, &one.toml(), &[]).expect(0);
    migrate(&cluster, &other.toml(), &[]).expect(0);
    assert_eq!(one.revision("nodes_config"), other.revision("nodes_config"));
    assert_eq!(verify(&one.toml(), &other.toml()).expect(0).json()["equal"], true);
    let args = ["metadata", "migrate", "--from", &one.toml(), "--toml", &third.toml()];
    restatectl(&args).expect(0);

    // In one list of addresses they are refused, before anything is written.
    let (empty, another) = (start(), start());
    for pair in [[&empty, &another], [&empty, &one], [&one, &empty], [&one, &other]] {
        let addresses = pair.map(Etcd::address);
        let toml = write_file(&folder, "two.toml", &etcd_section(&addresses));
        let document = migrate(&cluster, &toml, &["-o", "json"]).expect(2).json();
        assert_eq!(document["error"]["code"], "config-invalid", "{document:#}");
        let text = document.to_string();
        assert!(text.contains(&format!("{} belongs to another", addresses[1])), "{text}");
    }
    assert!(empty.content().is_empty() && another.content().is_empty());
}

#[test]
fn member_of_another_etcd_is_not_used_when_the_first_one_goes() {
    let (one, other) = (Etcd::start(), Etcd::start());
    one.create_pair("rule_book", b"one");
    other.create_pair("rule_book", b"other");
    let section = etcd_section(&[one.address(), other.address()]);
    block_on(async {
        let store = open_etcd(&section, Duration::from_secs(1));
        let read = || store.read(&[Key::RuleBook]);
        assert!(read().await.unwrap()[0].is_some());
        one.signal("KILL");
        let error = read().await.unwrap_err().to_string();
        let words = format!("it belongs to another etcd than http://{}", one.address());
        assert!(error.contains(&words), "{error}");
    });
}

#[test]
fn bucket_is_one_store_whatever_setting_names_its_endpoint() {
    let (bucket, folder) = (moto().bucket(), TempDir::new().unwrap());
    let endpoint = bucket.s3.endpoint.clone();
    let explicit = write_file(&folder, "explicit.toml", &bucket.section("p"));
    let section = bucket.section("p");
    let without: String = section
        .lines()
        .filter(|line| !line.contains("endpoint-url"))
        .map(|l| l.to_owned() + "\n")
        .collect();
    let implicit = write_file(&folder, "implicit.toml", &without);
    let named = write_file(&folder, "named.toml", &section.replace("127.0.0.1", "LocalHost"));
    let other = write_file(&folder, "other.toml", &bucket.section("other"));
    let run_with = |one: &str, other: &str| {
        let args = ["metadata", "verify", "--from", one, "--toml", other, "-o", "json"];
        let mut command = command(&program(), &args);
        command.env("AWS_ENDPOINT_URL", &endpoint);
        run(command, "")
    };
    assert_same_store(run_with(&explicit, &implicit));
    assert_same_store(run_with(&named, &explicit));
    // Both are empty.
    let document = run_with(&explicit, &other).expect(5).json();
    assert_eq!(document["error"]["code"], "not-a-restate-store", "{document:#}");
}

#[test]
fn table_is_one_store_by_its_name_and_its_arn() {
    let (table, folder) = (create_table(), TempDir::new().unwrap());
    let section = table.section("p");
    let by_name = write_file(&folder, "name.toml", &section);
    let arn = format!("arn:aws:dynamodb:us-east-1:123456789012:table/{}", table.name);
    let by_arn = write_file(
        &folder,
        "arn.toml",
        &section.replace(&format!("table = \"{}\"", table.name), &format!("table = \"{arn}\"")),
    );
    assert_same_store(verify(&by_name, &by_arn));
    let other = write_file(&folder, "other.toml", &table.section("q"));
    // Both are empty.
    let document = verify(&by_name, &other).expect(5).json();
    assert_eq!(document["error"]["code"], "not-a-restate-store", "{document:#}");
}

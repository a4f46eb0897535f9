//! Values that may be credentials, on a real cluster: headers of a deployment, options of a subscription and
//! properties of a Kafka cluster. Only `get` and the new value itself show them.

use serde_json::json;
use tempfile::TempDir;

use crate::support::edit::EditedStore;
use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, run};

const HEADER: &str = "header-that-nobody-may-see";
const OPTION: &str = "option-that-nobody-may-see";
const PROPERTY: &str = "property-that-nobody-may-see";

/// The places of the secrets in `schema_registry`, as a server writes it.
const PLACES: [(&str, &str); 3] = [
    ("/deployments_v2/0/delivery_options/additional_headers/authorization", HEADER),
    ("/subscriptions/0/1/metadata/sasl.password", OPTION),
    ("/kafka_clusters/0/properties/sasl.password", PROPERTY),
];

/// Starts a cluster with a subscription. No broker runs: its address is only stored.
fn start_cluster_with_secrets() -> Cluster {
    let mut cluster = Cluster::single(1);
    cluster.deploy_counter();
    let properties = json!({"bootstrap.servers": "127.0.0.1:1", "sasl.password": PROPERTY});
    cluster.admin("POST", "/kafka-clusters", &json!({"name": "k", "properties": properties}));
    let subscription = json!({"source": "kafka://k/topic", "sink": "service://Counter/add",
        "options": {"sasl.password": OPTION}});
    cluster.admin("POST", "/subscriptions", &subscription);
    cluster
}

#[test]
fn credentials_in_a_value_appear_in_no_difference_error_or_log() {
    let cluster = start_cluster_with_secrets();
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let live = EditedStore::cluster(&cluster, &folder);
    let headers = "/deployments_v2/0/delivery_options/additional_headers";
    let add = json!([{"op": "add", "path": headers, "value": {"authorization": HEADER}}]);
    live.run("patch", "schema_registry", &["-y", "-p", &add.to_string()]).expect(0);
    let stored = live.get("schema_registry");
    for (place, secret) in PLACES {
        assert_eq!(stored.pointer(place).unwrap(), secret);
    }

    // The logs of both stores, at the highest level: the values go through them.
    let backup = folder.path().join("saved.backup");
    let backup = backup.to_str().unwrap();
    let address = cluster.address();
    let toml = write_file(&folder, "etcd.toml", &etcd.section().replace("[\"", "[\"u:s3cr3t@"));
    let change = |value: &str| {
        let operation = |path: &str| json!({"op": "replace", "path": path, "value": value});
        json!(PLACES.map(|(place, _)| operation(place))).to_string()
    };
    let (changed, broken) = (change("other-secret"), change("new\nline"));
    let edit = ["metadata", "patch", "-k", "schema_registry", "-n", "-p"];
    let put = |version| ["metadata", "put", "-k", "schema_registry", "--version", version, "-"];
    let number = "[{\"op\": \"replace\", \"path\": \"/deployments_v2/0/delivery_options/additional_headers/authorization\", \"value\": 443355661122}]";
    let mut shown = String::new();
    for (words, input, code) in [
        (&["-s", &address, "metadata", "backup", "--to", backup][..], "", 0),
        (&["metadata", "migrate", "--from", backup, "--toml", &toml], "", 0),
        (&["metadata", "verify", "--from", backup, "--toml", &toml], "", 0),
        (&[&edit[..], &[&changed, "--from", &toml]].concat(), "", 0),
        (&[&edit[..], &[&broken, "--from", &toml]].concat(), "", 5),
        (&[&edit[..], &[number, "--from", &toml]].concat(), "", 5),
        (&[&put("1")[..], &["--from", &toml]].concat(), &stored.to_string(), 5),
    ] {
        let mut command = command(&program(), words);
        command.env("RUST_LOG", "trace");
        let ended = run(command, input).expect(code);
        shown.push_str(&ended.err);
        assert!(!ended.out.contains(OPTION), "{}", ended.out);
    }
    assert!(shown.len() > 100_000 && shown.contains("DEBUG restatectl"), "{}", shown.len());
    let secrets = [HEADER, OPTION, PROPERTY, "s3cr3t", "other-secret", "443355661122"];
    for secret in secrets {
        let at = shown.find(secret);
        assert!(at.is_none(), "{}", &shown[at.unwrap_or(0).saturating_sub(300)..][..400]);
    }

    // What the question before an edit shows is the difference.
    let difference = restatectl(&[&edit[..], &[&changed, "-s", &address]].concat()).expect(0).err;
    let hidden = difference.matches("(not shown; its digest begins with ").count();
    assert_eq!(hidden, 9, "3 before, 3 after, and the others around them: {difference}");
    assert_eq!(secrets.iter().find(|secret| difference.contains(**secret)), None, "{difference}");
}

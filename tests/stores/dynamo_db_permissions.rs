//! Permissions in a table: the policy of docs/dynamo-db.md suffices, and actions that a smaller one
//! lacks are reported. moto enforces IAM after a number of free requests, by actions alone.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::dynamo::Table;
use crate::support::migration::migrate;
use crate::support::policy::{documented_policy, remove_actions};
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::{S3, start_moto};
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

/// Adds the action that moto requires for transactions. Amazon has no such action and checks those of
/// the writes.
fn add_transaction_action(mut policy: Json) -> Json {
    let statement = &mut policy["Statement"][0];
    statement["Resource"] = json!("*");
    let actions = statement["Action"].as_array_mut().unwrap();
    if actions.contains(&json!("dynamodb:PutItem")) {
        actions.push(json!("dynamodb:TransactWriteItems"));
    }
    policy
}

/// Starts a moto with a user of this policy, and a table in it.
fn start_restricted(policy: &Json) -> (Table, Box<dyn std::any::Any>) {
    let (admin, held) = start_moto(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]);
    admin.boto("create_table", &json!({"table": "restricted"}));
    let policy = add_transaction_action(policy.clone());
    let user = admin.boto("user", &json!({"name": "migrator", "policy": policy}));
    let text = |field: &str| user[field].as_str().unwrap().to_owned();
    let server = S3 { endpoint: admin.endpoint, key_id: text("key_id"), secret: text("secret") };
    (Table { server, name: "restricted".to_owned() }, held)
}

#[test]
fn documented_policy_suffices_and_missing_actions_are_reported() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let folder = TempDir::new().unwrap();
    let policy = documented_policy("docs/dynamo-db.md", &[("TABLE", "restricted")]);
    let run = |policy: &Json, code: i32| -> Json {
        let (table, _held) = start_restricted(policy);
        let toml = write_file(&folder, "dynamo.toml", &table.section("p/"));
        let document = migrate(&cluster, &toml, &["-o", "json"]).expect(code).json();
        if code == 0 {
            restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &toml])
                .expect(0);
            // Only this replaces and deletes.
            migrate(&cluster, &toml, &["--force", "-y"]).expect(0);
        }
        document
    };
    run(&policy, 0);
    run(&remove_actions(policy.clone(), &["dynamodb:Scan", "dynamodb:DescribeTable"]), 0);
    let no_writes = run(&remove_actions(policy.clone(), &["dynamodb:PutItem"]), 6);
    assert_eq!(no_writes["error"]["code"], "target-denied");
    let message = no_writes["error"]["message"].as_str().unwrap();
    assert!(message.contains("dynamodb:PutItem"), "{message}");
    let no_reads = [&["dynamodb:BatchGetItem"][..], &["dynamodb:Scan"]].concat();
    let no_reads = run(&remove_actions(policy, &no_reads), 6);
    assert_eq!(no_reads["error"]["code"], "target-denied");
}

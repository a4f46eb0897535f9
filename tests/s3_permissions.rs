//! Who may do what: the policy that docs/object-store.md gives is enough, and what is missing from a
//! smaller one is told. moto enforces IAM after a number of free requests.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::migrate_to_s3::migrate;
use crate::support::project;
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::{Bucket, S3, start_moto, toml_file};
use crate::support::tool::restatectl;

/// The policy as it stands in a page of the documentation, with its placeholders replaced.
pub fn documented_policy(page: &str, placeholders: &[(&str, &str)]) -> Json {
    let page = std::fs::read_to_string(project().join(page)).unwrap();
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (policy, _) = rest.split_once("```").unwrap();
    let replaced = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    let policy = placeholders.iter().fold(policy.to_owned(), replaced);
    serde_json::from_str(&policy).unwrap()
}

/// Without these actions.
pub fn without(mut policy: Json, actions: &[&str]) -> Json {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let kept = statement["Action"].as_array().unwrap().iter();
        statement["Action"] =
            kept.filter(|action| !actions.contains(&action.as_str().unwrap())).cloned().collect();
    }
    policy["Statement"].as_array_mut().unwrap().retain(|s| s["Action"] != json!([]));
    policy
}

/// A moto that lets a user of this policy in, and its bucket.
fn restricted(policy: &Json, bucket: &str) -> (Bucket, Box<dyn std::any::Any>) {
    let (admin, held) = start_moto(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]);
    admin.boto("create", &json!({"bucket": bucket}));
    let user = admin.boto("user", &json!({"name": "migrator", "policy": policy}));
    let text = |field: &str| user[field].as_str().unwrap().to_owned();
    let s3 = S3 { endpoint: admin.endpoint, key_id: text("key_id"), secret: text("secret") };
    (Bucket { s3, name: bucket.to_owned() }, held)
}

#[test]
fn the_documented_policy_is_enough_and_less_is_told() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let folder = TempDir::new().unwrap();
    let policy =
        documented_policy("docs/object-store.md", &[("BUCKET", "restricted"), ("PREFIX", "p")]);
    let run = |policy: &Json, code: i32| -> Json {
        let (bucket, _held) = restricted(policy, "restricted");
        let toml = toml_file(&folder, "s3.toml", &bucket.section("p"));
        let document = migrate(&cluster, &toml, &["-o", "json"]).expect(code).json();
        if code == 0 {
            restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &toml])
                .expect(0);
        }
        document
    };
    run(&policy, 0);
    // Without permission to delete, the scratch objects of the probe stay as tombstones.
    run(&without(policy.clone(), &["s3:DeleteObject"]), 0);
    let no_writes = run(&without(policy.clone(), &["s3:PutObject"]), 6);
    assert_eq!(no_writes["error"]["code"], "target-denied");
    let no_reads = run(&without(policy, &["s3:GetObject"]), 6);
    assert_eq!(no_reads["error"]["code"], "target-denied");
}

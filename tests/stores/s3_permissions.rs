//! Permissions in a bucket: the policy of docs/object-store.md suffices, and actions that a smaller one
//! lacks are reported. moto enforces IAM after a number of free requests.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::migration::migrate;
use crate::support::policy::{documented_policy, remove_actions};
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::{Bucket, S3, start_moto};
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

/// Starts a moto with a user of this policy, and a bucket in it.
fn start_restricted(policy: &Json, bucket: &str) -> (Bucket, Box<dyn std::any::Any>) {
    let (admin, held) = start_moto(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]);
    admin.boto("create", &json!({"bucket": bucket}));
    let user = admin.boto("user", &json!({"name": "migrator", "policy": policy}));
    let text = |field: &str| user[field].as_str().unwrap().to_owned();
    let s3 = S3 { endpoint: admin.endpoint, key_id: text("key_id"), secret: text("secret") };
    (Bucket { s3, name: bucket.to_owned() }, held)
}

#[test]
fn documented_policy_suffices_and_missing_actions_are_reported() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let folder = TempDir::new().unwrap();
    let policy =
        documented_policy("docs/object-store.md", &[("BUCKET", "restricted"), ("PREFIX", "p")]);
    let run = |policy: &Json, code: i32| -> Json {
        let (bucket, _held) = start_restricted(policy, "restricted");
        let toml = write_file(&folder, "s3.toml", &bucket.section("p"));
        let document = migrate(&cluster, &toml, &["-o", "json"]).expect(code).json();
        if code == 0 {
            restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &toml])
                .expect(0);
        }
        document
    };
    run(&policy, 0);
    // Without permission to delete, the scratch objects of the probe stay as tombstones.
    run(&remove_actions(policy.clone(), &["s3:DeleteObject"]), 0);
    let no_writes = run(&remove_actions(policy.clone(), &["s3:PutObject"]), 6);
    assert_eq!(no_writes["error"]["code"], "target-denied");
    let no_reads = run(&remove_actions(policy, &["s3:GetObject"]), 6);
    assert_eq!(no_reads["error"]["code"], "target-denied");
}

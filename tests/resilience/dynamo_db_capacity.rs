//! Tables with too little capacity, and servers without transactions: what is throttled is split, with
//! `nodes_config` last, and what never fits ends in bounded time with the capacity named.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::behind_proxy::BehindProxy;
use crate::support::dynamo::{Table, create_provisioned_table};
use crate::support::http_proxy::HttpFault;
use crate::support::migration::migrate;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

const WRITE: &str = "TransactWriteItems";
const ALWAYS: usize = usize::MAX / 4;

/// The names that each transaction which was let through puts or deletes, as `PUT name` and `DELETE name`.
type Transactions = Arc<Mutex<Vec<Vec<String>>>>;

/// Throttles each transaction of more items than `most`, as Amazon does one that needs more than there is.
fn throttle_above(setting: &BehindProxy<Table>, most: usize) -> Transactions {
    let passed = Transactions::default();
    let transactions = passed.clone();
    let judge = move |request: &[u8]| {
        let items = items_of(request);
        if items.len() > most {
            let reasons: Vec<_> = items
                .iter()
                .map(|_| json!({"Code": "ProvisionedThroughputExceeded", "Message": "injected"}))
                .collect();
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let body =
                json!({"__type": kind, "Message": "cancelled", "CancellationReasons": reasons});
            return Some((400, body.to_string()));
        }
        transactions.lock().unwrap().push(items);
        None
    };
    setting.proxy.clear_faults();
    setting.proxy.inject("POST", WRITE, ALWAYS, HttpFault::Judge(Box::new(judge)));
    passed
}

fn items_of(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let body: Json = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    let items = body["TransactItems"].as_array().unwrap().iter();
    let named = items.map(|item| match (&item["Put"]["Item"]["pk"]["S"], &item["Delete"]["Key"]) {
        (Json::String(name), _) => format!("PUT {name}"),
        (_, key) => format!("DELETE {}", key["pk"]["S"].as_str().unwrap()),
    });
    named.filter(|name| !name.contains("restatectl-probe")).collect()
}

#[test]
fn throttled_transaction_is_split_with_nodes_config_last() {
    let setting = BehindProxy::with_table(Cluster::ready_to_migrate(8));
    let long = ["--request-timeout", "10000", "-o", "json"];
    let run =
        |more: &[&str]| migrate(&setting.cluster, &setting.toml("p/"), &[&long, more].concat());
    let passed = throttle_above(&setting, 3);
    run(&[]).expect(0);
    let mut transactions = std::mem::take(&mut *passed.lock().unwrap());
    transactions.retain(|items| !items.is_empty());
    assert!(transactions.iter().all(|items| items.len() <= 3), "{transactions:?}");
    assert_eq!(transactions.concat().len(), setting.store.items().len());
    assert_eq!(transactions.last().unwrap(), &["PUT p/nodes_config"]);
    setting.verify("p/");

    // Replacing it: in one transaction it would be replaced in place.
    let epoch = json!({"table": setting.store.name, "pk": "p/pp_epoch_0"});
    setting.store.server.boto("delete_item", &epoch);
    let backups = ["--force", "-y", "--backup-dir", setting.folder.path().to_str().unwrap()];
    run(&backups).expect(0);
    let mut transactions = std::mem::take(&mut *passed.lock().unwrap());
    transactions.retain(|items| !items.is_empty());
    let nodes_config = |verb: &str| vec![format!("{verb} p/nodes_config")];
    assert_eq!(transactions.first(), Some(&nodes_config("DELETE")));
    assert_eq!(transactions.last(), Some(&nodes_config("PUT")));
    setting.verify("p/");
}

#[test]
fn item_that_is_throttled_for_ever_names_the_capacity() {
    let setting = BehindProxy::with_table(Cluster::ready_to_migrate(3));
    throttle_above(&setting, 0);
    let began = Instant::now();
    let document = setting.migrate("p/", &[]).expect(7).json();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(document["error"]["code"], "target-unavailable");
    let message = document["error"]["message"].as_str().unwrap();
    let words = format!("the write capacity of the table {} has been exceeded", setting.store.name);
    assert!(message.contains(&words) && message.contains("on-demand"), "{message}");
    assert!(!message.contains("can't be reached"), "{message}");
    assert!(setting.store.items().is_empty());
    // The probe is retried under the policy, and then tells the same.
    setting.proxy.clear_faults();
    let exceeded = || HttpFault::Answer(400, "ProvisionedThroughputExceededException");
    setting.proxy.inject("POST", WRITE, 2, exceeded());
    setting.migrate("p/", &["--dry-run"]).expect(0);
    assert_eq!(setting.proxy.pending_faults(), 0);
    setting.proxy.inject("POST", WRITE, ALWAYS, exceeded());
    let refused = setting.migrate("p/", &["--dry-run"]).expect(6).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("write capacity"), "{refused}");
}

#[test]
fn dry_run_names_the_capacity_and_a_server_without_transactions() {
    let setting = BehindProxy::with_table(Cluster::ready_to_migrate(3));
    let provisioned = create_provisioned_table(3).section("p/");
    let toml = write_file(&setting.folder, "provisioned.toml", &provisioned);
    let run = migrate(&setting.cluster, &toml, &["--dry-run"]).expect(0);
    let words = "the table has a provisioned capacity of 3 read units and 3 write units a second";
    assert!(run.out.contains(words) || run.err.contains(words), "{run:?}");
    let run = migrate(&setting.cluster, &setting.toml("p/"), &["--dry-run"]).expect(0);
    let text = format!("{}{}", run.out, run.err);
    assert!(text.contains("a key policy of KMS, which only a real write meets"), "{text}");
    assert!(!text.contains("provisioned"), "{text}");

    let unknown = || HttpFault::Answer(400, "com.amazonaws.dynamodb#UnknownOperationException");
    setting.proxy.inject("POST", WRITE, ALWAYS, unknown());
    let refused = setting.migrate("p/", &["--dry-run"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "store-probe-failed");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("target-writable"), "{message}");
    assert!(
        refused["checks"].to_string().contains("does not know TransactWriteItems"),
        "{refused}"
    );
    setting.proxy.inject("POST", "BatchGetItem", ALWAYS, unknown());
    let args = ["metadata", "get", "-k", "rule_book", "--from", &setting.toml("p/")];
    let run = restatectl(&args).expect(6);
    assert!(run.err.contains("does not know BatchGetItem"), "{}", run.err);
}

#[test]
fn server_that_ignores_conditions_is_refused_and_nothing_is_left_behind() {
    let setting = BehindProxy::with_table(Cluster::ready_to_migrate(3));
    // As if the condition that is never met were none: of the same length, for the head of the request.
    let never = "attribute_exists(pk) AND attribute_not_exists(pk)";
    let change = move |request: &[u8]| {
        let text = String::from_utf8(request.to_vec()).unwrap();
        let met = format!("{:width$}", "attribute_not_exists(pk)", width = never.len());
        text.replace(never, &met).into_bytes()
    };
    setting.proxy.inject("POST", WRITE, ALWAYS, HttpFault::Alter(Box::new(change)));
    for more in [&["--dry-run"][..], &[]] {
        let refused = setting.migrate("p/", more).expect(5).json();
        assert_eq!(refused["error"]["code"], "store-probe-failed");
        assert!(
            refused["checks"].to_string().contains("a condition that is never met"),
            "{refused}"
        );
        assert!(setting.store.items().is_empty());
    }
}

//! Faults of DynamoDB: late, wrong or missing responses end in the right result or error, transactions
//! are all or nothing, and no other writer's item is overwritten.

use serde_json::json;

use crate::support::behind_proxy::{BehindProxy, SHORT_TIMEOUT};
use crate::support::dynamo::{Table, decode_item, encode_item};
use crate::support::http_proxy::HttpFault;
use crate::support::migration::migrate;
use crate::support::restate::Cluster;
use crate::support::tool::restatectl;

const WRITE: &str = "TransactWriteItems";

fn start_behind_proxy() -> BehindProxy<Table> {
    BehindProxy::with_table(Cluster::ready_to_migrate(3))
}

/// Injects the fault into the first write after the probe of a run.
fn inject_behind_the_probe(setting: &BehindProxy<Table>, times: usize, fault: HttpFault) {
    let nothing = HttpFault::Before(Box::new(|| {}));
    setting.proxy.inject("POST", WRITE, 1, nothing);
    setting.proxy.inject("POST", WRITE, times, fault);
}

/// Returns a transaction cancelled for this reason, which the first item has.
fn cancelled(code: &str) -> HttpFault {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": [{"Code": code, "Message": "injected"}, {"Code": "None"}],
    });
    HttpFault::Json(400, body.to_string())
}

#[test]
fn run_survives_transient_faults() {
    let setting = start_behind_proxy();
    let fault = |prefix: &str, operation: &str, times, fault| {
        match operation {
            WRITE => inject_behind_the_probe(&setting, times, fault),
            _ => setting.proxy.inject("POST", operation, times, fault),
        }
        setting.migrate(prefix, &[]).expect(0);
        assert_eq!(setting.proxy.pending_faults(), 0, "{prefix}: the fault did not happen");
        setting.verify(prefix);
    };
    fault("throttled/", WRITE, 3, HttpFault::Answer(400, "ThrottlingException"));
    let exceeded = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    fault("exceeded/", WRITE, 2, HttpFault::Answer(400, exceeded));
    fault("throttled-item/", WRITE, 2, cancelled("ThrottlingError"));
    fault("exceeded-item/", WRITE, 2, cancelled("ProvisionedThroughputExceeded"));
    fault("conflict/", WRITE, 2, cancelled("TransactionConflict"));
    fault("in-progress/", WRITE, 2, HttpFault::Answer(400, "TransactionInProgressException"));
    fault("internal/", WRITE, 2, HttpFault::Answer(500, "InternalServerError"));
    fault("lost/", WRITE, 1, HttpFault::LoseAnswer);
    fault("lost-twice/", WRITE, 2, HttpFault::LoseAnswer);
    fault("hang/", WRITE, 1, HttpFault::Hang);
    fault("scan/", "Scan", 2, HttpFault::Answer(400, "ThrottlingException"));
    fault("scan-lost/", "Scan", 1, HttpFault::LoseAnswer);
    fault("cut/", "BatchGetItem", 1, HttpFault::CutBody);
    fault("get-lost/", "BatchGetItem", 1, HttpFault::LoseAnswer);
}

#[test]
fn attempts_of_one_write_share_one_token() {
    let setting = start_behind_proxy();
    inject_behind_the_probe(&setting, 2, HttpFault::LoseAnswer);
    setting.migrate("p/", &[]).expect(0);
    let requests = setting.proxy.requests();
    let writes = requests.iter().filter(|request| request.contains(WRITE));
    let tokens: Vec<_> = writes
        .map(|write| write.split_once("\"ClientRequestToken\":\"").unwrap().1[..32].to_owned())
        .collect();
    // The probe; two lost attempts and the one that was answered.
    let [probe, first, second, third] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert_eq!((second, third), (first, first));
    assert_ne!(probe, first);
}

#[test]
fn unprocessed_reads_are_retried() {
    let setting = start_behind_proxy();
    setting.store.put(&[encode_item("p/rule_book", 1, b"\x06\x04\x01")]);
    let left = |names: &[&str]| {
        let keys: Vec<_> = names.iter().map(|name| json!({"pk": {"S": name}})).collect();
        let body = json!({"Responses": {}, "UnprocessedKeys":
            {&setting.store.name: {"ConsistentRead": true, "Keys": keys}}});
        HttpFault::Json(200, body.to_string())
    };
    let get = || {
        let toml = setting.toml("p/");
        let args = ["metadata", "get", "-k", "rule_book", "--from", &toml];
        restatectl(&[&SHORT_TIMEOUT[..], &args].concat())
    };
    setting.proxy.inject("POST", "BatchGetItem", 3, left(&["p/rule_book"]));
    get().expect(0);
    assert_eq!(setting.proxy.pending_faults(), 0);
    setting.proxy.inject("POST", "BatchGetItem", usize::MAX / 4, left(&["p/rule_book"]));
    let document = get().expect(6).json();
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("the read capacity of the table"), "{message}");
}

#[test]
fn resume_finishes_a_run_that_failed_with_lasting_faults() {
    let setting = start_behind_proxy();
    for (prefix, fault) in [
        ("throttled/", HttpFault::Answer(400, "ThrottlingException")),
        ("lost/", HttpFault::Answer(503, "ServiceUnavailable")),
    ] {
        inject_behind_the_probe(&setting, usize::MAX / 4, fault);
        let document = setting.migrate(prefix, &[]).expect(7).json();
        assert_eq!(document["error"]["code"], "target-unavailable");
        assert!(document["error"]["hints"][0].as_str().unwrap().ends_with(" --resume"));
        assert!(setting.store.items().keys().all(|name| !name.starts_with(prefix)));
        setting.proxy.clear_faults();
        setting.migrate(prefix, &["--resume"]).expect(0);
        setting.verify(prefix);
    }
}

#[test]
fn transaction_writes_nothing_when_another_writer_was_faster() {
    let setting = start_behind_proxy();
    for (prefix, lost) in [("before/", false), ("between/", true)] {
        let name = format!("{prefix}pp_epoch_1");
        let (table, theirs) = (setting.store.clone(), encode_item(&name, 9, b"\x05theirs"));
        let interfere =
            HttpFault::Before(Box::new(move || table.put(std::slice::from_ref(&theirs))));
        if lost {
            inject_behind_the_probe(&setting, 1, HttpFault::Answer(500, "InternalServerError"));
            setting.proxy.inject("POST", WRITE, 1, interfere);
        } else {
            inject_behind_the_probe(&setting, 1, interfere);
        }
        let document = setting.migrate(prefix, &[]).expect(7).json();
        assert_eq!(document["error"]["code"], "target-conflict");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("by another writer in the meantime: pp_epoch_1; 0 of 7"),
            "{message}"
        );
        let items = setting.store.items();
        let below: Vec<_> = items.keys().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(below, [&name]);
        assert_eq!(decode_item(&items[&name]), (9, b"\x05theirs".to_vec()));
    }
}

#[test]
fn each_of_several_transactions_is_all_or_nothing() {
    let setting = BehindProxy::with_table(Cluster::large(150));
    // Epochs follow the fixed keys: the last is in the second of two transactions.
    let (table, theirs) = (setting.store.clone(), encode_item("p/pp_epoch_149", 9, b"\x05theirs"));
    let interfere = HttpFault::Before(Box::new(move || table.put(std::slice::from_ref(&theirs))));
    // The target has been read by the time it is probed.
    setting.proxy.inject("POST", WRITE, 1, interfere);
    let long = ["--request-timeout", "10000"];
    let toml = setting.toml("p/");
    let run = migrate(&setting.cluster, &toml, &[&long[..], &["-o", "json"]].concat());
    assert_eq!(run.expect(7).json()["error"]["code"], "target-conflict");
    let items = setting.store.items();
    assert!(!items.contains_key("p/nodes_config"));
    // The other transaction was under way, or went before.
    assert_eq!(items.len(), 101);
    setting
        .store
        .server
        .boto("delete_item", &json!({"table": setting.store.name, "pk": "p/pp_epoch_149"}));
    migrate(&setting.cluster, &toml, &[&long[..], &["--resume"]].concat()).expect(0);
    assert_eq!(setting.store.items().len(), 153);
    setting.verify("p/");
}

#[test]
fn denial_names_action_and_table() {
    let setting = start_behind_proxy();
    for (operation, code, words) in [
        ("BatchGetItem", "AccessDeniedException", "dynamodb:BatchGetItem on the table table-"),
        (WRITE, "AccessDeniedException", "dynamodb:PutItem or dynamodb:DeleteItem on the table"),
        (WRITE, "UnrecognizedClientException", "the AWS credentials are not accepted"),
        (WRITE, "ExpiredTokenException", "the AWS credentials are not accepted"),
    ] {
        setting.store.put(&[json!({"pk": {"S": "p/new"}, "version": {"N": "1"}})]);
        setting.proxy.inject("POST", operation, 9, HttpFault::Answer(400, code));
        let document = setting.migrate("p/", &[]).expect(6).json();
        assert_eq!(document["error"]["code"], "target-denied");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        setting.proxy.clear_faults();
    }
    assert_eq!(setting.store.items().len(), 1);
}

#[test]
fn known_names_are_read_when_scan_and_describe_are_denied() {
    let setting = start_behind_proxy();
    for operation in ["Scan", "DescribeTable"] {
        let denied = HttpFault::Answer(400, "AccessDeniedException");
        setting.proxy.inject("POST", operation, usize::MAX / 4, denied);
    }
    let run = migrate(&setting.cluster, &setting.toml("p/"), &[]).expect(0);
    assert!(run.out.contains("dynamodb:Scan is not permitted"), "{}", run.out);
    setting.verify("p/");
    let refused = setting.migrate("p/", &[]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    let args = ["metadata", "list", "--from", &setting.toml("p/"), "-o", "json"];
    let run = restatectl(&args).expect(0);
    assert!(run.err.contains("warning: the store does not permit listing"), "{}", run.err);
    let listed = run.json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), setting.store.items().len());
    assert!(listed["foreign"].is_null());
}

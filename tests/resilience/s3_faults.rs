//! Faults of S3: late, wrong or missing responses end in the right result or error, no key is lost, and
//! no other writer's object is overwritten.

use crate::support::behind_proxy::BehindProxy;
use crate::support::http_proxy::HttpFault;
use crate::support::migration::migrate;
use crate::support::s3::Bucket;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

fn contains_object(setting: &BehindProxy<Bucket>, name: &str) -> bool {
    setting.store.objects().contains_key(name)
}

#[test]
fn run_survives_transient_faults() {
    let setting = BehindProxy::with_bucket();
    let fault = |prefix: &str, method: &'static str, ending: &str, times, fault| {
        setting.proxy.inject(method, ending, times, fault);
        setting.migrate(prefix, &[]).expect(0);
        assert_eq!(setting.proxy.pending_faults(), 0, "{prefix}: the fault did not happen");
        setting.verify(prefix);
    };
    fault("slow-down", "PUT", "/pp_epoch_0", 3, HttpFault::Answer(503, "SlowDown"));
    fault("internal", "PUT", "/nodes_config", 2, HttpFault::Answer(500, "InternalError"));
    fault("race", "PUT", "/pp_epoch_1", 2, HttpFault::Answer(409, "ConditionalRequestConflict"));
    fault("lost", "PUT", "/pp_epoch_0", 1, HttpFault::LoseAnswer);
    fault("lost-last", "PUT", "/nodes_config", 1, HttpFault::LoseAnswer);
    fault("hang", "PUT", "/pp_epoch_2", 1, HttpFault::Hang);
    fault(
        "list",
        "GET",
        &format!("/{}/", setting.store.name),
        2,
        HttpFault::Answer(503, "SlowDown"),
    );
    fault("cut", "GET", "/rule_book", 1, HttpFault::CutBody);
    fault("get-lost", "GET", "/pp_epoch_1", 1, HttpFault::LoseAnswer);
}

#[test]
fn resume_finishes_a_run_that_failed_with_lasting_faults() {
    let setting = BehindProxy::with_bucket();
    for (prefix, ending) in [("some", "/pp_epoch_1"), ("last", "/nodes_config")] {
        setting.proxy.inject("PUT", ending, usize::MAX / 4, HttpFault::Answer(503, "SlowDown"));
        let document = setting.migrate(prefix, &[]).expect(7).json();
        assert_eq!(document["error"]["code"], "target-unavailable");
        assert_eq!(document["outcome"], "failed");
        assert!(document["error"]["hints"][0].as_str().unwrap().ends_with(" --resume"));
        assert!(!contains_object(&setting, &format!("{prefix}/nodes_config")));
        setting.proxy.clear_faults();
        // Whoever looks at it later is told what it is.
        let half = restatectl(&["metadata", "list", "--from", &setting.toml(prefix)]).expect(0);
        assert!(half.err.contains("nodes_config is missing"), "{}", half.err);
        setting.migrate(prefix, &["--resume"]).expect(0);
        setting.verify(prefix);
    }
}

#[test]
fn retry_keeps_an_object_that_another_writer_created() {
    let setting = BehindProxy::with_bucket();
    for (prefix, lost) in [("before", false), ("between", true)] {
        let name = format!("{prefix}/pp_epoch_1");
        let (bucket, object) = (setting.store.clone(), name.clone());
        let interfere = move || bucket.put(&[(&object, b"theirs", None)]);
        if lost {
            // The first attempt is refused, and while we wait the other one writes.
            setting.proxy.inject("PUT", "/pp_epoch_1", 1, HttpFault::Answer(503, "SlowDown"));
        }
        setting.proxy.inject("PUT", "/pp_epoch_1", 1, HttpFault::Before(Box::new(interfere)));
        let document = setting.migrate(prefix, &[]).expect(7).json();
        assert_eq!(document["error"]["code"], "target-conflict");
        assert_eq!(setting.store.objects()[&name].body, b"theirs");
        assert!(!contains_object(&setting, &format!("{prefix}/nodes_config")));
    }
}

#[test]
fn store_that_ignores_conditions_is_refused() {
    let setting = BehindProxy::with_bucket();
    // It says that it created the scratch object twice.
    setting.proxy.inject("PUT", "", usize::MAX / 4, HttpFault::Answer(200, "None"));
    let document = setting.migrate("p", &[]).expect(5).json();
    assert_eq!(document["error"]["code"], "store-probe-failed");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("in spite of an If-Match on a missing one"), "{message}");
    assert!(setting.store.objects().is_empty());
    setting.proxy.clear_faults();
    let document = setting.migrate("p", &["--skip-store-probe"]).expect(0).json();
    let checks = document["checks"].as_array().unwrap();
    assert!(
        checks.iter().any(|check| check["check"] == "store-probe" && check["status"] == "skipped")
    );
}

#[test]
fn denials_are_explained_and_the_retry_policy_is_obeyed() {
    let setting = BehindProxy::with_bucket();
    let migrate = |section: &str| {
        let toml = write_file(&setting.folder, "s3.toml", section);
        migrate(&setting.cluster, &toml, &["-o", "json"])
    };
    let section = setting.store.section_at(&setting.proxy.endpoint(), "p");
    for (status, answer, code, error, words) in [
        (403, "RequestTimeTooSkewed", 6, "target-denied", "clock"),
        (403, "AccessDenied", 6, "target-denied", "AccessDenied"),
        (403, "ExpiredToken", 6, "target-denied", "credentials are not accepted"),
        (301, "PermanentRedirect", 2, "config-invalid", "another region"),
        (507, "XMinioStorageFull", 5, "target-full", "StorageFull"),
    ] {
        setting.proxy.inject("PUT", "", 1, HttpFault::Answer(status, answer));
        let document = migrate(&section).expect(code).json();
        assert_eq!(document["error"]["code"], error);
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert!(setting.store.objects().is_empty());
    let once = format!("{section}object-store-retry-policy = {{ type = \"none\" }}\n");
    setting.proxy.inject("PUT", "/pp_epoch_0", 1, HttpFault::Answer(503, "SlowDown"));
    assert_eq!(migrate(&once).expect(7).json()["error"]["code"], "target-unavailable");
    let thrice = format!(
        "{section}object-store-retry-policy = {{ type = \"fixed-delay\", interval = \"10ms\", max-attempts = 3 }}\n"
    )
    .replace("/p\"", "/q\"");
    setting.proxy.inject("PUT", "/pp_epoch_0", 2, HttpFault::Answer(503, "SlowDown"));
    migrate(&thrice).expect(0);
}

#[test]
fn slow_down_responses_are_obeyed_and_concurrency_is_bounded() {
    let setting = BehindProxy::with_bucket();
    setting.migrate("bounded", &["--concurrency", "2"]).expect(0);
    assert_eq!(setting.proxy.max_in_flight(), 2);
    for key in ["bifrost_config", "partition_table", "pp_epoch_0", "pp_epoch_1", "pp_epoch_2"] {
        setting.proxy.inject("PUT", key, 3, HttpFault::Answer(503, "SlowDown"));
    }
    setting.migrate("throttled", &["--skip-store-probe", "-v"]).expect(0);
    assert_eq!(setting.proxy.pending_faults(), 0);
    let usage = setting.migrate("none", &["--concurrency", "0"]).expect(2);
    let message = usage.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("--concurrency"), "{message}");
}

//! Faults and signals amid the probes of S3: they survive what a write survives, and leave nothing behind.

use serde_json::json;
use tempfile::TempDir;

use super::s3_probe::{Setting, backup};
use crate::support::http_proxy::HttpFault;
use crate::support::listing::{key_names, list_keys};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, wait_for_exit};
use crate::support::wait_for;

#[test]
fn probe_survives_what_a_write_survives() {
    let setting = Setting::unsigned();
    let succeeds = |prefix: &str| {
        setting.migrate(prefix, &[]).expect(0);
        let listed = list_keys(&setting.bucket.section(prefix));
        assert_eq!((key_names(&listed).len(), &listed["foreign"]), (7, &json!(0)), "{prefix}");
    };
    // The write of `target-writable`, and each of the probe.
    for (prefix, fault) in
        [("refused", HttpFault::Answer(503, "SlowDown")), ("unanswered", HttpFault::LoseAnswer)]
    {
        setting.proxy.inject("PUT", "", 1, fault);
        succeeds(prefix);
        assert_eq!(setting.proxy.pending_faults(), 0);
    }
    for lost in 1..4 {
        setting.rewrite_writes(move |count, answer| match count == lost {
            true => Vec::new(),
            false => answer,
        });
        succeeds(&format!("lost-{lost}"));
        setting.proxy.clear_faults();
    }
    setting.rewrite("PUT", |head, answer| {
        match head.contains("if-none-match") && answer.starts_with(b"HTTP/1.1 412") {
            true => b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec(),
            false => answer,
        }
    });
    succeeds("not-modified");
}

#[test]
fn no_scratch_object_stays_after_an_error_or_a_signal() {
    let setting = Setting::unsigned();
    for allowed in 1..5 {
        let count = std::sync::atomic::AtomicUsize::new(0);
        setting.rewrite("PUT", move |_, answer| {
            match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= allowed {
                true => {
                    b"HTTP/1.1 403 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec()
                }
                false => answer,
            }
        });
        let document = setting.migrate("p", &[]).expect(6).json();
        assert_eq!(document["error"]["code"], "target-denied");
        setting.assert_nothing_below("p");
        setting.proxy.clear_faults();
    }
    // A signal while the second write of the probe has no answer.
    let (toml, folder) = (setting.toml("p"), TempDir::new().unwrap());
    let rules = write_file(&folder, "rules.json", "{\"version\": 1, \"rules\": {}}");
    let migrate = ["metadata", "migrate", "--from", backup(), "--toml", &toml];
    let put = ["metadata", "put", "-y", "-k", "rule_book", "--from", &toml, &rules];
    for args in [&migrate[..], &put] {
        setting.proxy.inject("PUT", "", 1, HttpFault::Answer(503, "SlowDown"));
        setting.proxy.inject("PUT", "", 1, HttpFault::Before(Box::new(|| {})));
        setting.proxy.inject("PUT", "", 1, HttpFault::Hang);
        assert_nothing_left_after_a_signal(&setting, args);
        setting.proxy.clear_faults();
    }
}

/// Interrupts a command whose probe hangs.
fn assert_nothing_left_after_a_signal(setting: &Setting, args: &[&str]) {
    let mut run = command(&program(), args);
    run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = run.spawn().unwrap();
    wait_for("a scratch object", std::time::Duration::from_secs(20), || {
        (list_keys(&setting.bucket.section("p"))["foreign"] == 1).then_some(())
    });
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    wait_for_exit(child).expect(130);
    assert!(setting.bucket.objects().is_empty());
}

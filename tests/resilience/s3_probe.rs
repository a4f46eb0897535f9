//! What the probes see of a store, or of a gateway in front of it, that Restate can't use: before the first
//! write, with the words for what was met, and without leaving anything behind.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::behind_proxy::SHORT_TIMEOUT;
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::listing::list_keys;
use crate::support::restate::Cluster;
use crate::support::s3::{Bucket, moto, s3rver};
use crate::support::s3_answers::replace_header;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, restatectl};

pub const ALWAYS: usize = usize::MAX / 4;

/// A bucket behind a proxy, to which a backup of a cluster is migrated.
pub struct Setting {
    pub bucket: Bucket,
    pub proxy: HttpProxy,
    folder: TempDir,
}

/// Returns a backup of a cluster, which is started once for all tests.
pub fn backup() -> &'static str {
    static BACKUP: OnceLock<(TempDir, String)> = OnceLock::new();
    let (_, path) = BACKUP.get_or_init(|| {
        let (cluster, folder) = (Cluster::ready_to_migrate(3), TempDir::new().unwrap());
        let path = folder.path().join("cluster.jsonl").to_str().unwrap().to_owned();
        let address = cluster.address();
        restatectl(&["-s", &address, "metadata", "backup", "--to", &path]).expect(0);
        (folder, path)
    });
    path
}

impl Setting {
    fn new(bucket: Bucket) -> Setting {
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        Setting { bucket, proxy, folder: TempDir::new().unwrap() }
    }

    /// Takes a bucket of moto, which does not verify signatures: its requests may be changed.
    pub fn unsigned() -> Setting {
        Setting::new(moto().bucket())
    }

    pub fn toml(&self, prefix: &str) -> String {
        let section = self.bucket.section_at(&self.proxy.endpoint(), prefix);
        write_file(&self.folder, &format!("{prefix}.toml"), &section)
    }

    pub fn migrate(&self, prefix: &str, more: &[&str]) -> Run {
        let toml = self.toml(prefix);
        let args = ["metadata", "migrate", "--from", backup(), "--toml", &toml];
        restatectl(&[&args[..], &SHORT_TIMEOUT, more].concat())
    }

    /// Asserts that nothing lies below the prefix, by the store itself.
    #[track_caller]
    pub fn assert_nothing_below(&self, prefix: &str) {
        let listed = list_keys(&self.bucket.section(prefix));
        assert_eq!((&listed["keys"], &listed["foreign"]), (&json!([]), &json!(0)));
    }

    /// Changes every request of this method.
    fn alter(&self, method: &'static str, change: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) {
        self.proxy.inject(method, "", ALWAYS, HttpFault::Alter(Box::new(change)));
    }

    /// Changes every answer to this method.
    pub fn rewrite(
        &self,
        method: &'static str,
        change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + 'static,
    ) {
        self.proxy.inject(method, "", ALWAYS, HttpFault::Rewrite(Box::new(change)));
    }

    /// Changes the answers to writes, given how many there were before.
    pub fn rewrite_writes(&self, change: impl Fn(usize, Vec<u8>) -> Vec<u8> + Send + 'static) {
        let count = AtomicUsize::new(0);
        self.rewrite("PUT", move |_, answer| change(count.fetch_add(1, Relaxed), answer));
    }
}

/// Asserts that a migration is refused with these words, and that nothing was left behind.
#[track_caller]
fn assert_probe_fails(setting: &Setting, more: &[&str], words: &str) -> Json {
    let document = setting.migrate("p", more).expect(5).json();
    assert_eq!(document["error"]["code"], "store-probe-failed", "{document}");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "{words}: {message}");
    setting.assert_nothing_below("p");
    setting.proxy.clear_faults();
    document
}

fn status_of<'a>(document: &'a Json, check: &str) -> &'a Json {
    let checks = document["checks"].as_array().unwrap();
    &checks.iter().find(|one| one["check"] == check).unwrap()["status"]
}

fn without_conditions(request: &[u8]) -> Vec<u8> {
    replace_header(&replace_header(request, "if-match", None), "if-none-match", None)
}

#[test]
fn store_that_ignores_or_rejects_conditions_is_refused_by_the_dry_run() {
    let setting = Setting::unsigned();
    // A gateway that drops the conditions; the store would have honoured them.
    setting.alter("PUT", without_conditions);
    let document = assert_probe_fails(&setting, &["--dry-run"], "in spite of an If-Match");
    assert_eq!(status_of(&document, "target-writable"), "failed");
    setting.alter("PUT", without_conditions);
    assert_probe_fails(&setting, &[], "in spite of an If-Match on a missing one");
    // One that drops one of them is seen by the probe of the real run only, or where it is asked for.
    setting.alter("PUT", |request| replace_header(request, "if-none-match", None));
    let document = setting.migrate("p", &["--dry-run"]).expect(0).json();
    let checks = document["checks"].as_array().unwrap();
    let writable = checks.iter().find(|one| one["check"] == "target-writable").unwrap();
    assert!(writable["detail"].as_str().unwrap().contains("is found out by store-probe"));
    let words = "an existing object in spite of If-None-Match: *";
    assert_probe_fails(&setting, &["--dry-run", "--store-probe"], words);
    for (status, code, words) in [
        (501, "NotImplemented", "a write with If-Match is answered 501 NotImplemented: injected"),
        (400, "InvalidArgument", "a write with If-Match is answered 400 InvalidArgument"),
    ] {
        setting.proxy.requests();
        setting.proxy.inject("PUT", "", ALWAYS, HttpFault::Answer(status, code));
        assert_probe_fails(&setting, &["--dry-run"], words);
        let requests = setting.proxy.requests();
        assert_eq!(requests.iter().filter(|it| it.starts_with("PUT")).count(), 1, "{status}");
    }
    // Only the creating condition.
    setting.proxy.inject(
        "PUT",
        "",
        ALWAYS,
        HttpFault::Rewrite(Box::new(|head, answer| match head.contains("if-none-match") {
            true => b"HTTP/1.1 501 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
            false => answer,
        })),
    );
    let words = "a write with If-None-Match is answered 501 Not Implemented, without an error code";
    assert_probe_fails(&setting, &[], words);
    // Named without its code, too.
    setting.proxy.inject("PUT", "", ALWAYS, HttpFault::Answer(500, ""));
    let message = setting.migrate("p", &[]).expect(6).json()["error"]["message"].to_string();
    assert!(message.contains("500 : injected") || message.contains("500 injected"), "{message}");
    setting.proxy.clear_faults();
}

#[test]
fn s3rver_is_refused_unless_the_operator_overrides_it() {
    let setting = Setting::new(s3rver().bucket());
    for more in [&["--dry-run"][..], &[]] {
        let document = setting.migrate("p", more).expect(5).json();
        assert_eq!(document["error"]["code"], "store-probe-failed");
        assert_eq!(status_of(&document, "target-writable"), "failed");
    }
    assert!(setting.bucket.objects().is_empty());
    let toml = setting.toml("p");
    let folder = tempfile::TempDir::new().unwrap();
    let report = folder.path().join("report.json").display().to_string();
    let args = ["metadata", "migrate", "--from", backup(), "--toml", &toml, "--skip-store-probe"];
    let run = restatectl(&[&args[..], &["--report", &report]].concat()).expect(0);
    let text = format!("{}{}", run.out, run.err);
    assert!(text.contains("in spite of an If-Match on a missing one"), "{text}");
    assert!(text.contains("it is not known whether conditional writes work"), "{text}");
    assert!(!text.contains("passed the probe"), "{text}");
    // The printed undo repeats the override, without which it is refused as well.
    assert!(
        text.contains(&format!("--report {report} --toml {toml} --skip-store-probe")),
        "{text}"
    );
    let backups = folder.path().to_str().unwrap();
    let undo =
        ["metadata", "undo", "--report", &report, "--toml", &toml, "-y", "--backup-dir", backups];
    let undo = [&undo[..], &["-o", "json"]].concat();
    let refused = restatectl(&undo).expect(5).json();
    assert_eq!(refused["error"]["code"], "store-probe-failed", "{refused:#}");
    let undone = restatectl(&[&undo[..], &["--skip-store-probe"]].concat()).expect(0).json();
    assert_eq!(status_of(&undone, "target-writable"), "warning");
    let list = ["metadata", "list", "--from", &toml, "-o", "json"];
    let left = restatectl(&list).expect(0).json();
    assert_eq!(left["keys"], serde_json::json!([]), "{left:#}");
}

#[test]
fn gateway_that_changes_objects_or_etags_is_named() {
    let setting = Setting::unsigned();
    setting.alter("PUT", |request| replace_header(request, "content-encoding", None));
    assert_probe_fails(&setting, &[], "drops the header Content-Encoding");
    setting.rewrite("GET", |_, answer| replace_header(&answer, "content-encoding", Some("gzip")));
    assert_probe_fails(&setting, &[], "from binary/bilrost+v1 to \"gzip\"");
    setting.rewrite("GET", |head, mut answer| {
        if head.contains("restatectl-probe-")
            && let Some(last) = answer.last_mut()
        {
            *last ^= 1;
        }
        answer
    });
    assert_probe_fails(&setting, &[], "returns other bytes than were written");
    setting.rewrite("GET", |_, answer| replace_header(&answer, "etag", None));
    assert_probe_fails(&setting, &[], "has no ETag, by which to replace it");
    // Ceph RGW on RADOS: an ETag in quotes matches nothing.
    setting.alter("PUT", quoted_etag_matches_nothing);
    assert_probe_fails(&setting, &[], "only with an ETag without its quotes");
    // Without the probe it creates, and can't replace; there is no other writer to look for.
    setting.migrate("p", &[]).expect(0);
    setting.bucket.put(&[("p/rule_book", b"e!", None)]);
    setting.alter("PUT", quoted_etag_matches_nothing);
    let document = setting.migrate("p", &["--skip-store-probe", "--force", "-y"]).expect(7).json();
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("refuses an If-Match with the ETag that the object has"), "{message}");
    assert!(!message.contains("another writer"), "{message}");
}

/// Returns the request as a store takes it that compares with an ETag without quotes.
fn quoted_etag_matches_nothing(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request).into_owned();
    let etag = text.lines().find_map(|line| line.strip_prefix("if-match: "));
    match etag.map(|etag| etag.starts_with('"')) {
        Some(true) => {
            replace_header(request, "if-match", Some("\"ffffffffffffffffffffffffffffffff\""))
        }
        Some(false) => {
            let quoted = format!("\"{}\"", etag.unwrap_or_default());
            replace_header(request, "if-match", Some(&quoted))
        }
        None => request.to_vec(),
    }
}

#[test]
fn key_without_its_headers_or_too_large_is_named() {
    let setting = Setting::unsigned();
    setting.migrate("p", &[]).expect(0);
    let toml = setting.toml("p");
    let get = ["metadata", "get", "-k", "nodes_config", "--from", &toml, "-o", "json"];
    setting.rewrite("GET", |_, answer| replace_header(&answer, "etag", None));
    let message = restatectl(&get).expect(6).json()["error"]["message"].to_string();
    assert!(message.contains("p/nodes_config has no ETag"), "{message}");
    setting.proxy.clear_faults();
    // A copy of the bucket that left the headers behind.
    setting.rewrite("GET", |_, answer| replace_header(&answer, "content-encoding", None));
    let message = restatectl(&get).expect(5).json()["error"]["message"].to_string();
    assert!(message.contains("lacks its header Content-Encoding"), "{message}");
    let other = write_file(&setting.folder, "other.toml", &setting.bucket.section("q"));
    let args = [&["metadata", "migrate", "--from", &toml, "--toml", &other], &SHORT_TIMEOUT[..]];
    let document = restatectl(&args.concat()).expect(5).json();
    assert_eq!(document["error"]["code"], "value-corrupt", "{document}");
    assert!(document["error"]["message"].as_str().unwrap().contains("Content-Encoding"));
    setting.proxy.clear_faults();
    // What can't be read can't be saved, so that it is not replaced either.
    let large = json!({"bucket": setting.bucket.name, "size": 33 << 20, "encoding": "x",
        "keys": ["q/pp_epoch_1"]});
    setting.bucket.s3.boto("put_large", &large);
    let args = [args.concat(), vec!["--force", "-y", "--dry-run"]].concat();
    let message = restatectl(&args).expect(5).json()["error"]["message"].to_string();
    assert!(message.contains("1 existing key can't be saved before it is replaced"), "{message}");
    assert!(message.contains("pp_epoch_1 has 33.00 MiB, and is not read"), "{message}");
}

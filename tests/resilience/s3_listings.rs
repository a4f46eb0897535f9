//! Listings of a store, or of a gateway in front of it, that leave out names, do not progress or never end:
//! an error that names the fault, never a part that is taken for the whole.

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::peak_memory::run_measured;
use crate::support::s3::{Bucket, seaweed};
use crate::support::s3_answers::{Page, token_of};
use crate::support::scale_count;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl};

/// The most memory of a run in this file.
const MOST_MIB: u64 = 128;

/// A bucket with two keys, behind a proxy.
struct Setting {
    bucket: Bucket,
    proxy: HttpProxy,
    folder: TempDir,
}

/// An epoch as a body: header, salt, version, bytes.
const EPOCH: &[u8] = b"e\x04\x07\x05\x07\x04\x01\x05\x03\x06\x04\x01";

impl Setting {
    fn start() -> Setting {
        let bucket = seaweed().bucket();
        let encoding = Some("binary/bilrost+v1");
        bucket.put(&[("p/pp_epoch_0", EPOCH, encoding), ("p/pp_epoch_1", EPOCH, encoding)]);
        let proxy = HttpProxy::start(&bucket.s3.endpoint);
        Setting { bucket, proxy, folder: TempDir::new().unwrap() }
    }

    fn toml(&self) -> String {
        let section = self.bucket.section_at(&self.proxy.endpoint(), "p");
        write_file(&self.folder, "proxy.toml", &section)
    }

    /// Answers every listing so, by the token that is asked for.
    fn answer_lists(&self, page: impl Fn(Option<String>) -> Vec<u8> + Send + 'static) {
        let listing = format!("/{}/", self.bucket.name);
        let respond = move |head: &str, _: Vec<u8>| page(token_of(head));
        let fault = HttpFault::Rewrite(Box::new(respond));
        self.proxy.inject("GET", &listing, usize::MAX / 4, fault);
    }

    fn listings(&self) -> usize {
        self.proxy.requests().iter().filter(|request| request.contains("list-type=2")).count()
    }
}

fn page(names: &[&str], next: Option<&'static str>) -> Page<'static> {
    let names = names.iter().map(|name| ((*name).to_owned(), 13)).collect();
    Page { names, is_truncated: next.is_some(), next, count: None }
}

#[test]
fn listing_that_leaves_out_or_repeats_is_an_error_of_its_side() {
    let setting = Setting::start();
    let two = ["p/pp_epoch_0", "p/pp_epoch_1"];
    type Answer = Box<dyn Fn(Option<String>) -> Vec<u8> + Send>;
    let cases: [(&str, usize, Answer); 7] = [
        (
            "IsTruncated and without NextContinuationToken",
            1,
            Box::new(move |_| Page { is_truncated: true, ..page(&two[..1], None) }.respond()),
        ),
        (
            "page 2 ends with a NextContinuationToken that an earlier page had",
            2,
            Box::new(|token| match token {
                None => page(&["p/pp_epoch_0"], Some("A")).respond(),
                Some(_) => page(&["p/pp_epoch_1"], Some("A")).respond(),
            }),
        ),
        (
            "page 3 ends with a NextContinuationToken that an earlier page had",
            3,
            Box::new(|token| match token.as_deref() {
                None => page(&["p/a"], Some("A")).respond(),
                Some("A") => page(&["p/b"], Some("B")).respond(),
                Some(_) => page(&["p/c"], Some("A")).respond(),
            }),
        ),
        (
            "page 2 begins with \"p/pp_epoch_0\", as an earlier page did",
            2,
            Box::new(move |token| {
                page(&two, Some(if token.is_none() { "A" } else { "B" })).respond()
            }),
        ),
        (
            "a page of 1 names that counts 2 (KeyCount)",
            1,
            Box::new(move |_| Page { count: Some(2), ..page(&two[..1], None) }.respond()),
        ),
        (
            "the name \"q/pp_epoch_0\", which is not below the prefix \"p/\"",
            1,
            Box::new(|_| page(&["q/pp_epoch_0"], None).respond()),
        ),
        (
            "the name \"pp_epoch_0\" twice",
            1,
            Box::new(|_| page(&["p/pp_epoch_0", "p/x", "p/pp_epoch_0"], None).respond()),
        ),
    ];
    let toml = setting.toml();
    for (words, requests, answer) in cases {
        setting.answer_lists(answer);
        setting.proxy.requests();
        for args in [
            &["metadata", "list", "--from", &toml, "-o", "json"][..],
            &["metadata", "backup", "--from", &toml, "-o", "json", "--to", "never-written.jsonl"],
        ] {
            let document = restatectl(args).expect(6).json();
            assert_eq!(document["error"]["code"], "source-unavailable");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{words}: {message}");
            assert_eq!(setting.listings(), requests, "{words}");
        }
        let other = write_file(&setting.folder, "other.toml", &setting.bucket.section("p"));
        let verify = ["metadata", "verify", "--from", &other, "--toml", &toml, "-o", "json"];
        let document = restatectl(&verify).expect(6).json();
        assert_eq!(document["error"]["code"], "target-unavailable", "{document}");
        setting.proxy.clear_faults();
    }
    let listed = restatectl(&["metadata", "list", "--from", &toml, "-o", "json"]).expect(0).json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn foreign_names_are_counted_and_few_are_read() {
    let setting = Setting::start();
    let pages = scale_count(20, 1_000);
    setting.answer_lists(move |token| {
        let at: usize = token.map_or(0, |token| token.parse().unwrap());
        let names = (0..1_000).map(|n| (format!("p/foreign-{at:04}-{n:03}"), 50));
        let epoch = (at == 0).then(|| ("p/pp_epoch_0".to_owned(), 13));
        let next = (at + 1 < pages).then(|| (at + 1).to_string());
        let is_truncated = next.is_some();
        let names = epoch.into_iter().chain(names).collect();
        Page { names, is_truncated, next: next.as_deref(), count: None }.respond()
    });
    setting.proxy.inject("GET", "/p/pp_epoch_0", 1, HttpFault::Before(Box::new(|| {})));
    setting.proxy.inject("GET", "", usize::MAX / 4, HttpFault::Answer(404, "NoSuchKey"));
    let args = ["metadata", "list", "--from", &setting.toml(), "-o", "json"];
    let measured = run_measured(command(&program(), &args));
    let run = measured.run.expect(0);
    assert!(run.err.contains("only 1000 objects with unknown names are read"), "{}", run.err);
    let listed: Json = run.json();
    assert_eq!(listed["foreign"], pages * 1_000);
    assert_eq!(listed["keys"][0]["key"], "pp_epoch_0");
    assert_eq!(listed["complete"], false);
    let requests = setting.proxy.requests();
    let reads = requests.iter().filter(|request| request.contains("/p/foreign-")).count();
    assert_eq!(reads, 1_000);
    assert_eq!(requests.len(), reads + pages + 1);
    assert!(measured.peak_mib < MOST_MIB, "{} MiB", measured.peak_mib);
}

#[test]
fn listing_that_never_ends_is_given_up() {
    let setting = Setting::start();
    setting.answer_lists(|token| {
        let at: usize = token.map_or(0, |token| token.parse().unwrap());
        let names = (0..100).map(|n| (format!("p/{at}-{n}"), 50)).collect();
        let next = (at + 1).to_string();
        Page { names, is_truncated: true, next: Some(&next), count: None }.respond()
    });
    // A busy machine may need more than one attempt in this time.
    let section = setting.bucket.section_at(&setting.proxy.endpoint(), "p");
    let retries = "{ type = \"fixed-delay\", interval = \"10ms\", max-attempts = 50 }";
    let section = format!("{section}object-store-retry-policy = {retries}\n");
    let toml = write_file(&setting.folder, "patient.toml", &section);
    let list = ["metadata", "list", "--from", &toml, "-o", "json", "--request-timeout", "40"];
    let measured = run_measured(command(&program(), &list));
    let document = measured.run.expect(6).json();
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("has not ended after 2 s and"), "{message}");
    assert!(measured.took.as_secs() < 20, "{:?}", measured.took);
    assert!(measured.peak_mib < MOST_MIB, "{} MiB", measured.peak_mib);
}

#[test]
fn key_that_is_listed_and_not_there_is_an_error_and_a_tombstone_is_none() {
    let setting = Setting::start();
    let toml = setting.toml();
    let list = ["metadata", "list", "--from", &toml, "-o", "json"];
    // Deleted by Restate: the object is a lone header.
    setting.bucket.put(&[("p/rule_book", b"d", None)]);
    let document = restatectl(&list).expect(0).json();
    assert_eq!(document["keys"].as_array().unwrap().len(), 2, "{document:#}");
    let absent = || HttpFault::Answer(404, "NoSuchKey");
    // Gone between the listing and the read, as if another writer had deleted it, and then there again.
    setting.proxy.inject("GET", "/pp_epoch_1", 1, absent());
    let document = restatectl(&list).expect(0).json();
    assert_eq!(document["keys"].as_array().unwrap().len(), 2, "{document:#}");
    setting.proxy.inject("GET", "/pp_epoch_1", usize::MAX / 4, absent());
    let document = restatectl(&list).expect(6).json();
    let message = document["error"]["message"].as_str().unwrap();
    let words = "it lists pp_epoch_1, and answers that it does not have it";
    assert!(message.contains(words), "{message}");
}

//! Answers that no DynamoDB gives: lists that do not progress or never end, names that were not asked for, bodies
//! without an end. None is taken for absence, and each ends in bounded time and memory.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::behind_proxy::BehindProxy;
use crate::support::dynamo::{Table, create_table, encode_item};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::peak_memory::{MeasuredRun, run_measured};
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, command, program, restatectl};

/// As often as it is asked.
const ALWAYS: usize = usize::MAX / 4;

/// The most memory of a run against a server that never ends an answer; the program needs about 20 MiB.
const PEAK_MIB: u64 = 128;

struct Fixture {
    table: Table,
    proxy: HttpProxy,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let table = create_table();
        table.put(&[encode_item("p/rule_book", 1, b"\x06\x04\x01")]);
        let proxy = HttpProxy::start(&table.server.endpoint);
        Fixture { table, proxy, folder: TempDir::new().unwrap() }
    }

    fn toml(&self) -> String {
        let section = self.table.section_at(&self.proxy.endpoint(), "p/");
        write_file(&self.folder, "table.toml", &section)
    }

    /// Asserts that a command on the store fails as unavailable with these words while `operation` ends so.
    #[track_caller]
    fn assert_unusable(&self, operation: &str, fault: HttpFault, words: &str) {
        self.proxy.inject("POST", operation, ALWAYS, fault);
        let toml = self.toml();
        let command: &[&str] = match operation {
            "Scan" => &["metadata", "list", "--from", &toml],
            _ => &["metadata", "get", "-k", "rule_book", "--from", &toml],
        };
        let words = ["gave an answer that can't be used", words];
        assert_refused(command, 6, "source-unavailable", &words);
        self.proxy.clear_faults();
    }

    /// Runs a listing with this time-out in milliseconds, and watches its memory.
    fn measure(&self, limit: &str) -> MeasuredRun {
        let args = ["--request-timeout", limit, "metadata", "list", "--from", &self.toml()];
        run_measured(command(&program(), &args))
    }
}

fn page(next: &str) -> String {
    let body = json!({"Items": [], "Count": 0, "ScannedCount": 1, "LastEvaluatedKey": {"pk": {"S": next}}});
    body.to_string()
}

/// Answers each request by its number with this document.
fn answer_with(document: impl Fn(usize) -> String + Send + 'static) -> HttpFault {
    let count = AtomicUsize::new(0);
    HttpFault::Respond(Box::new(move |_, client| {
        let body = document(count.fetch_add(1, Ordering::Relaxed));
        write_head(client, body.len());
        let _ = client.write_all(body.as_bytes());
    }))
}

fn write_head(client: &mut TcpStream, length: usize) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    let _ = client.write_all(head.as_bytes());
}

#[test]
fn scan_that_does_not_progress_is_an_error() {
    let fixture = Fixture::new();
    let twice = "it has LastEvaluatedKey \"p/a\" twice";
    fixture.assert_unusable("Scan", HttpFault::Json(200, page("p/a")), twice);
    let in_turn = answer_with(|n| page(["p/a", "p/b"][n % 2]));
    fixture.assert_unusable("Scan", in_turn, twice);
    // Its first page is real, and is no complete list either.
    let body = json!({"Items": [{"pk": {"S": "p/rule_book"}, "version": {"N": "1"}}], "Count": 1,
        "ScannedCount": 1, "LastEvaluatedKey": {"pk": {"S": "p/rule_book"}}});
    let words = "it has LastEvaluatedKey \"p/rule_book\" twice";
    fixture.assert_unusable("Scan", HttpFault::Json(200, body.to_string()), words);
    fixture.assert_unusable("Scan", HttpFault::Json(200, "{}".to_owned()), "no list of items");
    let other = json!({"Items": [], "LastEvaluatedKey": {"id": {"S": "x"}}}).to_string();
    fixture.proxy.inject("POST", "Scan", ALWAYS, HttpFault::Json(200, other));
    let denied = HttpFault::Answer(400, "AccessDeniedException");
    fixture.proxy.inject("POST", "DescribeTable", ALWAYS, denied);
    let list = ["metadata", "list", "--from", &fixture.toml()];
    assert_refused(&list, 2, "usage", &["has another: \"id\""]);
}

#[test]
fn items_and_names_that_were_not_asked_for_are_an_error() {
    let fixture = Fixture::new();
    let body = |items: Json, left: &[&str]| {
        let keys: Vec<_> = left.iter().map(|name| json!({"pk": {"S": name}})).collect();
        let table = &fixture.table.name;
        let left = if keys.is_empty() { json!({}) } else { json!({table: {"Keys": keys}}) };
        HttpFault::Json(
            200,
            json!({"Responses": {table: items}, "UnprocessedKeys": left}).to_string(),
        )
    };
    let other = encode_item("p/nodes_config", 3, b"\x05x");
    let own = encode_item("p/rule_book", 3, b"\x05x");
    let read = "BatchGetItem";
    let words = "Responses of BatchGetItem name \"p/nodes_config\", which was not asked for";
    fixture.assert_unusable(read, body(json!([other]), &[]), words);
    fixture.assert_unusable(read, body(json!([own, own]), &[]), "Responses of BatchGetItem name");
    fixture.assert_unusable(read, body(json!([{"x": {"S": "y"}}]), &[]), "Responses of");
    let words = "UnprocessedKeys of BatchGetItem name \"p/other\"";
    fixture.assert_unusable(read, body(json!([]), &["p/other"]), words);
    // Answered and left at once, again and again.
    let words = "UnprocessedKeys of BatchGetItem name \"p/rule_book\"";
    fixture.assert_unusable(read, body(json!([own]), &["p/rule_book"]), words);
    let no_items = "has no list of items, and leaves not all of the names";
    for body in ["{}", r#"{"UnprocessedKeys": {}}"#] {
        fixture.assert_unusable(read, HttpFault::Json(200, body.to_owned()), no_items);
    }
}

#[test]
fn no_more_unknown_items_are_read_than_a_thousand() {
    let fixture = Fixture::new();
    let item = |n: usize| json!({"pk": {"S": format!("p/unknown-{n}")}, "version": {"N": "1"}});
    let items: Vec<_> = (0..1_002).map(item).collect();
    let body = json!({"Items": items, "Count": 1_002, "ScannedCount": 1_002}).to_string();
    fixture.proxy.inject("POST", "Scan", ALWAYS, HttpFault::Json(200, body));
    let run = restatectl(&["metadata", "list", "--from", &fixture.toml(), "-o", "json"]).expect(0);
    assert!(run.err.contains("only 1000 items with unknown names"), "{}", run.err);
    assert!(run.err.contains("and 2 more are not"), "{}", run.err);
    let batches = fixture.proxy.requests().iter().filter(|line| line.contains("BatchGet")).count();
    assert_eq!(batches, 20, "ten for the keys, and ten to count the others");
}

#[test]
fn answers_without_end_are_bounded_in_time_and_memory() {
    let fixture = Fixture::new();
    let mut told = Vec::new();
    let mut assert_bounded = |name: &str, fault: HttpFault, words: &str, most: Duration| {
        // A flood has to reach its limit within the time of a request, also while the machine is busy.
        let limit = if name == "one byte a second" { "1000" } else { "5000" };
        fixture.proxy.inject("POST", "Scan", ALWAYS, fault);
        let MeasuredRun { run, peak_mib, took } = fixture.measure(limit);
        fixture.proxy.clear_faults();
        assert_eq!(run.code, 6, "{name}: {}", run.err);
        assert!(run.err.contains(words), "{name}: {}", run.err);
        assert!(peak_mib < PEAK_MIB, "{name}: {peak_mib} MiB");
        assert!(took < most, "{name}: {took:?}");
        told.push(format!("{name}: {:.1} s, {peak_mib} MiB", took.as_secs_f64()));
    };
    let seconds = Duration::from_secs;
    let endless = answer_with(|n| page(&format!("p/{n}")));
    let words = "a scan of it has not ended after 2500 pages";
    assert_bounded("a scan of empty pages", endless, words, seconds(60));
    // Each page is full of names that may be Restate's, or of foreign ones.
    let full = answer_with(|n| {
        let item = |i: usize| json!({"pk": {"S": format!("p/{n}-{i}-{}", "x".repeat(2000))}, "version": {"N": "1"}});
        let items: Vec<_> = (0..500).map(item).collect();
        json!({"Items": items, "LastEvaluatedKey": {"pk": {"S": format!("p/{n}")}}}).to_string()
    });
    assert_bounded("a scan of unknown names", full, "too many names", seconds(60));
    let flood = HttpFault::Respond(Box::new(|_, client| {
        write_head(client, 1 << 40);
        let piece = vec![b' '; 1 << 20];
        while client.write_all(&piece).is_ok() {}
    }));
    assert_bounded("a body without end", flood, "the answer has more than 32 MiB", seconds(10));
    let drip = HttpFault::Respond(Box::new(|_, client| {
        write_head(client, 1 << 20);
        while client.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_secs(1));
        }
    }));
    assert_bounded("one byte a second", drip, "can't be reached", seconds(10));
    println!("{}", told.join("\n"));
}

#[test]
fn nothing_is_written_to_a_table_that_answers_wrongly() {
    let setting = BehindProxy::with_table(Cluster::ready_to_migrate(3));
    for (operation, answer) in [
        ("Scan", page("p/a")),
        ("Scan", "{}".to_owned()),
        ("BatchGetItem", "{}".to_owned()),
        ("BatchGetItem", json!({"Responses": {"t": [{"pk": {"S": "x"}}]}}).to_string()),
    ] {
        // A key of another name is read as well.
        setting.store.put(&[encode_item("p/new_key", 1, b"\x05{\"version\":1}")]);
        setting.proxy.inject("POST", operation, ALWAYS, HttpFault::Json(200, answer));
        let refused = setting.migrate("p/", &["--force", "-y"]).expect(6).json();
        assert_eq!(refused["error"]["code"], "target-unavailable");
        assert_eq!(setting.store.items().len(), 1);
        setting.proxy.clear_faults();
    }
    let section = setting.store.section("p/");
    let toml = write_file(&setting.folder, "direct.toml", &section);
    restatectl(&["metadata", "get", "-k", "new_key", "--from", &toml]).expect(0);
}

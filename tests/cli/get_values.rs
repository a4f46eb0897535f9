//! `get`: every value of a real cluster, compared with the official tool's output.

use serde_json::Value as Json;

use crate::support::restate::{Cluster, get_value, put_value};
use crate::support::tool::{assert_refused, command, official, program, restatectl};

#[test]
fn get_equals_the_official_output_and_adds_the_rule_book() {
    let mut cluster = Cluster::single(3);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    let address = cluster.address();
    let ours = |key: &str| restatectl(&["-s", &address, "metadata", "get", "-k", key]);
    let listing = restatectl(&["-s", &address, "metadata", "list", "-o", "json"]).expect(0).json();
    let keys: Vec<_> = listing["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "nodes_config",
            "bifrost_config",
            "partition_table",
            "schema_registry",
            "rule_book",
            "pp_epoch_0",
            "pp_epoch_1",
            "pp_epoch_2"
        ]
    );
    for key in keys.into_iter().filter(|key| *key != "rule_book") {
        let theirs = official(&["-s", &address, "metadata", "get", "-k", key]).expect(0);
        let theirs: Json = serde_json::from_str(&theirs.out).unwrap();
        assert_eq!(ours(key).expect(0).json(), theirs, "{key}");
    }
    // The same through the node's unix socket.
    let through_socket = ["-S", &cluster.socket(), "metadata", "list", "-o", "json"];
    assert_eq!(restatectl(&through_socket).expect(0).json()["keys"], listing["keys"]);
    let rules = ours("rule_book").expect(0).json();
    assert_eq!(rules["version"], 1);
    assert_eq!(rules["rules"]["scope1/*"]["limits"]["concurrency"], 5);
    let theirs = official(&["-s", &address, "metadata", "get", "-k", "rule_book"]);
    assert!(theirs.code != 0, "the official tool has learned to read the rule book");
}

#[test]
fn values_of_any_size_and_codec_are_read_unchanged() {
    let cluster = Cluster::single(1);
    let address = cluster.address();
    // A legal value may have 30 MiB: far more than a gRPC client takes by default.
    let mut large = vec![3];
    large.extend(u32::to_le_bytes(30 << 20));
    large.extend((0..30 << 20).map(|n| (n % 251) as u8));
    put_value(&address, "large", 1, &large);
    let args = ["-s", &address, "metadata", "get", "-k", "large", "--raw"];
    let raw = command(&program(), &args).output().unwrap();
    assert!(raw.status.success() && raw.stdout == large, "{} bytes", raw.stdout.len());

    // A message above the limit that the operator set is refused by its size, not as an unknown error.
    let limited = ["-s", &address, "metadata", "get", "-k", "large", "--message-size-limit"];
    let words = ["message length too large", "--message-size-limit"];
    assert_refused(&[&limited[..], &["1048576"]].concat(), 5, "value-too-large", &words);
    restatectl(&[&limited[..], &["40000000", "--raw"]].concat()).expect(0);

    put_value(&address, "opaque", 7, &[1, 255]);
    let shown = restatectl(&["-s", &address, "metadata", "get", "-k", "opaque", "-o", "json"]);
    insta::assert_snapshot!(shown.expect(0).out);
    assert_eq!(get_value(&address, "opaque"), Some((7, vec![1, 255])));
}

#[test]
fn migrate_refuses_a_damaged_value_and_names_its_key() {
    use crate::support::etcd::Etcd;
    use crate::support::restate::Mode;
    let mut cluster = Cluster::start(
        &[&["metadata-server"], &["worker", "log-server", "admin", "http-ingress"]],
        2,
    );
    cluster.restart(&Mode::Migration);
    // A server with the admin role would read the damage and shut down.
    cluster.kill_node(1);
    let address = cluster.address();
    let (version, bytes) = get_value(&address, "pp_epoch_1").unwrap();
    // The version beside the value moves on, the one inside does not: a server would shut down.
    put_value(&address, "pp_epoch_1", version + 1, &bytes);
    let etcd = Etcd::start();
    let toml = etcd.toml();
    let run = restatectl(&["-s", &address, "metadata", "migrate", "--toml", &toml, "-o", "json"]);
    let document = run.expect(5).json();
    assert_eq!(document["error"]["code"], "value-corrupt");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("pp_epoch_1 is stored at version"), "{message}");
    assert!(etcd.content().is_empty());
    let gotten = restatectl(&["-s", &address, "metadata", "get", "-k", "pp_epoch_1"]).expect(0);
    assert!(gotten.err.contains("warning: pp_epoch_1 is stored at version"), "{}", gotten.err);
    // A flexbuffer that is cut.
    put_value(&address, "pp_epoch_1", version, &bytes[..bytes.len() - 1]);
    let cut = restatectl(&["-s", &address, "metadata", "migrate", "--toml", &toml]).expect(5);
    assert!(cut.err.contains("pp_epoch_1 has a length of"), "{}", cut.err);
    assert!(etcd.content().is_empty());
    // A codec that servers know, but do not read in this key.
    put_value(&address, "pp_epoch_1", version, &[1, 2, 3]);
    let foreign = ["-s", &address, "metadata", "migrate", "--toml", &toml];
    let run = restatectl(&[&foreign[..], &["--allow-undecoded", "pp_epoch_1"]].concat()).expect(5);
    assert!(run.err.contains("pp_epoch_1 is encoded as protobuf, but servers read"), "{}", run.err);
    assert!(etcd.content().is_empty());
    // A codec that nobody knows is copied only when it is named.
    put_value(&address, "pp_epoch_1", version, &[8, 2, 3]);
    let dead = "N2".to_owned();
    let migrate = |more: &[&str]| {
        let args = ["-s", &address, "metadata", "migrate", "--toml", &toml, "--ignore-node", &dead];
        restatectl(&[&args[..], more].concat())
    };
    let refused = migrate(&[]).expect(5);
    assert!(refused.err.contains("pp_epoch_1 begins with byte 8"), "{}", refused.err);
    assert!(refused.err.contains("--allow-undecoded pp_epoch_1"), "{}", refused.err);
    let copied = migrate(&["--allow-undecoded", "pp_epoch_1"]).expect(0);
    assert!(
        copied.err.contains("pp_epoch_1 is not checked: its codec is unknown"),
        "{}",
        copied.err
    );
    assert_eq!(etcd.content()["pp_epoch_1"], [8, 2, 3]);
}

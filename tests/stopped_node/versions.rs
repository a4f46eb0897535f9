//! Single nodes of each tested version, and without compression: equal to their own answers after both ways to end.

use super::fixture::{SERVER, answers, content, read_nodes};
use super::oracle::assert_equals_oracle;
use crate::support::restate::{CURRENT, Cluster, Mode, put_value};

/// Writes keys of several sizes, some of them again.
fn write_some(cluster: &Cluster, version: u32) -> Vec<String> {
    let keys: Vec<_> = (0..12).map(|number| format!("pp_epoch_{number}")).collect();
    for (number, key) in keys.iter().enumerate() {
        let size = [0, 300, 9_000, 120_000][number % 4];
        put_value(&cluster.address(), key, version, &content(key, version, size));
    }
    keys
}

fn assert_equals_answers(server: &str, config: &'static str) {
    let mut cluster = Cluster::start_with_config(server, &[SERVER], config);
    for (version, signal) in [(3, "TERM"), (5, "KILL")] {
        let keys = write_some(&cluster, version);
        let expected = answers(&cluster, &keys);
        assert_eq!(expected.len(), 15);
        cluster.end_all(signal);
        let found = read_nodes(&cluster, &[0]);
        assert!(found.members.is_complete && found.members.warnings.is_empty());
        assert!(found.values == expected, "{server} after SIG{signal}");
        assert_equals_oracle(&cluster.base_folder(0));
        cluster.start_again(&Mode::Normal);
    }
}

#[test]
fn folder_of_the_current_server_equals_its_answers() {
    assert_equals_answers(CURRENT, "");
}

#[test]
fn folder_of_server_1_7_2_equals_its_answers() {
    assert_equals_answers("restate-server-1.7.2", "");
}

#[test]
fn folder_of_server_1_6_2_equals_its_answers() {
    assert_equals_answers("restate-server-1.6.2", "");
}

/// Neither the log nor the tables are compressed, and the log is trimmed early.
const UNCOMPRESSED: &str = "[metadata-server]\nlog-trim-threshold = 10\nrocksdb-disable-wal-compression = true\n\
                            rocksdb-disable-l0-l1-compression = true\nrocksdb-block-size = \"4 KiB\"\n";

#[test]
fn folder_without_compression_equals_the_answers() {
    assert_equals_answers(CURRENT, UNCOMPRESSED);
}

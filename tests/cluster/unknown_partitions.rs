//! A cluster whose partition table can't be decoded: every epoch is asked for, and nothing is called
//! complete.

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::listing::key_names;
use crate::support::restate::{Cluster, get_value, put_value};
use crate::support::tool::restatectl;

#[test]
fn store_without_a_readable_partition_table_is_not_called_complete() {
    let cluster = Cluster::large(2);
    let address = cluster.address();
    let (version, epoch) = get_value(&address, "pp_epoch_0").unwrap();
    put_value(&address, "pp_epoch_65535", version, &epoch);
    let list = ["-s", &address, "metadata", "list", "-o", "json"];
    let whole = restatectl(&list).expect(0).json();
    assert_eq!(whole["complete"], true);
    let (version, table) = get_value(&address, "partition_table").unwrap();
    put_value(&address, "partition_table", version, &table[..table.len() - 3]);

    let run = restatectl(&list).expect(0);
    let document = run.json();
    assert_eq!(document["complete"], false, "{document:#}");
    let names = key_names(&document);
    for epoch in ["pp_epoch_0", "pp_epoch_1", "pp_epoch_65535"] {
        assert!(names.contains(&epoch), "{names:?}");
    }
    assert!(run.err.contains("not known which partitions there are"), "{}", run.err);

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    let save = ["-s", &address, "metadata", "backup", "--to", &file];
    let saved = restatectl(&save).expect(0);
    assert!(saved.out.starts_with("Possibly incomplete: "), "{saved:?}");
    let header = std::fs::read_to_string(&file).unwrap();
    assert!(header.lines().next().unwrap().contains("\"complete\":false"), "{header}");
    let again = restatectl(&["metadata", "list", "--from", &file, "-o", "json"]).expect(0).json();
    assert_eq!(again["complete"], false);
    assert_eq!(key_names(&again), names);

    let etcd = Etcd::start();
    let migrate = ["-s", &address, "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    assert_eq!(restatectl(&migrate).expect(5).json()["error"]["code"], "value-corrupt");
    assert!(etcd.content().is_empty());
}

//! The reader of RocksDB's files beside RocksDB itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use restatectl::rocks_db::{Family, ReadBudget, read_database};
use tempfile::TempDir;

use crate::support::{project, python_package, python_program, scale_count};

/// Runs RocksDB with these arguments.
fn run_oracle(args: &[&str]) -> std::process::Output {
    python_package("rocksdict");
    let script = project().join("tests/support/rocksdb_oracle.py");
    Command::new(python_program("python")).arg(script).args(args).output().unwrap()
}

/// Returns what RocksDB reads in the folder: of a copy, since it leaves files there.
fn dump(folder: &Path) -> BTreeMap<String, Family> {
    let copy = TempDir::new().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let output = run_oracle(&["dump", copy.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let [family, key, value] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        families.entry(family.to_owned()).or_default().insert(decode(key), decode(value));
    }
    families
}

fn decode(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| {
        u8::try_from(pair.iter().fold(0, |sum, digit| 16 * sum + digit.to_digit(16).unwrap()))
            .unwrap()
    };
    digits.chunks(2).map(byte).collect()
}

/// Compares what both read in a folder.
#[track_caller]
fn assert_same(folder: &Path) {
    let mut read = read_database(folder, &mut ReadBudget::default())
        .unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    // A SIGKILL amid a write leaves one, seen once in some hundred rounds; RocksDB takes it for the end as well.
    assert!(read.torn_tails.iter().all(|tail| !tail.is_damaged), "{:?}", read.torn_tails);
    read.families.retain(|_, family| !family.is_empty());
    let expected = dump(folder);
    let names = |families: &BTreeMap<String, Family>| families.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&read.families), names(&expected));
    for (name, family) in &expected {
        assert!(read.families[name] == *family, "{folder:?}: {name} differs");
    }
}

/// Compares what both read in the store of the node with this base directory.
#[track_caller]
pub(super) fn assert_equals_oracle(base: &str) {
    let nodes = std::fs::read_dir(base).unwrap().map(|entry| entry.unwrap().path());
    let stores: Vec<PathBuf> = nodes
        .map(|node| node.join("replicated-metadata-server"))
        .filter(|path| path.exists())
        .collect();
    assert_eq!(stores.len(), 1, "{stores:?}");
    assert_same(&stores[0]);
}

#[test]
fn random_databases_are_read_as_rocksdb_reads_them() {
    let databases = scale_count(8, 300);
    for seed in 0..databases {
        let folder = TempDir::new().unwrap();
        let output = run_oracle(&["make", folder.path().to_str().unwrap(), &seed.to_string()]);
        // It ends by a signal, as a server that is killed.
        assert_eq!(output.status.code(), None, "{}", String::from_utf8_lossy(&output.stderr));
        assert_same(folder.path());
    }
    println!("sum: random databases beside RocksDB: {databases} databases");
}

#[test]
fn sample_is_read_as_rocksdb_reads_it() {
    assert_same(&project().join("tests/stopped_node/sample/node-1/replicated-metadata-server"));
}

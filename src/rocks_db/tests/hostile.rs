//! Files that would take much memory or time: each is refused before it does.

use super::super::block::{Entries, EntryForm};
use super::super::budget::Amount;
use super::super::table::Table;
use super::order::{fragment, record};
use super::*;

#[test]
fn manifest_is_never_compressed() {
    // The record that says how the others are compressed: 7 is zstd.
    let bytes = [fragment(9, &[7, 0, 0, 0]), record(&[3, 5])].concat();
    let reason = Manifest::parse(&bytes).unwrap_err().reason;
    assert!(reason.contains("about compression"), "{reason}");
}

#[test]
fn change_of_too_many_files_is_refused() {
    // Each deletes the file 1 at level 0.
    let deletions = |count: usize| [6, 0, 1].repeat(count);
    let reason = Manifest::parse(&record(&deletions(10_001))).unwrap_err().reason;
    assert!(reason.contains("too many changes"), "{reason}");
}

#[test]
fn too_many_column_families_are_refused() {
    // Tags 200 and 201: the id, and a name.
    let families = (1..120_u8).map(|id| record(&[0xc8, 1, id, 0xc9, 1, 1, b'a']));
    let reason = Manifest::parse(&families.collect::<Vec<_>>().concat()).unwrap_err().reason;
    assert!(reason.contains("more than 100 column families"), "{reason}");
}

#[test]
fn key_that_grows_without_end_is_refused() {
    // An entry that shares nothing, and has a key of 5,000 bytes.
    let entry = [&[0, 0x88, 0x27, 0][..], &[b'k'; 5000]].concat();
    let block = [&entry[..], &[0, 0, 0, 0, 1, 0, 0, 0]].concat();
    let mut entries = Entries::new(&block, EntryForm::WithLength).unwrap();
    let reason = entries.next_entry().unwrap_err().reason;
    assert!(reason.contains("more than 4 KiB"), "{reason}");
}

#[test]
fn blocks_of_a_table_that_nothing_names_are_counted_too() {
    let table = sample_file(".sst");
    assert!(Table::open(&table, &mut Amount::new(1, "beyond the limit")).is_err());
    let copy = Copy::new();
    for number in 100..140 {
        copy.write(&format!("{number:06}.sst"), &table);
    }
    let most = |most: u64| {
        let content = Amount::new(most, "beyond the limit");
        let mut budget = ReadBudget { content, ..ReadBudget::default() };
        read_database(copy.folder.path(), &mut budget).map(|_| ())
    };
    assert!(most(1 << 30).is_ok());
    let error = most(60_000).unwrap_err().to_string();
    assert!(error.contains("beyond the limit"), "{error}");
}

#[test]
fn files_of_other_names_are_not_read() {
    let copy = Copy::new();
    let name = copy.files.keys().find(|name| name.ends_with(".log")).unwrap();
    copy.write(name.trim_start_matches('0'), &copy.files[name]);
    fs::create_dir(copy.folder.path().join("99.sst")).unwrap();
    fs::create_dir(copy.folder.path().join("000099.sst")).unwrap();
    assert!(copy.read().unwrap().families == copy.whole);
}

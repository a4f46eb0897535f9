//! Files that are whole, and do not belong together: an older MANIFEST, a log that is missing, a folder that changes.

use super::super::budget::Amount;
use super::super::checksum::masked_crc;
use super::super::database::read_database_while;
use super::super::folder::{log_name, table_name};
use super::super::log_file::LogFile;
use super::super::table::Table;
use super::*;

/// The most bytes of the sample's log that the tests split: its first block.
const BLOCK: usize = 32 << 10;

/// Returns the name of the log, its bytes, and where its batches begin; all are in the first block.
fn log_in_one_block(copy: &Copy) -> (String, Vec<u8>, Vec<usize>) {
    let (name, bytes, offsets) = log_of(copy);
    assert!(bytes.len() < BLOCK && offsets.len() > 2);
    (name, bytes, offsets)
}

/// Returns why a database was not read.
#[track_caller]
fn refusal(read: Result<Database, ReadError>) -> String {
    read.map(|_| ()).unwrap_err().to_string()
}

fn number_of(name: &str) -> u64 {
    name.split('.').next().unwrap().parse().unwrap()
}

/// Splits the log in two, as a server does when it begins another one. Returns the names.
fn split_log(copy: &Copy) -> (String, String) {
    let (name, bytes, offsets) = log_in_one_block(copy);
    let (begin, middle) = (offsets[0], offsets[offsets.len() / 2]);
    let next = log_name(number_of(&name) + 1);
    copy.write(&name, &bytes[..middle]);
    copy.write(&next, &[&bytes[..begin], &bytes[middle..]].concat());
    (name, next)
}

fn remove(copy: &Copy, name: &str) {
    fs::remove_file(copy.folder.path().join(name)).unwrap();
}

/// Returns where the records of the MANIFEST begin.
fn ends_of_manifest(bytes: &[u8]) -> Vec<usize> {
    let mut log = LogFile::new(bytes);
    let records = std::iter::from_fn(|| log.next_record().unwrap());
    records.map(|record| usize::try_from(record.offset).unwrap()).collect()
}

#[test]
fn logs_are_read_one_after_the_other() {
    let copy = Copy::new();
    let (first, last) = split_log(&copy);
    let found = copy.read().unwrap();
    assert!(found.families == copy.whole && found.torn_tails.is_empty());
    remove(&copy, &first);
    let error = refusal(copy.read());
    assert!(error.starts_with(&last) && error.contains("a log is missing"), "{error}");
}

#[test]
fn first_batch_follows_what_the_tables_hold() {
    let copy = Copy::new();
    let (name, bytes, offsets) = log_in_one_block(&copy);
    // The sample's log begins right behind the tables.
    copy.write(&name, &[&bytes[..offsets[0]], &bytes[offsets[1]..]].concat());
    let error = refusal(copy.read());
    assert!(error.contains("follows, and") && error.contains("a log is missing"), "{error}");
}

#[test]
fn empty_log_does_not_hide_the_one_before_it() {
    let copy = Copy::new();
    let (name, bytes, offsets) = log_in_one_block(&copy);
    let manifest = Manifest::parse(&copy.files[&manifest_name()]).unwrap();
    let next = manifest.next_file_number;
    assert!(number_of(&name) < next);
    remove(&copy, &name);
    copy.write(&log_name(next), &bytes[..offsets[0]]);
    let error = refusal(copy.read());
    assert!(error.contains("an older MANIFEST is there"), "{error}");
    copy.restore(&name);
    assert!(copy.read().unwrap().families == copy.whole);
}

#[test]
fn cut_manifest_gives_no_older_state() {
    let copy = Copy::new();
    let name = manifest_name();
    let bytes = &copy.files[&name];
    for end in ends_of_manifest(bytes) {
        copy.write(&name, &bytes[..end]);
        let is_same = copy.read().map(|found| found.families == copy.whole);
        assert!(is_same.unwrap_or(true), "cut to {end}");
    }
}

#[test]
fn table_that_an_older_manifest_does_not_name_is_noticed() {
    let copy = Copy::new();
    let table = copy.files.keys().find(|name| name.ends_with(".sst")).unwrap().clone();
    // What it holds is in the others: it is left over.
    let left = table_name(number_of(&table) + 50);
    copy.write(&left, &copy.files[&table]);
    assert!(copy.read().unwrap().families == copy.whole);
    // A part of a table is what a server leaves that ends while it writes it.
    copy.write(&left, &copy.files[&table][..100]);
    assert!(copy.read().unwrap().families == copy.whole);
    remove(&copy, &left);
    // A MANIFEST of before the tables: comparator, next file and last sequence number; two column families.
    let first = [b"\x01\x1aleveldb.BytewiseComparator", &[2, 0, 3, 5, 4, 0][..]].concat();
    let family = |id: u8, name: &[u8]| {
        [&[0xc8, 1, id, 0xc9, 1, u8::try_from(name.len()).unwrap()], name].concat()
    };
    let records = [first, family(1, b"metadata"), family(2, b"data")];
    copy.write(&manifest_name(), &records.map(|content| record(&content)).concat());
    let (log, bytes, offsets) = log_in_one_block(&copy);
    copy.write(&log, &bytes[..offsets[0]]);
    let error = refusal(copy.read());
    assert!(error.contains("the other files end at 0: an older MANIFEST is there"), "{error}");
}

/// Encodes a record of a log file.
pub(super) fn record(content: &[u8]) -> Vec<u8> {
    fragment(1, content)
}

/// Encodes a fragment of a log file.
pub(super) fn fragment(kind: u8, content: &[u8]) -> Vec<u8> {
    let checked = [&[kind], content].concat();
    let checksum = masked_crc(&checked).to_le_bytes();
    let length = u16::try_from(content.len()).unwrap().to_le_bytes();
    [&checksum[..], &length, &checked].concat()
}

#[test]
fn folder_that_changes_while_it_is_read_is_refused() {
    let changes: [fn(&Copy); 3] = [
        |copy| copy.write("CURRENT", b"MANIFEST-999999\n"),
        |copy| copy.write(&log_name(999_999), b""),
        |copy| {
            let name = manifest_name();
            let bytes = &copy.files[&name];
            // A change that changes nothing.
            copy.write(&name, &[bytes.as_slice(), &record(&[])].concat());
        },
    ];
    for change in changes {
        let copy = Copy::new();
        copy.write("MANIFEST-999999", &copy.files[&manifest_name()]);
        let path = copy.folder.path();
        let read = read_database_while(path, &mut ReadBudget::default(), || change(&copy));
        let error = refusal(read);
        assert!(error.contains("it changed while it was read"), "{error}");
    }
}

#[test]
fn all_folders_share_one_budget() {
    let copy = Copy::new();
    let limits: [fn(&mut ReadBudget) -> &mut Amount; 4] = [
        |budget| &mut budget.files,
        |budget| &mut budget.file_bytes,
        |budget| &mut budget.content,
        |budget| &mut budget.kept,
    ];
    for limit in limits {
        let most = (1_u64..).map(|step| 1 << step).find(|most| {
            let mut budget = ReadBudget::default();
            *limit(&mut budget) = Amount::new(*most, "beyond the limit");
            read_database(copy.folder.path(), &mut budget).is_ok()
        });
        let mut budget = ReadBudget::default();
        *limit(&mut budget) = Amount::new(most.unwrap(), "beyond the limit");
        let reads = (0..3).map(|_| read_database(copy.folder.path(), &mut budget).err());
        let errors: Vec<_> = reads.flatten().map(|error| error.to_string()).collect();
        assert!(!errors.is_empty(), "{most:?}");
        assert!(errors.iter().all(|error| error.contains("beyond the limit")), "{errors:?}");
    }
}

#[test]
fn table_counts_its_blocks() {
    let bytes = sample_file(".sst");
    let table = Table::open(&bytes, &mut Amount::new(1 << 20, "")).unwrap();
    let read = table.read_entries(&mut Amount::new(10, "beyond the limit"), |_, _| Ok(()));
    assert_eq!(read.unwrap_err().reason, "beyond the limit");
}

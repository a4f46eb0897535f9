use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use tempfile::TempDir;

use super::log_file::LogFile;
use super::manifest::Manifest;
use super::{Database, Family, ReadBudget, ReadError, fuzz, read_database};

mod hostile;
mod order;

/// The folder of a real server: two tables, a log that is not flushed.
fn sample() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    project.join("tests/stopped_node/sample/node-1/replicated-metadata-server")
}

fn sample_file(end: &str) -> Vec<u8> {
    let files = fs::read_dir(sample()).unwrap().map(|entry| entry.unwrap().path());
    let mut named = files.filter(|path| path.to_str().unwrap().ends_with(end));
    fs::read(named.next().unwrap()).unwrap()
}

/// Returns the write batches of the log.
fn sample_records() -> Vec<Vec<u8>> {
    let bytes = sample_file(".log");
    let mut log = LogFile::new(&bytes);
    std::iter::from_fn(|| log.next_record().unwrap()).map(|record| record.content).collect()
}

fn manifest_name() -> String {
    fs::read_to_string(sample().join("CURRENT")).unwrap().trim_end().to_owned()
}

/// A copy of the sample, one file of which is changed at a time.
struct Copy {
    folder: TempDir,
    files: BTreeMap<String, Vec<u8>>,
    whole: BTreeMap<String, Family>,
}

impl Copy {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(sample()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            fs::copy(&path, folder.path().join(&name)).unwrap();
            files.insert(name, fs::read(&path).unwrap());
        }
        files.remove("LOCK");
        let whole = read_database(&sample(), &mut ReadBudget::default()).unwrap();
        assert!(whole.torn_tails.is_empty());
        Copy { folder, files, whole: whole.families }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn read(&self) -> Result<Database, ReadError> {
        read_database(self.folder.path(), &mut ReadBudget::default())
    }

    /// Checks what comes of a changed file: refused, reported as an incomplete end, or without effect.
    fn check(&self, name: &str, bytes: &[u8], change: &str) {
        self.write(name, bytes);
        if let Ok(found) = self.read() {
            let is_reported = found.torn_tails.iter().any(|tail| tail.file == name);
            assert!(is_reported || found.families == self.whole, "{name}, {change}");
        }
    }

    fn restore(&self, name: &str) {
        self.write(name, &self.files[name]);
    }
}

/// Returns the distance of the bits and cuts that are tried: each in `make soak`, a sample otherwise.
fn stride(sampled: usize) -> usize {
    if std::env::var_os("RESTATECTL_SOAK").is_some() { 1 } else { sampled }
}

#[test]
fn sample_has_what_a_metadata_server_keeps() {
    let found = read_database(&sample(), &mut ReadBudget::default()).unwrap();
    let names: Vec<_> = found.families.keys().map(String::as_str).collect();
    assert_eq!(names, ["data", "default", "metadata"]);
    assert!(found.families["metadata"].contains_key(b"snapshot".as_slice()));
    assert!(found.families["data"].keys().all(|key| key.starts_with(b"l")));
    assert!(found.newest_change.is_some());
}

#[test]
fn no_flipped_bit_gives_other_values_silently() {
    let copy = Copy::new();
    for (name, bytes) in &copy.files {
        for bit in (0..8 * bytes.len()).step_by(stride(61)) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            copy.check(name, &flipped, &format!("bit {bit}"));
        }
        copy.restore(name);
    }
}

#[test]
fn no_cut_gives_other_values_silently() {
    let copy = Copy::new();
    for (name, bytes) in &copy.files {
        for length in (0..bytes.len()).step_by(stride(17)) {
            // A log without a part that is whole records is what it was at an earlier time.
            let is_log = name.ends_with(".log") || name.starts_with("MANIFEST");
            match is_log {
                true => {
                    copy.write(name, &bytes[..length]);
                    let _ = copy.read();
                }
                false => copy.check(name, &bytes[..length], &format!("cut to {length}")),
            }
        }
        copy.restore(name);
    }
}

#[test]
fn cut_log_is_reported_unless_it_ends_with_a_record() {
    let copy = Copy::new();
    let name = copy.files.keys().find(|name| name.ends_with(".log")).unwrap();
    let bytes = &copy.files[name];
    let mut ends = vec![0];
    let mut log = LogFile::new(bytes);
    while let Some(record) = log.next_record().unwrap() {
        ends.push(usize::try_from(record.offset).unwrap());
    }
    // The record that says how the others are compressed is not one of them.
    ends.push(11);
    for length in (0..bytes.len()).step_by(stride(7)) {
        copy.write(name, &bytes[..length]);
        let torn = copy.read().unwrap().torn_tails;
        assert_eq!(torn.is_empty(), ends.contains(&length), "cut to {length}");
        assert!(torn.iter().all(|tail| !tail.is_damaged));
    }
}

/// Returns the name of the log, its bytes, and where each of its records begins.
fn log_of(copy: &Copy) -> (String, Vec<u8>, Vec<usize>) {
    let (name, bytes) = copy.files.iter().find(|(name, _)| name.ends_with(".log")).unwrap();
    let mut log = LogFile::new(bytes);
    let records = std::iter::from_fn(|| log.next_record().unwrap());
    let offsets = records.map(|record| usize::try_from(record.offset).unwrap()).collect();
    (name.clone(), bytes.clone(), offsets)
}

#[test]
fn end_that_no_interrupted_write_leaves_is_damaged() {
    let copy = Copy::new();
    let (name, bytes, offsets) = log_of(&copy);
    let mut longer = bytes.clone();
    let length = offsets.last().unwrap() + 4;
    longer[length] = longer[length].checked_add(1).unwrap();
    for changed in [longer, [bytes.as_slice(), &[0; 3]].concat(), [bytes, vec![0; 4096]].concat()] {
        copy.write(&name, &changed);
        let torn = copy.read().unwrap().torn_tails;
        assert!(torn.len() == 1 && torn[0].is_damaged, "{torn:?}");
    }
}

#[test]
fn empty_log_may_follow_a_torn_one() {
    let copy = Copy::new();
    let (name, bytes, offsets) = log_of(&copy);
    let number: u64 = name.trim_end_matches(".log").parse().unwrap();
    let next = super::folder::log_name(number + 1);
    copy.write(&name, &bytes[..bytes.len() - 3]);
    // The record about compression is no write.
    for begun in [&bytes[..0], &bytes[..offsets[0]]] {
        copy.write(&next, begun);
        let torn = copy.read().unwrap().torn_tails;
        assert!(torn.len() == 1 && torn[0].file == name, "{torn:?}");
    }
    copy.write(&next, &bytes);
    assert!(matches!(copy.read(), Err(ReadError::Damaged { .. })));
}

#[test]
fn write_that_is_missing_between_others_is_noticed() {
    let copy = Copy::new();
    let (name, bytes, offsets) = log_of(&copy);
    // The first block: records have their places in it.
    for ends in offsets.windows(2).filter(|ends| ends[1] < 8000 && bytes.len() < 32 << 10) {
        copy.write(&name, &[&bytes[..ends[0]], &bytes[ends[1]..]].concat());
        let error = copy.read().unwrap_err().to_string();
        assert!(error.contains("a log is missing") && error.contains(&name), "{error}");
    }
}

#[test]
fn absent_file_is_reported_as_missing() {
    let copy = Copy::new();
    for name in copy.files.keys() {
        fs::remove_file(copy.folder.path().join(name)).unwrap();
        let error = copy.read().unwrap_err().to_string();
        assert!(error.contains(name.as_str()) || name.ends_with(".log"), "{error}");
        copy.restore(name);
    }
}

#[test]
fn folder_of_too_many_files_is_refused() {
    let copy = Copy::new();
    for number in 0..super::limits::MOST_FILES {
        copy.write(&format!("other-{number}"), b"");
    }
    assert!(matches!(copy.read(), Err(ReadError::TooLarge { .. })));
}

#[test]
fn links_and_other_things_are_not_read() {
    let copy = Copy::new();
    let name = manifest_name();
    let path = copy.folder.path().join(&name);
    let elsewhere = TempDir::new().unwrap();
    let moved = elsewhere.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    let error = copy.read().unwrap_err().to_string();
    assert!(error.ends_with("it is a symbolic link, which is not followed"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = copy.read().unwrap_err().to_string();
    assert!(error.ends_with("it is not a regular file"), "{error}");
}

#[test]
fn current_that_leads_out_of_the_folder_is_refused() {
    let copy = Copy::new();
    for content in
        ["MANIFEST-../../x\n", "../MANIFEST-000005\n", "MANIFEST-\n", "MANIFEST-000005", "\n", ""]
    {
        copy.write("CURRENT", content.as_bytes());
        assert!(matches!(copy.read(), Err(ReadError::Damaged { .. })), "{content:?}");
    }
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_any_bytes_as_each_kind_of_file(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::read_log(&bytes);
        fuzz::read_manifest(&bytes);
        fuzz::read_table(&bytes);
    }

    #[test]
    fn fuzz_any_bytes_behind_the_checksums(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz::read_parts(&bytes);
    }

    #[test]
    fn fuzz_changed_records(at in any::<prop::sample::Index>(), change in 1_u8..) {
        static RECORDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(sample_records);
        let mut record = RECORDS[at.index(RECORDS.len())].clone();
        let at = at.index(record.len());
        record[at] ^= change;
        fuzz::read_parts(&record);
    }
}

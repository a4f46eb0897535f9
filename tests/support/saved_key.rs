//! A backup file with one key, for tests that need any.

use prost::bytes::Bytes;
use restatectl::backends::backup::{BackupOrigin, Destination, save_backup};
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use tempfile::TempDir;

/// Saves one key in the folder, and returns the path of the file.
pub fn save_one_key(folder: &TempDir) -> String {
    save_value(folder, "saved.jsonl", "\u{5}{\"version\":1}")
}

/// Saves one key with this value in a file of the folder, and returns its path.
pub fn save_value(folder: &TempDir, file: &str, value: &str) -> String {
    let value = Value { version: Version(1), bytes: Bytes::copy_from_slice(value.as_bytes()) };
    let entries =
        Snapshot::from([(Key::RuleBook, Entry::Intact(value, CasToken::Version(Version(1))))]);
    let place = Destination::File(folder.path().join(file));
    let origin = BackupOrigin {
        store: "test",
        cluster: None,
        complete: true,
        data_loss: None,
        overwritten_with: None,
    };
    save_backup(&place, &origin, &entries).unwrap().path.to_str().unwrap().to_owned()
}

//! The form of a backup file: JSON, one object a line, so that it can be read without this program.
//!
//! The first line says what it is a backup of, each further one holds a key, and the last one the
//! SHA-256 of all bytes before it. A file is read only if it is to the byte what was written.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::conversion::describe_conversion;
use super::header::Header;
use crate::model::{CasToken, DigestWriter, Entry, Key, Snapshot, Value, Version, sha256_hex};

/// Why a file is not what was once saved.
#[derive(Debug, Error)]
#[error("{file} is a damaged backup: {reason}")]
pub struct BackupError {
    file: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct BackupLine {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Why there is no value, and the parts that lie there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<(String, String)>>,
}

/// Size and digest of a file that was written.
pub(super) struct WrittenFile {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Writes the whole file, line by line: with tens of thousands of keys it is larger than all that is in memory.
pub(super) fn write_backup(
    out: &mut dyn Write,
    header: &Header,
    entries: &Snapshot,
) -> io::Result<WrittenFile> {
    let mut file = DigestWriter::new(out);
    write_line(&mut file, header)?;
    for (key, entry) in entries {
        write_line(&mut file, &entry_line(key, entry))?;
    }
    let trailer = trailer_line(&file.sha256());
    file.write_all(&trailer)?;
    Ok(WrittenFile { bytes: file.bytes(), sha256: file.sha256() })
}

fn write_line(file: &mut DigestWriter<'_>, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

fn entry_line(key: &Key, entry: &Entry) -> BackupLine {
    let base = BackupLine {
        key: key.to_string(),
        version: None,
        bytes: None,
        sha256: None,
        value: None,
        damaged: None,
        parts: None,
    };
    match entry {
        Entry::Intact(value, _) => BackupLine {
            version: Some(value.version.0),
            bytes: Some(value.bytes.len()),
            sha256: Some(value.sha256()),
            value: Some(STANDARD.encode(&value.bytes)),
            ..base
        },
        Entry::Damaged { reason, raw, .. } => {
            let parts = raw.iter().map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes)));
            BackupLine { damaged: Some(reason.clone()), parts: Some(parts.collect()), ..base }
        }
    }
}

/// Renders the last line for the digest of all before it.
fn trailer_line(digest: &str) -> Vec<u8> {
    format!("{{\"sha256_of_all_above\":\"{digest}\"}}\n").into_bytes()
}

/// Returns all but the last line, if that has the digest of it.
///
/// # Errors
/// The reason why it has not.
fn check_digest(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let trailer_length = trailer_line(&sha256_hex(b"")).len();
    let split = bytes.len().checked_sub(trailer_length).ok_or("it is cut short")?;
    let (before, last) = bytes.split_at(split);
    if !last.starts_with(b"{\"sha256_of_all_above\":\"") || !before.ends_with(b"\n") {
        return Err("it is cut short, or its last line was changed");
    }
    match last == trailer_line(&sha256_hex(before)) {
        true => Ok(before),
        false => Err("its digest does not fit its content"),
    }
}

/// Reads a whole file.
pub(super) fn parse_backup(bytes: &[u8], file: &str) -> Result<(Header, Snapshot), BackupError> {
    let damaged = |reason: &str| BackupError { file: file.to_owned(), reason: reason.to_owned() };
    let before = check_digest(bytes).map_err(|reason| {
        let conversion = describe_conversion(bytes, |original| check_digest(original).is_ok());
        damaged(conversion.as_deref().unwrap_or(reason))
    })?;
    let mut lines = before.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Header = lines
        .next()
        .and_then(|line| serde_json::from_slice(line).ok())
        .ok_or_else(|| damaged("its first line is not a header"))?;
    header.check_format().map_err(|reason| damaged(&reason))?;
    // Collected as a whole: a map that grows key by key takes twice the memory.
    let entries = lines.map(parse_entry).collect::<Result<Snapshot, _>>();
    let entries = entries.map_err(|reason| damaged(&reason))?;
    if entries.len() != header.keys {
        let reason = format!("it holds {} keys instead of {}", entries.len(), header.keys);
        return Err(damaged(&reason));
    }
    Ok((header, entries))
}

fn parse_entry(line: &[u8]) -> Result<(Key, Entry), String> {
    let line: BackupLine = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let key = Key::parse(&line.key);
    let wrong = |what: &str| format!("{key}: {what}");
    let decoded = |text: &str| {
        let bytes = STANDARD.decode(text).map_err(|_| wrong("is not valid base64"));
        // A copy of exactly this size: the decoder's own buffer is larger.
        bytes.map(|bytes| Bytes::copy_from_slice(&bytes))
    };
    if let (Some(reason), Some(parts)) = (&line.damaged, &line.parts) {
        let raw = parts.iter().map(|(name, text)| Ok((name.clone(), decoded(text)?)));
        let raw = raw.collect::<Result<_, String>>()?;
        let tag = CasToken::Version(Version(0));
        return Ok((key.clone(), Entry::Damaged { reason: reason.clone(), raw, tag }));
    }
    let (Some(version), Some(text)) = (line.version, &line.value) else {
        return Err(wrong("has neither a value nor a reason"));
    };
    let value = Value { version: Version(version), bytes: decoded(text)? };
    if line.sha256 != Some(value.sha256()) || line.bytes != Some(value.bytes.len()) {
        return Err(wrong("its digest does not fit its bytes"));
    }
    let tag = CasToken::Version(value.version);
    Ok((key, Entry::Intact(value, tag)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::conversion::{BEGINNING, is_backup};
    use super::super::header::BackupOrigin;
    use super::super::planned_values::PlannedValues;
    use super::*;
    use crate::model::DataLoss;

    fn any_entry() -> impl Strategy<Value = Entry> {
        let bytes = prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from);
        (any::<u32>(), bytes, any::<bool>()).prop_map(|(version, bytes, damaged)| match damaged {
            true => Entry::Damaged {
                reason: "has no bytes".to_owned(),
                raw: vec![("version".to_owned(), bytes)],
                tag: CasToken::Version(Version(0)),
            },
            false => {
                let value = Value { version: Version(version), bytes };
                Entry::Intact(value, CasToken::Version(Version(version)))
            }
        })
    }

    fn any_snapshot() -> impl Strategy<Value = Snapshot> {
        let key = prop_oneof![
            Just(Key::NodesConfig),
            Just(Key::RuleBook),
            any::<u16>().prop_map(Key::PartitionEpoch),
            "[a-z\"\\\\\n é]{1,9}".prop_map(Key::Unknown)
        ];
        prop::collection::btree_map(key, any_entry(), 0..6)
    }

    fn rendered(entries: &Snapshot) -> (Header, Vec<u8>) {
        let cluster = Some(("demo".to_owned(), Some(u64::MAX)));
        let overwritten_with = entries.len().is_multiple_of(2).then(PlannedValues::default);
        let data_loss = (entries.len() > 3).then(DataLoss::default);
        let origin = BackupOrigin {
            store: "etcd a:1",
            cluster,
            complete: true,
            data_loss,
            overwritten_with,
        };
        let header = Header::new(&origin, "2026-11-24T12:00:00Z".to_owned(), entries.len());
        let mut file = Vec::new();
        let written = write_backup(&mut file, &header, entries).unwrap();
        assert_eq!((written.bytes, written.sha256), (file.len() as u64, sha256_hex(&file)));
        (header, file)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn saved_backup_is_read_back(entries in any_snapshot()) {
            let (header, file) = rendered(&entries);
            prop_assert!(is_backup(&file));
            prop_assert_eq!(parse_backup(&file, "f").unwrap(), (header, entries));
        }
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(parse_backup(&bytes, "f").is_err());
            let _ = parse_backup(&[BEGINNING, &bytes].concat(), "f");
        }

        #[test]
        fn fuzz_one_changed_byte(at: prop::sample::Index, change in 1_u8..) {
            let (_, mut file) = rendered(&Snapshot::new());
            let at = at.index(file.len());
            file[at] ^= change;
            prop_assert!(parse_backup(&file, "f").is_err());
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let value =
            Value { version: Version(3), bytes: Bytes::from_static(b"\x05{\"version\":3}") };
        let entries = Snapshot::from([
            (Key::NodesConfig, Entry::Intact(value.clone(), CasToken::Version(Version(3)))),
            (Key::RuleBook, Entry::Intact(value, CasToken::Version(Version(3)))),
        ]);
        let (_, file) = rendered(&entries);
        for length in 0..file.len() {
            assert!(parse_backup(&file[..length], "f").is_err(), "cut to {length}");
        }
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse_backup(&flipped, "f").is_err(), "bit {bit}");
        }
        let mut longer = file;
        longer.push(b'\n');
        assert!(parse_backup(&longer, "f").is_err());
    }
}

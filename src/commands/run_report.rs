//! The report of a run of `migrate`, read back: what it did to the keys of its target.
//!
//! The file may have been edited, or be another, so that nothing in it is trusted to be as this program writes it.

use std::io::{self, Read};
use std::path::PathBuf;

use serde::Deserialize;

use crate::codec::Node;
use crate::model::{Action, Key, RecordedWrite, RecordedWrites, ValueDigest, Version, WriteState};
use crate::outcome::StoreName;

/// The version of the documents that are read.
const FORMAT: u32 = 1;

/// The largest report in bytes: that of a store with all epochs that there can be has a third of it.
const LARGEST_REPORT: u64 = 64 << 20;

/// Reads the bytes of a report.
///
/// # Errors
/// Those of the system, and where there are more than any report has.
pub(super) fn read_report_bytes(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST_REPORT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_REPORT {
        true => Err(io::Error::other("it is too large for a report")),
        false => Ok(bytes),
    }
}

/// What a report says of its run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunReport {
    /// The target; `None` for a run that ended before it was open.
    pub(super) target: Option<StoreName>,
    /// Every key that the run listed.
    pub(super) keys: RecordedWrites,
    /// The nodes that the run observed.
    pub(super) nodes: Vec<Node>,
    /// The file with what the target held before.
    pub(super) backup: Option<PathBuf>,
    /// The file with the source as it was copied.
    pub(super) source_backup: Option<PathBuf>,
    /// The digest of that file, if the run wrote it, and did not come to its end.
    pub(super) source_backup_sha256: Option<String>,
}

impl RunReport {
    /// Reads a document of `migrate`.
    ///
    /// # Errors
    /// The reason why it is none, to be read after the file's name.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| format!("is not a report of `migrate`: {error}"))?;
        if document.format != FORMAT {
            let read = format!("this program reads {FORMAT}");
            return Err(format!("is of format {}; {read}", document.format));
        }
        let Some(rows) = document.keys else {
            // A run that has not come as far as its plan has written nothing.
            let has_failed = document.outcome.is_none() && document.error.is_some();
            let reason = "is not a report of `migrate`: it lists no keys";
            return if has_failed { Ok(RunReport::default()) } else { Err(reason.to_owned()) };
        };
        if document.next_steps.is_none() {
            return Err("is not a report of `migrate`, which has next_steps".to_owned());
        }
        let mut keys = RecordedWrites::new();
        for row in rows {
            let (key, write) = row.into_recorded()?;
            if keys.insert(key.clone(), write).is_some() {
                return Err(format!("lists the key {key} twice"));
            }
        }
        let nodes = document.nodes.into_iter().map(NodeRow::into_node).collect();
        let is_unfinished = document.outcome.as_deref() != Some("migrated");
        let report = RunReport {
            target: document.target,
            keys,
            nodes,
            backup: document.backup,
            source_backup: document.source_backup,
            source_backup_sha256: document.source_backup_sha256.filter(|_| is_unfinished),
        };
        match report.may_have_written() && report.target.is_none() {
            true => Err("lists written keys and does not name the target".to_owned()),
            false => Ok(report),
        }
    }

    /// Returns whether the run, or those that it resumed, may have written to the target.
    pub(super) fn may_have_written(&self) -> bool {
        self.keys.values().any(RecordedWrite::may_be_done)
    }

    /// Returns whether the run wrote to this store.
    pub(super) fn is_of_target(&self, store: &StoreName) -> bool {
        self.target.as_ref().is_some_and(|target| is_same_store(target, store))
    }
}

/// Returns whether both names are of one store. Of an etcd, one address in common is enough: an operator may have
/// taken out a member that is dead.
fn is_same_store(one: &StoreName, other: &StoreName) -> bool {
    let addresses = |store: &StoreName| -> Vec<String> {
        let list = store.name.strip_prefix("etcd ").unwrap_or(&store.name);
        list.split(',').map(ToOwned::to_owned).collect()
    };
    let has_common = || {
        let others = addresses(other);
        addresses(one).iter().any(|address| others.contains(address))
    };
    one == other || one.kind == other.kind && one.kind == "etcd" && has_common()
}

#[derive(Deserialize)]
struct Document {
    format: u32,
    outcome: Option<String>,
    target: Option<StoreName>,
    keys: Option<Vec<Row>>,
    #[serde(default)]
    nodes: Vec<NodeRow>,
    backup: Option<PathBuf>,
    source_backup: Option<PathBuf>,
    source_backup_sha256: Option<String>,
    /// Only `migrate` has any, which tells its documents from those of `undo`.
    next_steps: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct NodeRow {
    id: u32,
    name: String,
    address: String,
}

impl NodeRow {
    fn into_node(self) -> Node {
        Node { id: self.id, name: self.name, address: self.address, ..Node::default() }
    }
}

#[derive(Deserialize)]
struct Row {
    key: String,
    action: ActionName,
    version: Option<u32>,
    bytes: Option<usize>,
    sha256: Option<String>,
    write_state: StateName,
    #[serde(default)]
    written_before: Vec<Digest>,
}

#[derive(Deserialize)]
struct Digest {
    version: u32,
    bytes: usize,
    sha256: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    Create,
    Skip,
    Overwrite,
    Delete,
    Conflict,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateName {
    Written,
    NotWritten,
    Unknown,
}

impl Row {
    fn into_recorded(self) -> Result<(Key, RecordedWrite), String> {
        let action = match self.action {
            ActionName::Create => Action::Create,
            ActionName::Skip => Action::Skip,
            ActionName::Overwrite => Action::Overwrite,
            ActionName::Delete => Action::Delete,
            ActionName::Conflict => Action::Conflict,
        };
        let state = match self.write_state {
            StateName::Written => WriteState::Written,
            StateName::NotWritten => WriteState::NotWritten,
            StateName::Unknown => WriteState::Unknown,
        };
        let value = match (self.version, self.bytes, self.sha256) {
            (Some(version), Some(bytes), Some(sha256)) => Some(Digest { version, bytes, sha256 }),
            _ => None,
        };
        if self.key.is_empty() {
            return Err("lists a key without a name".to_owned());
        }
        let earlier = self.written_before.into_iter().map(Digest::into_value).collect();
        let value = value.map(Digest::into_value);
        Ok((Key::parse(&self.key), RecordedWrite { action, value, earlier, state }))
    }
}

impl Digest {
    fn into_value(self) -> ValueDigest {
        let Digest { version, bytes, sha256 } = self;
        ValueDigest { version: Version(version), bytes, sha256 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(document: &serde_json::Value) -> Result<RunReport, String> {
        RunReport::parse(document.to_string().as_bytes())
    }

    fn row(key: &str) -> serde_json::Value {
        json!({"key": key, "action": "create", "version": 3, "bytes": 2, "sha256": "ab",
            "written": false, "write_state": "unknown"})
    }

    fn document(keys: &[serde_json::Value]) -> serde_json::Value {
        json!({"format": 1, "outcome": "interrupted", "next_steps": [], "keys": keys, "backup": null,
            "target": {"type": "etcd", "name": "etcd a:1,b:1"}})
    }

    #[test]
    fn report_is_read_with_its_target_and_keys() {
        let report = parse(&document(&[row("pp_epoch_7")])).unwrap();
        let write = &report.keys[&Key::PartitionEpoch(7)];
        assert_eq!((write.action, write.state), (Action::Create, WriteState::Unknown));
        let store = |kind: &str, name: &str| StoreName {
            kind: kind.into(),
            name: name.into(),
            stopped: None,
        };
        assert!(report.is_of_target(&store("etcd", "etcd b:1")));
        assert!(!report.is_of_target(&store("etcd", "etcd c:1")));
        assert!(!report.is_of_target(&store("object-store", "etcd a:1,b:1")));
        // A run that never came to its plan.
        let killed = json!({"format": 1, "error": {"code": "interrupted"}});
        assert!(parse(&killed).unwrap().keys.is_empty());
    }

    #[test]
    fn what_is_no_report_of_migrate_is_named() {
        let mut without_target = document(&[row("rule_book")]);
        without_target["target"] = json!(null);
        let of_verify = json!({"format": 1, "next_steps": [], "keys": [{"key": "rule_book", "status": "same"}]});
        let mut of_undo = document(&[row("rule_book")]);
        of_undo.as_object_mut().unwrap().remove("next_steps");
        for (document, reason) in [
            (of_undo, "is not a report of `migrate`, which has next_steps"),
            (json!([]), "is not a report of `migrate`: "),
            (json!({"format": 2}), "is of format 2; this program reads 1"),
            (json!({"format": 1, "store": {}}), "is not a report of `migrate`: it lists no keys"),
            (of_verify, "is not a report of `migrate`: missing field `action`"),
            (document(&[row("rule_book"), row("rule_book")]), "lists the key rule_book twice"),
            (document(&[row("")]), "lists a key without a name"),
            (without_target, "lists written keys and does not name the target"),
        ] {
            let error = parse(&document).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}

//! The documents of `-o json`: one object on standard output, however the command ended. Their fields
//! are described in `docs/exit-codes.md` and never change.

use serde_json::{Map, Value as Json, json};

use super::color::warning_lines;
use super::rendered::Rendered;
use super::run_json::{migration_to_json, path_to_json, undo_to_json};
use super::status_json::status_to_json;
use super::style::Style;
use crate::model::{DocumentChange, Entry, KeyComparison, KeyStatus, Value, WriteState};
use crate::outcome::{
    BackupResult, CheckResult, CommandResult, DescriptionResult, EditResult, Failure, FetchedValue,
    ListResult, ListedKey, Outcome, VerifyResult,
};
use crate::visible::escape_json;

/// The version of all documents.
const FORMAT: u32 = 1;

/// Renders an outcome as a JSON document.
pub(super) fn render(outcome: &Outcome) -> Rendered {
    let mut fields = match &outcome.result {
        None => Map::new(),
        Some(CommandResult::Bytes(bytes)) => {
            return Rendered { out: bytes.clone(), err: String::new() };
        }
        Some(CommandResult::Known(known)) => into_fields(json!(known)),
        Some(CommandResult::List(result)) => into_fields(list_to_json(result)),
        Some(CommandResult::Get(result)) => into_fields(value_to_json(result)),
        Some(CommandResult::Backup(result)) => into_fields(backup_to_json(result)),
        Some(CommandResult::Check(result)) => into_fields(check_to_json(result)),
        Some(CommandResult::Describe(result)) => into_fields(description_to_json(result)),
        Some(CommandResult::Verify(result)) => into_fields(comparison_to_json(result)),
        Some(CommandResult::Edit(result)) => into_fields(edit_to_json(result)),
        Some(CommandResult::Migrate(result)) => into_fields(migration_to_json(result)),
        Some(CommandResult::Status(result)) => into_fields(status_to_json(result)),
        Some(CommandResult::Undo(result)) => into_fields(undo_to_json(result)),
    };
    if let Some(failure) = &outcome.failure {
        fields.insert("error".to_owned(), failure_to_json(failure));
    }
    let mut document = Map::from_iter([("format".to_owned(), Json::from(FORMAT))]);
    document.extend(fields);
    let document = serde_json::to_string_pretty(&document).unwrap_or_default();
    let out = format!("{}\n", escape_json(&document)).into_bytes();
    Rendered { out, err: render_warnings(outcome) }
}

/// Renders the warnings that the documents have no field for.
fn render_warnings(outcome: &Outcome) -> String {
    let warnings = match &outcome.result {
        Some(CommandResult::List(result)) => result.warnings.as_slice(),
        Some(CommandResult::Get(result)) => result.warning.as_slice(),
        Some(CommandResult::Backup(result)) => result.warnings.as_slice(),
        Some(CommandResult::Check(result)) => result.incomplete.as_slice(),
        Some(CommandResult::Describe(result)) => result.warnings.as_slice(),
        _ => &[],
    };
    warning_lines(warnings, Style::PLAIN)
}

fn into_fields(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub(super) fn failure_to_json(failure: &Failure) -> Json {
    json!({"code": failure.code.name(), "message": failure.to_string(), "hints": failure.hints})
}

fn list_to_json(listing: &ListResult) -> Json {
    json!({
        "store": listing.store,
        "cluster": cluster_to_json(listing.cluster.as_ref()),
        "keys": listing.rows.iter().map(listed_key_to_json).collect::<Vec<_>>(),
        "foreign": listing.foreign,
        "complete": listing.complete,
    })
}

fn cluster_to_json(cluster: Option<&(String, Option<u64>)>) -> Option<Json> {
    cluster.map(|(name, fingerprint)| json!({"name": name, "fingerprint": fingerprint}))
}

fn check_to_json(check: &CheckResult) -> Json {
    let findings = check.findings.iter().map(|finding| {
        json!({
            "key": finding.key.to_string(),
            "level": finding.level().name(),
            "code": finding.class.name(),
            "path": finding.path,
            "message": finding.message,
        })
    });
    json!({
        "store": check.store,
        "cluster": cluster_to_json(check.cluster.as_ref()),
        "findings": findings.collect::<Vec<_>>(),
        "summary": {"keys": check.keys, "errors": check.errors, "warnings": check.warnings},
    })
}

fn description_to_json(result: &DescriptionResult) -> Json {
    let mut document = json!({
        "store": result.store,
        "cluster": cluster_to_json(result.cluster.as_ref()),
    });
    let parts = serde_json::to_value(&result.description).unwrap_or_default();
    if let (Some(fields), Json::Object(parts)) = (document.as_object_mut(), parts) {
        fields.extend(parts);
    }
    document
}

fn listed_key_to_json(row: &ListedKey) -> Json {
    let value = row.entry.value();
    json!({
        "key": row.key.to_string(),
        "kind": row.key.kind(),
        "version": value.map(|value| value.version.0),
        "bytes": row.entry.size(),
        "sha256": value.map(Value::sha256),
        "encoding": row.encoding,
    })
}

fn value_to_json(fetched: &FetchedValue) -> Json {
    json!({
        "key": fetched.key.to_string(),
        "version": fetched.version.0,
        "encoding": fetched.encoding,
        "value": fetched.value,
    })
}

fn backup_to_json(backup: &BackupResult) -> Json {
    let saved = &backup.saved;
    json!({
        "store": backup.store,
        "file": path_to_json(&saved.path),
        "keys": saved.keys,
        "bytes": saved.bytes,
        "sha256": saved.sha256,
        "complete": backup.complete,
    })
}

fn edit_to_json(edit: &EditResult) -> Json {
    json!({
        "store": edit.store,
        "key": edit.key,
        "old_version": edit.old_version.map(|version| version.0),
        "version": edit.version.map(|version| version.0),
        "value": edit.value,
        "backup": edit.backup.as_deref().map(path_to_json),
        "written": edit.write_state == WriteState::Written,
        "write_state": edit.write_state.name(),
    })
}

fn comparison_to_json(result: &VerifyResult) -> Json {
    let summary: Map<_, _> = KeyStatus::ALL
        .into_iter()
        .map(|status| (status.name().to_owned(), result.comparison.count(status).into()))
        .collect();
    let rows = result.comparison.rows.iter().map(|row| compared_key_to_json(row, result));
    json!({
        "source": result.source,
        "target": result.target,
        "equal": result.equal,
        "summary": summary,
        "keys": rows.collect::<Vec<_>>(),
    })
}

/// Returns the patch of a key that differs, where it was asked for; null if there is none.
fn changes_to_json(row: &KeyComparison, result: &VerifyResult) -> Option<Json> {
    let changes = result.changes.as_ref().filter(|_| row.status != KeyStatus::Same)?;
    let changes = changes
        .get(&row.key)
        .map(|changes| changes.iter().map(DocumentChange::operation).collect::<Vec<_>>());
    Some(json!(changes))
}

fn compared_key_to_json(row: &KeyComparison, result: &VerifyResult) -> Json {
    let mut compared = json!({
        "key": row.key.to_string(),
        "status": row.status.name(),
        "source": row.source.as_ref().map(entry_to_json),
        "target": row.target.as_ref().map(entry_to_json),
    });
    if let (Some(fields), Some(note)) = (compared.as_object_mut(), row.note()) {
        fields.insert("note".to_owned(), note.into());
    }
    if let (Some(fields), Some(changes)) = (compared.as_object_mut(), changes_to_json(row, result))
    {
        fields.insert("changes".to_owned(), changes);
    }
    compared
}

fn entry_to_json(entry: &Entry) -> Json {
    let value = entry.value();
    json!({
        "version": value.map(|value| value.version.0),
        "bytes": entry.size(),
        "sha256": value.map(Value::sha256),
    })
}

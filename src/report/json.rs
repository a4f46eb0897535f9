//! The documents of `-o json`: one object on standard output, whatever happened. Their fields are
//! described in `docs/exit-codes.md` and stay as they are.

use serde_json::{Map, Value as Json, json};

use super::Rendered;
use crate::codec;
use crate::model::{Action, Entry, KeyComparison, KeyStatus, Step, Value};
use crate::outcome::{
    BackupResult, CommandResult, EditResult, Failure, FetchedValue, ListResult, Migration,
    MigrationOutcome, Outcome, VerifyResult,
};

/// The version of all documents.
const FORMAT: u32 = 1;

pub(super) fn render(outcome: &Outcome) -> Rendered {
    let mut fields = match &outcome.result {
        None => Map::new(),
        Some(CommandResult::Bytes(bytes)) => {
            return Rendered { out: bytes.clone(), err: String::new() };
        }
        Some(CommandResult::List(listing)) => object(list(listing)),
        Some(CommandResult::Get(gotten)) => object(get(gotten)),
        Some(CommandResult::Backup(backed_up)) => object(backup(backed_up)),
        Some(CommandResult::Verify(compared)) => object(verify(compared)),
        Some(CommandResult::Edit(edited)) => object(edit(edited)),
        Some(CommandResult::Migrate(migration)) => object(migrate(migration)),
    };
    if let Some(failure) = &outcome.failure {
        fields.insert("error".to_owned(), error(failure));
    }
    let mut document = Map::from_iter([("format".to_owned(), Json::from(FORMAT))]);
    document.extend(fields);
    let mut out = serde_json::to_vec_pretty(&document).unwrap_or_default();
    out.push(b'\n');
    Rendered { out, err: warnings(outcome) }
}

/// Documents have no place for them.
fn warnings(outcome: &Outcome) -> String {
    let warnings = match &outcome.result {
        Some(CommandResult::List(listing)) => listing.warnings.as_slice(),
        Some(CommandResult::Get(gotten)) => gotten.warning.as_slice(),
        Some(CommandResult::Backup(backed_up)) => backed_up.warnings.as_slice(),
        _ => &[],
    };
    warnings.iter().map(|text| format!("warning: {text}\n")).collect()
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn error(failure: &Failure) -> Json {
    json!({"code": failure.code.name(), "message": failure.message, "hints": failure.hints})
}

fn list(listing: &ListResult) -> Json {
    let keys = listing.snapshot.iter().map(|(key, entry)| {
        let value = entry.value();
        json!({
            "key": key.to_string(),
            "kind": key.kind(),
            "version": value.map(|value| value.version.0),
            "bytes": entry.size(),
            "sha256": value.map(Value::sha256),
            "encoding": value.and_then(|value| Some(codec::encoding(&value.bytes).ok()?.name())),
        })
    });
    json!({
        "store": listing.store,
        "cluster": listing.cluster.as_ref().map(|(name, fingerprint)| {
            json!({"name": name, "fingerprint": fingerprint})
        }),
        "keys": keys.collect::<Vec<_>>(),
        "foreign": listing.foreign,
    })
}

fn get(gotten: &FetchedValue) -> Json {
    json!({
        "key": gotten.key.to_string(),
        "version": gotten.version.0,
        "encoding": gotten.encoding,
        "value": gotten.value,
    })
}

fn backup(backed_up: &BackupResult) -> Json {
    let saved = &backed_up.saved;
    json!({
        "store": backed_up.store,
        "file": saved.path.display().to_string(),
        "keys": saved.keys,
        "bytes": saved.bytes,
        "sha256": saved.sha256,
    })
}

fn edit(edited: &EditResult) -> Json {
    json!({
        "store": edited.store,
        "key": edited.key,
        "old_version": edited.old_version.map(|version| version.0),
        "version": edited.version.map(|version| version.0),
        "value": edited.value,
        "backup": edited.backup.as_ref().map(|path| path.display().to_string()),
        "written": edited.written,
    })
}

fn verify(compared: &VerifyResult) -> Json {
    let summary: Map<_, _> = KeyStatus::ALL
        .into_iter()
        .map(|status| (status.name().to_owned(), compared.verdict.count(status).into()))
        .collect();
    json!({
        "source": compared.source,
        "target": compared.target,
        "equal": compared.equal,
        "summary": summary,
        "keys": compared.verdict.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &KeyComparison) -> Json {
    let side = |entry: &Option<Entry>| match entry {
        None => Json::Null,
        Some(Entry::Intact(value, _)) => json!({
            "version": value.version.0, "bytes": value.bytes.len(), "sha256": value.sha256(),
        }),
        Some(entry @ Entry::Damaged { .. }) => {
            json!({"version": null, "bytes": entry.size(), "sha256": null})
        }
    };
    json!({
        "key": row.key.to_string(),
        "status": row.status.name(),
        "source": side(&row.source),
        "target": side(&row.target),
    })
}

fn migrate(migration: &Migration) -> Json {
    let checks = migration.checks.iter().map(|finding| {
        json!({
            "check": finding.check.name(),
            "status": finding.status.name(),
            "detail": finding.text(),
        })
    });
    json!({
        "outcome": match migration.progress {
            MigrationOutcome::Migrated => "migrated",
            MigrationOutcome::Planned => "planned",
            MigrationOutcome::Refused => "refused",
            MigrationOutcome::Failed => "failed",
            MigrationOutcome::Interrupted => "interrupted",
        },
        "source": migration.source,
        "target": migration.target,
        "checks": checks.collect::<Vec<_>>(),
        "keys": migration.plan.steps.iter().map(|step| planned(step, migration)).collect::<Vec<_>>(),
        "verified": migration.verified,
        "backup": migration.backup.as_ref().map(|path| path.display().to_string()),
        "elapsed_ms": migration.elapsed_ms,
        "next_steps": migration.next_steps,
    })
}

/// A key that is deleted or only in the target is told as the target has it.
fn planned(step: &Step, migration: &Migration) -> Json {
    let in_target = step.target.as_ref().and_then(Entry::value);
    let value = step.source.as_ref().or(in_target);
    json!({
        "key": step.key.to_string(),
        "action": step.action.name(),
        "version": value.map(|value| value.version.0),
        "bytes": value.map(|value| value.bytes.len()),
        "sha256": value.map(Value::sha256),
        "written": step.action != Action::Skip && migration.written.contains(&step.key),
    })
}

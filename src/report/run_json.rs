//! The documents of `migrate` and `undo`.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::status_json::quorum_to_json;
use crate::model::{Key, ObservedNode, RecordedWrite, WriteState};
use crate::outcome::{Finding, Migration, MigrationOutcome, Undo, undo_action_name};
use crate::shell::quote_word;

/// Returns the fields of a migration.
pub(super) fn migration_to_json(migration: &Migration) -> Json {
    let recorded = migration.recorded_writes();
    let keys = recorded.iter().map(|(key, write)| recorded_write_to_json(key, write));
    json!({
        "outcome": outcome_name(migration.outcome),
        "source": migration.source,
        "target": migration.target,
        "checks": migration.checks.iter().map(finding_to_json).collect::<Vec<_>>(),
        "nodes": migration.nodes.iter().map(node_to_json).collect::<Vec<_>>(),
        "quorum": migration.quorum.as_ref().map(quorum_to_json),
        "ready": migration.ready,
        "keys": keys.collect::<Vec<_>>(),
        "verified": migration.verified,
        "backup": migration.backup.as_deref().map(path_to_json),
        "source_backup": migration.source_backup.as_deref().map(path_to_json),
        "source_backup_sha256": migration.source_backup_sha256,
        "elapsed_ms": migration.elapsed_ms,
        "next_steps": migration.next_steps,
    })
}

/// Returns the fields of an undo.
pub(super) fn undo_to_json(undo: &Undo) -> Json {
    let keys = undo.plan.steps.iter().map(|step| {
        json!({
            "key": step.key.to_string(),
            "action": undo_action_name(step.action),
            "write_state": undo.write_state(step).name(),
        })
    });
    json!({
        "outcome": undo.outcome.name(),
        "target": undo.target,
        "report": undo.report,
        "checks": undo.checks.iter().map(finding_to_json).collect::<Vec<_>>(),
        "keys": keys.collect::<Vec<_>>(),
        "backup": undo.backup.as_deref().map(path_to_json),
        "kept_report": undo.kept_report.as_deref().map(path_to_json),
        "elapsed_ms": undo.elapsed_ms,
    })
}

fn outcome_name(outcome: MigrationOutcome) -> &'static str {
    match outcome {
        MigrationOutcome::Migrated => "migrated",
        MigrationOutcome::Planned => "planned",
        MigrationOutcome::Refused => "refused",
        MigrationOutcome::Failed => "failed",
        MigrationOutcome::Interrupted => "interrupted",
    }
}

fn finding_to_json(finding: &Finding) -> Json {
    json!({
        "check": finding.check.name(),
        "status": finding.status.name(),
        "detail": finding.text(),
    })
}

fn node_to_json(node: &ObservedNode) -> Json {
    json!({
        "id": node.id,
        "name": node.name,
        "address": node.address,
        "state": node.state.name(),
        "mode": node.state.mode(),
    })
}

fn recorded_write_to_json(key: &Key, write: &RecordedWrite) -> Json {
    let value = write.value.as_ref();
    let mut row = json!({
        "key": key.to_string(),
        "action": write.action.name(),
        "version": value.map(|value| value.version.0),
        "bytes": value.map(|value| value.bytes),
        "sha256": value.map(|value| &value.sha256),
        "written": write.state == WriteState::Written,
        "write_state": write.state.name(),
    });
    let earlier = write.earlier.iter().map(
        |value| json!({"version": value.version.0, "bytes": value.bytes, "sha256": value.sha256}),
    );
    let earlier: Vec<_> = earlier.collect();
    if let (Some(fields), false) = (row.as_object_mut(), earlier.is_empty()) {
        fields.insert("written_before".to_owned(), earlier.into());
    }
    row
}

/// Returns the path; one that is not text, which JSON can't hold, as a shell reads it.
pub(super) fn path_to_json(path: &Path) -> String {
    path.to_str().map_or_else(|| quote_word(path), ToOwned::to_owned)
}

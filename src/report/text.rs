//! Outcomes as text for people.

use super::changes::render_changes;
use super::color::{BOLD_RED, CYAN, paint_text, warning_line, warning_lines};
use super::description::render_description;
use super::findings::render_findings;
use super::key_names::list_key_names;
use super::next_steps::render_next_steps;
use super::plan_table::render_plan;
use super::rendered::Rendered;
use super::status_text::render_status;
use super::style::Style;
use super::table::{EntryCells, add_row, draw_table, new_table};
use super::undo::render_undo;
use crate::model::{KeyComparison, KeyStatus, Version, WriteState};
use crate::outcome::{
    BackupResult, CheckStatus, CommandResult, EditResult, Failure, FetchedValue, Finding,
    ListResult, Migration, MigrationOutcome, Outcome, VerifyResult,
};
use crate::shell::quote_word;
use crate::visible::{escape_json, escape_line};
use crate::wording::{format_bytes, plural};

/// Renders an outcome for people.
pub(super) fn render(outcome: &Outcome, style: Style) -> Rendered {
    let mut rendered = match &outcome.result {
        None | Some(CommandResult::Known(_)) => Rendered::default(),
        Some(CommandResult::Bytes(bytes)) => Rendered { out: bytes.clone(), err: String::new() },
        Some(CommandResult::List(result)) => render_list(result, style),
        Some(CommandResult::Get(result)) => render_value(result, style),
        Some(CommandResult::Backup(result)) => render_backup(result, style),
        Some(CommandResult::Check(result)) => render_findings(result, style),
        Some(CommandResult::Describe(result)) => render_description(result, style),
        Some(CommandResult::Verify(result)) => render_comparison(result, style),
        Some(CommandResult::Edit(result)) if outcome.failure.is_some() => {
            render_failed_edit(result, style)
        }
        Some(CommandResult::Edit(result)) => render_edit(result, style),
        Some(CommandResult::Migrate(result)) => render_migration(result, style),
        Some(CommandResult::Status(result)) => render_status(result, style),
        Some(CommandResult::Undo(result)) => render_undo(result, style),
    };
    if let Some(failure) = &outcome.failure {
        let message = match &outcome.result {
            Some(CommandResult::Migrate(result)) if !style.quiet => {
                shorten_refusal(failure, &result.checks)
            }
            Some(CommandResult::Undo(result)) if !style.quiet => {
                shorten_refusal(failure, &result.checks)
            }
            _ => failure.message.clone(),
        };
        rendered.err.push_str(&render_error(&message, failure, style));
    }
    rendered
}

fn render_error(message: &str, failure: &Failure, style: Style) -> String {
    let label = paint_text("error:", BOLD_RED, style.err_color);
    let mut text = format!("{label} {}", escape_line(message));
    if !failure.differences.is_empty() {
        text.push_str(&format!(":\n{}", failure.differences));
    }
    text.push('\n');
    for hint in &failure.hints {
        let label = paint_text(" hint:", CYAN, style.err_color);
        text.push_str(&format!("{label} {}\n", escape_line(hint)));
    }
    text
}

/// Returns the message of a refusal without its findings, which were printed as they were made.
fn shorten_refusal(failure: &Failure, checks: &[Finding]) -> String {
    let failed: Vec<_> = checks
        .iter()
        .filter(|finding| finding.status == CheckStatus::Failed)
        .map(|finding| finding.check.name())
        .collect();
    match failed.as_slice() {
        [] => failure.message.clone(),
        [check] => format!("nothing was written: check failed: {check}"),
        checks => format!("nothing was written: checks failed: {}", checks.join(", ")),
    }
}

fn render_list(listing: &ListResult, style: Style) -> Rendered {
    let header = ["KEY", "KIND", "VERSION", "BYTES", "ENCODING", "SHA256"];
    let mut table = new_table(style, &header, &[2, 3]);
    for row in &listing.rows {
        let EntryCells { version, bytes, digest } = EntryCells::new(Some(&row.entry));
        let is_intact = row.entry.value().is_some();
        let unknown = if is_intact { "unknown" } else { "damaged" };
        let encoding = row.encoding.unwrap_or(unknown).to_owned();
        let (key, kind) = (row.key.to_string(), row.key.kind().to_owned());
        add_row(&mut table, &[key, kind, version, bytes, encoding, digest]);
    }
    let mut err = warning_lines(&listing.warnings, style);
    if !style.quiet {
        err.push_str(&summarize_list(listing));
    }
    let out = if listing.rows.is_empty() { String::new() } else { draw_table(&table) };
    Rendered { out: out.into_bytes(), err }
}

fn summarize_list(listing: &ListResult) -> String {
    let values = listing.rows.iter().filter_map(|row| row.entry.value());
    let bytes: u64 = values.map(|value| value.bytes.len() as u64).sum();
    let cluster = match &listing.cluster {
        Some((name, Some(fingerprint))) => format!("cluster {name}, fingerprint {fingerprint}, "),
        Some((name, None)) => format!("cluster {name}, "),
        None => String::new(),
    };
    let foreign = match listing.foreign.and_then(|count| usize::try_from(count).ok()) {
        None | Some(0) => String::new(),
        Some(count) => format!(", plus {} not owned by Restate", plural(count, "key")),
    };
    let keys = plural(listing.rows.len(), "key");
    let known = if listing.complete { "" } else { ", possibly incomplete" };
    let cluster = escape_line(&cluster);
    format!("{cluster}{keys}, {}{foreign}{known}\n", format_bytes(bytes))
}

fn render_value(fetched: &FetchedValue, style: Style) -> Rendered {
    Rendered {
        out: render_document(&fetched.value).into_bytes(),
        err: warning_lines(&fetched.warning, style),
    }
}

/// Renders a decoded value as JSON, with escapes for what a terminal would obey.
fn render_document(value: &serde_json::Value) -> String {
    format!("{}\n", escape_json(&format!("{value:#}")))
}

fn render_backup(backup: &BackupResult, style: Style) -> Rendered {
    let saved = &backup.saved;
    let mark = if backup.complete { "✅" } else { "Possibly incomplete:" };
    let out = format!(
        "{mark} {} saved to {}: {}, {}, sha256 {}\n",
        escape_line(&backup.store.name),
        quote_word(&saved.path),
        plural(saved.keys, "key"),
        format_bytes(saved.bytes),
        saved.sha256
    );
    Rendered { out: out.into_bytes(), err: warning_lines(&backup.warnings, style) }
}

/// Renders the new value as `get` prints it, and on standard error the change of its version.
fn render_edit(edit: &EditResult, style: Style) -> Rendered {
    let value = edit.value.as_ref().map(render_document).unwrap_or_default();
    let store = edit.store.as_ref().map(|store| store.name.as_str()).unwrap_or_default();
    let (key, store) = (escape_line(&edit.key), escape_line(store));
    let (old, new) = (describe_version(edit.old_version), describe_version(edit.version));
    let err = if edit.dry_run {
        format!(
            "{}Dry run: {key} in {store} would go from {old} to {new}. Nothing was written.\n",
            edit.diff
        )
    } else {
        format!("✅ {key} in {store} went from {old} to {new}\n{}", backup_line(edit))
    };
    Rendered { out: value.into_bytes(), err: if style.quiet { String::new() } else { err } }
}

fn render_failed_edit(edit: &EditResult, style: Style) -> Rendered {
    let err = if style.quiet { String::new() } else { backup_line(edit) };
    Rendered { err, ..Rendered::default() }
}

fn backup_line(edit: &EditResult) -> String {
    edit.backup
        .as_ref()
        .map(|path| format!("the old value is saved to {}\n", quote_word(path)))
        .unwrap_or_default()
}

fn describe_version(version: Option<Version>) -> String {
    version.map_or("absent".to_owned(), |version| format!("version {version}"))
}

fn render_comparison(result: &VerifyResult, style: Style) -> Rendered {
    let counts: Vec<_> = KeyStatus::ALL
        .into_iter()
        .map(|status| (result.comparison.count(status), status))
        .filter(|(count, status)| *count > 0 || *status == KeyStatus::Same)
        .map(|(count, status)| format!("{count} {}", status.name()))
        .collect();
    let sign = if result.equal { "✅" } else { "❌" };
    let (source, target) = (escape_line(&result.source.name), escape_line(&result.target.name));
    let counts = counts.join(", ");
    let differences = difference_table(result, style);
    let changes = render_changes(result);
    let out = format!("{differences}{changes}{sign} {source} and {target}: {counts}\n");
    let err = result.warning.map(|text| warning_line(text, style)).unwrap_or_default();
    Rendered { out: out.into_bytes(), err }
}

/// Returns a table of the keys that are not the same, or are with a note; empty if there are none.
fn difference_table(result: &VerifyResult, style: Style) -> String {
    let header =
        ["KEY", "STATUS", "SOURCE VERSION", "TARGET VERSION", "SOURCE SHA256", "TARGET SHA256"];
    let is_shown = |row: &&KeyComparison| row.status != KeyStatus::Same || row.note().is_some();
    let rows: Vec<_> = result.comparison.rows.iter().filter(is_shown).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut table = new_table(style, &header, &[2, 3]);
    for row in rows {
        let source = EntryCells::new(row.source.as_ref());
        let target = EntryCells::new(row.target.as_ref());
        let status = match row.note() {
            Some(note) => format!("{} ({note})", row.status.name()),
            None => row.status.name().to_owned(),
        };
        let key = row.key.to_string();
        let versions = [source.version, target.version];
        add_row(&mut table, &[[key, status], versions, [source.digest, target.digest]].concat());
    }
    draw_table(&table)
}

fn render_migration(migration: &Migration, style: Style) -> Rendered {
    let plan = || render_plan(&migration.plan, style);
    let (out, err) = match migration.outcome {
        MigrationOutcome::Migrated => {
            let heading = match migration.already_done {
                true => "Metadata migration already done: nothing was written",
                false => "Metadata migration completed",
            };
            (render_next_steps(heading, &migration.next_steps, style.columns), String::new())
        }
        MigrationOutcome::Planned => {
            (format!("{}Dry run: nothing was written.\n", plan()), String::new())
        }
        MigrationOutcome::Refused if !style.quiet && !migration.plan.steps.is_empty() => {
            (String::new(), plan())
        }
        MigrationOutcome::Refused => Default::default(),
        MigrationOutcome::Failed | MigrationOutcome::Interrupted => {
            (String::new(), describe_writes(migration))
        }
    };
    Rendered { out: out.into_bytes(), err }
}

/// Lists the keys that a stopped run has written, those that it may have written, and the rest.
fn describe_writes(migration: &Migration) -> String {
    if !migration.may_have_written() {
        return String::new();
    }
    let list = |state| list_key_names(migration.keys_in_state(state));
    format!(
        "written: {}\nunconfirmed: {}\nnot written: {}\n",
        list(WriteState::Written),
        list(WriteState::Unknown),
        list(WriteState::NotWritten)
    )
}

//! Outcomes as text for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::HumanBytes;

use super::Rendered;
use super::names::names;
use super::plan_table::plan_table;
use super::steps::next_steps;
use super::style::{Style, TableStyle};
use crate::codec;
use crate::model::{Action, Entry, KeyComparison, KeyStatus, Plan, Step, Value, Version};
use crate::outcome::{
    BackupResult, CheckStatus, CommandResult, EditResult, Failure, ListResult, Migration,
    MigrationOutcome, Outcome, VerifyResult,
};

pub(super) fn render(outcome: &Outcome, style: Style) -> Rendered {
    let mut rendered = match &outcome.result {
        None => Rendered::default(),
        Some(CommandResult::Bytes(bytes)) => Rendered { out: bytes.clone(), err: String::new() },
        Some(CommandResult::List(listing)) => list(listing, style),
        Some(CommandResult::Get(gotten)) => Rendered {
            out: format!("{:#}\n", gotten.value).into_bytes(),
            err: gotten.warning.iter().map(|text| warning(text, style)).collect(),
        },
        Some(CommandResult::Backup(backed_up)) => backup(backed_up, style),
        Some(CommandResult::Verify(compared)) => verify(compared, style),
        Some(CommandResult::Edit(edited)) => edit(edited, outcome.failure.is_none(), style),
        Some(CommandResult::Migrate(migration)) => migrate(migration, style),
    };
    if let Some(failure) = &outcome.failure {
        let message = match &outcome.result {
            Some(CommandResult::Migrate(migration)) if !style.quiet => {
                shortened(failure, migration)
            }
            _ => failure.message.clone(),
        };
        rendered.err.push_str(&error(&message, failure, style));
    }
    rendered
}

fn error(message: &str, failure: &Failure, style: Style) -> String {
    let mut text = format!("{} {message}\n", paint("error:", RED, style.err_color));
    for hint in &failure.hints {
        text.push_str(&format!("{} {hint}\n", paint(" hint:", CYAN, style.err_color)));
    }
    text
}

pub(super) fn warning(message: &str, style: Style) -> String {
    format!("{} {message}\n", paint("warning:", YELLOW, style.err_color))
}

/// The findings are told one by one already, as they were made.
fn shortened(failure: &Failure, migration: &Migration) -> String {
    let failed: Vec<_> = migration
        .checks
        .iter()
        .filter(|finding| finding.status == CheckStatus::Failed)
        .map(|finding| finding.check.name())
        .collect();
    match failed.as_slice() {
        [] => failure.message.clone(),
        [one] => format!("nothing was written, since the check {one} does not hold"),
        more => format!("nothing was written, since these checks do not hold: {}", more.join(", ")),
    }
}

pub(super) const RED: &str = "31;1";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const CYAN: &str = "36";

pub(super) fn paint(text: &str, color: &str, colored: bool) -> String {
    if colored { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
}

pub(super) fn table(style: Style, header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(match style.table {
        TableStyle::Compact => presets::NOTHING,
        TableStyle::Borders => presets::UTF8_FULL,
    });
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(super) fn drawn(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn list(listing: &ListResult, style: Style) -> Rendered {
    let mut table =
        table(style, &["KEY", "KIND", "VERSION", "BYTES", "ENCODING", "SHA256"], &[2, 3]);
    for (key, entry) in &listing.snapshot {
        let encoding = entry.value().and_then(|value| codec::encoding(&value.bytes).ok());
        let (version, bytes, digest) = side(Some(entry));
        let encoding = encoding.map_or("damaged", codec::Encoding::name).to_owned();
        table.add_row([key.to_string(), key.kind().to_owned(), version, bytes, encoding, digest]);
    }
    let mut err: String = listing.warnings.iter().map(|text| warning(text, style)).collect();
    if !style.quiet {
        err.push_str(&summary(listing));
    }
    let out = if listing.snapshot.is_empty() { String::new() } else { drawn(&table) };
    Rendered { out: out.into_bytes(), err }
}

/// The new value as `get` prints it, and beside it what became of the old one.
fn edit(edited: &EditResult, done: bool, style: Style) -> Rendered {
    let saved = match &edited.backup {
        Some(path) => format!("the old value is saved to {}\n", path.display()),
        None => String::new(),
    };
    if !done {
        return Rendered {
            err: if style.quiet { String::new() } else { saved },
            ..Rendered::default()
        };
    }
    let value = edited.value.as_ref().map(|value| format!("{value:#}\n")).unwrap_or_default();
    let told = |version: Option<Version>| {
        version.map_or("absent".to_owned(), |version| format!("version {version}"))
    };
    let store = edited.store.as_ref().map(ToString::to_string).unwrap_or_default();
    let (old, new) = (told(edited.old_version), told(edited.version));
    let err = match edited.dry_run {
        true => format!(
            "{}Dry run: {} in {store} would go from {old} to {new}. Nothing was written.\n",
            edited.diff, edited.key
        ),
        false => format!("✅ {} in {store} went from {old} to {new}\n{saved}", edited.key),
    };
    Rendered { out: value.into_bytes(), err: if style.quiet { String::new() } else { err } }
}

fn backup(backed_up: &BackupResult, style: Style) -> Rendered {
    let saved = &backed_up.saved;
    let out = format!(
        "✅ {} saved to {}: {} keys, {}, sha256 {}\n",
        backed_up.store,
        saved.path.display(),
        saved.keys,
        HumanBytes(saved.bytes),
        saved.sha256
    );
    let err = backed_up.warnings.iter().map(|text| warning(text, style)).collect();
    Rendered { out: out.into_bytes(), err }
}

fn summary(listing: &ListResult) -> String {
    let values = listing.snapshot.values().filter_map(Entry::value);
    let bytes: u64 = values.map(|value| value.bytes.len() as u64).sum();
    let cluster = match &listing.cluster {
        Some((name, Some(fingerprint))) => format!("cluster {name}, fingerprint {fingerprint}, "),
        Some((name, None)) => format!("cluster {name}, "),
        None => String::new(),
    };
    let foreign = match listing.foreign {
        Some(count) if count > 0 => {
            format!("; {count} others there are not Restate's")
        }
        _ => String::new(),
    };
    let count = listing.snapshot.len();
    format!("{cluster}{count} keys, {}{foreign}\n", HumanBytes(bytes))
}

/// Version, bytes and the beginning of the digest.
pub(super) fn side(entry: Option<&Entry>) -> (String, String, String) {
    let none = || "-".to_owned();
    match entry {
        None => (none(), none(), none()),
        Some(entry @ Entry::Damaged { .. }) => (none(), entry.size().to_string(), none()),
        Some(Entry::Intact(value, _)) => {
            (value.version.to_string(), value.bytes.len().to_string(), short_digest(value))
        }
    }
}

fn short_digest(value: &Value) -> String {
    value.sha256().chars().take(16).collect()
}

fn verify(compared: &VerifyResult, style: Style) -> Rendered {
    let header =
        ["KEY", "STATUS", "SOURCE VERSION", "TARGET VERSION", "SOURCE SHA256", "TARGET SHA256"];
    let mut table = table(style, &header, &[2, 3]);
    let rows: Vec<&KeyComparison> =
        compared.verdict.rows.iter().filter(|row| row.status != KeyStatus::Same).collect();
    for row in &rows {
        let (source_version, _, source_digest) = side(row.source.as_ref());
        let (target_version, _, target_digest) = side(row.target.as_ref());
        let status = row.status.name().to_owned();
        table.add_row([
            row.key.to_string(),
            status,
            source_version,
            target_version,
            source_digest,
            target_digest,
        ]);
    }
    let mut out = if rows.is_empty() { String::new() } else { drawn(&table) };
    let counts: Vec<_> = KeyStatus::ALL
        .into_iter()
        .map(|status| (compared.verdict.count(status), status))
        .filter(|(count, status)| *count > 0 || *status == KeyStatus::Same)
        .map(|(count, status)| format!("{count} {}", status.name()))
        .collect();
    let tick = if compared.equal { "✅" } else { "❌" };
    let (source, target) = (&compared.source, &compared.target);
    out.push_str(&format!("{tick} {source} and {target}: {}\n", counts.join(", ")));
    let err = compared.warning.map(|text| warning(text, style)).unwrap_or_default();
    Rendered { out: out.into_bytes(), err }
}

fn migrate(migration: &Migration, style: Style) -> Rendered {
    let out = match migration.progress {
        MigrationOutcome::Migrated => next_steps(&migration.next_steps, style.columns),
        MigrationOutcome::Planned => {
            let table = plan_table(&migration.plan, style);
            format!("{table}Dry run: nothing was written.\n")
        }
        MigrationOutcome::Refused | MigrationOutcome::Failed | MigrationOutcome::Interrupted => {
            String::new()
        }
    };
    let err = match migration.progress {
        MigrationOutcome::Failed | MigrationOutcome::Interrupted => unwritten(migration),
        MigrationOutcome::Refused if !style.quiet && !migration.plan.steps.is_empty() => {
            plan_table(&migration.plan, style)
        }
        _ => String::new(),
    };
    Rendered { out: out.into_bytes(), err }
}

/// What a plan does, in one line; with the names of what it replaces and deletes.
pub(super) fn counts(plan: &Plan, with_names: bool) -> String {
    let told = |action: Action| {
        let steps: Vec<_> = plan.steps.iter().filter(|step| step.action == action).collect();
        let names = match action {
            Action::Overwrite | Action::Delete if with_names => {
                format!(" ({})", names(steps.iter().map(|step| &step.key)))
            }
            _ => String::new(),
        };
        (!steps.is_empty()).then(|| format!("{} to {}{names}", steps.len(), action.name()))
    };
    let actions = [Action::Create, Action::Skip, Action::Overwrite, Action::Delete];
    let told: Vec<_> = actions.into_iter().filter_map(told).collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

/// What a run that stopped midway is known to have written, and what not.
fn unwritten(migration: &Migration) -> String {
    if !migration.writing {
        return String::new();
    }
    let open = |step: &&Step| step.action != Action::Skip && !migration.written.contains(&step.key);
    let left = names(migration.plan.steps.iter().filter(open).map(|step| &step.key));
    format!("written: {}\nnot known to be written: {left}\n", names(&migration.written))
}

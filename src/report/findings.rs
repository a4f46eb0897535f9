//! The findings of `metadata check` for people.

use comfy_table::ContentArrangement;

use super::color::warning_lines;
use super::rendered::Rendered;
use super::style::Style;
use super::table::{add_row, draw_table, new_table};
use crate::outcome::CheckResult;
use crate::visible::escape_line;
use crate::wording::plural;

/// The least columns that the table is wrapped to.
const LEAST_COLUMNS: usize = 80;

/// Renders a table of the findings, and below it whether the store is sound.
pub(super) fn render_findings(result: &CheckResult, style: Style) -> Rendered {
    let sign = if result.errors == 0 { "✅" } else { "❌" };
    let (keys, errors) = (plural(result.keys, "key"), plural(result.errors, "error"));
    let warnings = plural(result.warnings, "warning");
    let table = finding_table(result, style);
    let store = escape_line(&result.store.name);
    let out = format!("{table}{sign} {store}: {keys}, {errors}, {warnings}\n");
    Rendered { out: out.into_bytes(), err: warning_lines(&result.incomplete, style) }
}

/// Returns the table, wrapped on a terminal and as long as its texts elsewhere; empty without findings.
fn finding_table(result: &CheckResult, style: Style) -> String {
    if result.findings.is_empty() {
        return String::new();
    }
    let mut table = new_table(style, &["LEVEL", "CODE", "FINDING"], &[]);
    if let Some(columns) = style.columns {
        let columns = u16::try_from(columns.max(LEAST_COLUMNS)).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    for finding in &result.findings {
        let (level, code) = (finding.level().name(), finding.class.name());
        add_row(&mut table, &[level.to_owned(), code.to_owned(), finding.to_string()]);
    }
    draw_table(&table)
}

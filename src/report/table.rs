//! Tables for people: their borders, and the cells that several of them have.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::style::{Style, TableStyle};
use crate::model::{Entry, Value};
use crate::visible::escape_line;

/// A cell without content.
pub(super) const EMPTY_CELL: &str = "-";

/// The beginning of a digest that tables show.
const SHORT_DIGEST_LENGTH: usize = 16;

/// Creates a table; the columns with these indices are aligned to the right.
pub(super) fn new_table(style: Style, header: &[&str], right_aligned: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(match style.table {
        TableStyle::Compact => presets::NOTHING,
        TableStyle::Borders => presets::UTF8_FULL,
    });
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for index in right_aligned {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Adds a row. A name with a line end does not make two lines of it.
pub(super) fn add_row(table: &mut Table, cells: &[String]) {
    table.add_row(cells.iter().map(|cell| escape_line(cell)));
}

/// Returns the table's lines without trailing spaces.
pub(super) fn draw_table(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The cells that describe an entry.
pub(super) struct EntryCells {
    pub(super) version: String,
    pub(super) bytes: String,
    pub(super) digest: String,
}

impl EntryCells {
    /// Returns the cells of an entry; those of an absent one are empty.
    pub(super) fn new(entry: Option<&Entry>) -> Self {
        let value = entry.and_then(Entry::value);
        let or_empty = |cell: Option<String>| cell.unwrap_or_else(|| EMPTY_CELL.to_owned());
        EntryCells {
            version: or_empty(value.map(|value| value.version.to_string())),
            bytes: or_empty(entry.map(|entry| entry.size().to_string())),
            digest: or_empty(value.map(short_digest)),
        }
    }
}

fn short_digest(value: &Value) -> String {
    value.sha256().chars().take(SHORT_DIGEST_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_aligned_whatever_a_name_holds() {
        let style = Style { table: TableStyle::Borders, ..Style::PLAIN };
        let mut table = new_table(style, &["KEY", "VERSION"], &[1]);
        for name in ["plain", "日本", "e\u{301}e\u{301}", "x\ny\u{1b}[2J\u{200b}", "", "❤\u{fe0f}"]
        {
            add_row(&mut table, &[name.to_owned(), "1".to_owned()]);
        }
        let lines = draw_table(&table);
        let widths: Vec<_> = lines.lines().map(console::measure_text_width).collect();
        assert!(widths.iter().all(|width| Some(width) == widths.first()), "{lines}");
        // One line for each row, and one between each two.
        assert_eq!(lines.lines().count(), 2 * 7 + 1, "{lines}");
    }
}

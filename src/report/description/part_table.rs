//! A table of at most 100 columns with its title, and how many rows it leaves out.

use comfy_table::{ColumnConstraint, ContentArrangement, Table};

use crate::report::style::Style;
use crate::report::table::{add_row, draw_table, new_table};
use crate::visible::escape_line;
use crate::wording::plural;

/// The columns of the widest table.
pub(super) const MOST_COLUMNS: usize = 100;

/// The columns of a narrow terminal, below which tables are cut by the terminal itself.
const LEAST_COLUMNS: usize = 60;

/// The rows of a table that groups nothing, unless every row is asked for.
const SHOWN_ROWS: usize = 20;

/// One part of a description as a table.
pub(super) struct PartTable {
    title: String,
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// The rows that are not shown.
    left_out: usize,
}

impl PartTable {
    pub(super) fn new(
        title: String,
        header: &'static [&'static str],
        rows: Vec<Vec<String>>,
    ) -> Self {
        PartTable { title, header, rows, left_out: 0 }
    }

    /// Leaves out all but the first rows, if not every row is asked for.
    pub(super) fn shortened(mut self, shows_every_row: bool) -> Self {
        if !shows_every_row {
            self.left_out = self.rows.len().saturating_sub(SHOWN_ROWS);
            self.rows.truncate(SHOWN_ROWS);
        }
        self
    }

    pub(super) fn draw(&self, style: Style) -> String {
        let mut table = new_table(style, self.header, &[]);
        for row in &self.rows {
            add_row(&mut table, row);
        }
        fit_columns(&mut table, style);
        let table = if self.rows.is_empty() { String::new() } else { draw_table(&table) };
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!("… and {}: show them with --all\n", plural(count, "other row")),
        };
        format!("{}\n{table}{left_out}", escape_line(&self.title))
    }
}

/// Wraps the cells of wide columns, so that the table fits; narrow ones stay as they are.
fn fit_columns(table: &mut Table, style: Style) {
    let columns = style.columns.unwrap_or(MOST_COLUMNS).clamp(LEAST_COLUMNS, MOST_COLUMNS);
    let width = u16::try_from(columns).unwrap_or(u16::MAX);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    let widths = table.column_max_content_widths();
    let narrow = widths.iter().map(|width| usize::from(*width)).enumerate();
    for (index, _) in narrow.filter(|(_, width)| *width <= columns / 6) {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

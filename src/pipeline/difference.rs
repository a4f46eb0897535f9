//! The difference between two documents, for people: a unified diff of their pretty form. Pure.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::hidden_values::hide_values;
use crate::visible::{escape_json, escape_line};

/// The lines of a comparison that are shown.
const SHOWN_LINES: usize = 60;

/// The limit for the search for the least difference, which takes the square of the lines that differ. What is not
/// compared by then is shown as if all of it differed.
const SEARCH_LIMIT: Duration = Duration::from_secs(2);

/// Returns the difference between two documents as a unified diff of their pretty form; empty if
/// they are equal.
///
/// Values that may be credentials are compared and not shown.
pub fn diff(before: (&str, &Json), after: (&str, &Json)) -> String {
    let (one, other) = (render_document(before.1), render_document(after.1));
    let diff = TextDiff::configure().timeout(SEARCH_LIMIT).diff_lines(&one, &other);
    render_first_lines(&diff, &escape_line(before.0), &escape_line(after.0))
}

fn render_document(document: &Json) -> String {
    let mut document = document.clone();
    document.sort_all_objects();
    hide_values(&mut document);
    format!("{}\n", escape_json(&format!("{document:#}")))
}

/// Renders the first lines, and counts the others without rendering them: there may be millions.
fn render_first_lines<'a>(diff: &TextDiff<'a, 'a, 'a, str>, before: &str, after: &str) -> String {
    let mut lines = Lines::default();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        if lines.count == 0 {
            lines.add(|text| writeln!(text, "--- {before}"));
            lines.add(|text| writeln!(text, "+++ {after}"));
        }
        lines.add(|text| writeln!(text, "{}", hunk.header()));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            lines.add(|text| write!(text, "{sign}{}", change.value()));
        }
    }
    let left = lines.count.saturating_sub(SHOWN_LINES);
    if left > 0 {
        let _ = writeln!(lines.shown, "… and {left} more lines");
    }
    lines.shown
}

#[derive(Default)]
struct Lines {
    shown: String,
    count: usize,
}

impl Lines {
    fn add(&mut self, render: impl FnOnce(&mut String) -> std::fmt::Result) {
        self.count += 1;
        if self.count <= SHOWN_LINES {
            let _ = render(&mut self.shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    #[test]
    fn diff_is_short_and_hides_headers() {
        let document = |secret: &str| json!({"b": 1, "a": [1, 2], "additional_headers": {"authorization": secret}});
        assert_eq!(diff(("read", &document("s3cr3t")), ("now", &document("s3cr3t"))), "");
        let text = diff(("read", &document("s3cr3t")), ("now", &document("0ther")));
        assert!(text.starts_with("--- read\n+++ now\n@@"), "{text}");
        assert!(!text.contains("s3cr3t") && !text.contains("0ther"), "{text}");
        let long = |n: u32| json!((0..n).collect::<Vec<_>>());
        let text = diff(("a", &long(0)), ("b", &long(500)));
        assert_eq!(text.lines().count(), SHOWN_LINES + 1);
        assert!(text.ends_with("… and 446 more lines\n"), "{text}");
    }

    #[test]
    fn documents_that_differ_everywhere_are_compared_within_the_limit() {
        let document = |seed: u64| {
            let numbers = (0..300_000_u64).map(|n| n.wrapping_mul(seed) % 99_991);
            json!(numbers.collect::<Vec<_>>())
        };
        let (one, other) = (document(7919), document(104_729));
        let start = Instant::now();
        let text = diff(("a", &one), ("b", &other));
        assert!(start.elapsed() < 5 * SEARCH_LIMIT, "{:?}", start.elapsed());
        assert!(text.ends_with("more lines\n") && text.len() < 10_000, "{text}");
    }
}

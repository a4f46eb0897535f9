//! The differences inside values for people, a line each and not too many of them.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::model::DocumentChange;
use crate::outcome::VerifyResult;
use crate::visible::escape_line;
use crate::wording::plural;

/// The differences of one key that are shown.
const SHOWN_OF_A_KEY: usize = 20;

/// The lines of all keys together.
const SHOWN_LINES: usize = 200;

/// The characters of a value that are shown.
const SHOWN_CHARACTERS: usize = 60;

/// The characters before a difference inside a long text that are shown.
const CONTEXT_CHARACTERS: usize = 12;

/// Renders the differences of each key; empty without `--changes`.
pub(super) fn render_changes(result: &VerifyResult) -> String {
    let Some(changes) = &result.changes else { return String::new() };
    let mut text = String::new();
    let mut left_out = 0;
    for row in &result.comparison.rows {
        let Some(changes) = changes.get(&row.key) else { continue };
        if text.lines().count() >= SHOWN_LINES {
            left_out += 1;
            continue;
        }
        let _ = writeln!(text, "{}:", escape_line(&row.key.to_string()));
        for change in changes.iter().take(SHOWN_OF_A_KEY) {
            let _ = writeln!(text, "  {}", escape_line(&describe_change(change)));
        }
        let more = changes.len().saturating_sub(SHOWN_OF_A_KEY);
        if more > 0 {
            let _ = writeln!(text, "  … and {}", plural(more, "other difference"));
        }
    }
    if left_out > 0 {
        let keys = plural(left_out, "other key");
        let _ = writeln!(text, "… and differences in {keys}: print them with -o json");
    }
    text
}

fn describe_change(change: &DocumentChange) -> String {
    match change {
        DocumentChange::Add { place, value } => {
            format!("{}: only in the target: {}", place.words, shorten(&value.to_string()))
        }
        DocumentChange::Remove { place, value } => {
            format!("{}: only in the source: {}", place.words, shorten(&value.to_string()))
        }
        DocumentChange::Replace { place, before, after } => {
            let (before, after) = shorten_both(before, after);
            format!("{}: {before} → {after}", place.words)
        }
    }
}

/// Leaves out what long texts begin with alike, so that the difference is seen.
fn shorten_both(before: &Json, after: &Json) -> (String, String) {
    let (before, after) = (before.to_string(), after.to_string());
    let alike = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let skipped = alike.saturating_sub(CONTEXT_CHARACTERS);
    let is_long = |text: &str| text.chars().count() > SHOWN_CHARACTERS;
    if skipped == 0 || !(is_long(&before) || is_long(&after)) {
        return (shorten(&before), shorten(&after));
    }
    let rest = |text: &str| format!("…{}", text.chars().skip(skipped).collect::<String>());
    (shorten(&rest(&before)), shorten(&rest(&after)))
}

fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ChangedPlace;

    #[test]
    fn difference_inside_of_a_long_text_is_seen() {
        let params = |generation: u32| json!(format!("{}N1:{generation}\"}}", "x".repeat(300)));
        let place = ChangedPlace { words: "logs[0].params".to_owned(), ..ChangedPlace::default() };
        let replaced = |before, after| {
            describe_change(&DocumentChange::Replace { place: place.clone(), before, after })
        };
        let text = replaced(params(2), params(3));
        assert_eq!(text, r#"logs[0].params: …xxxxxxxxxN1:2\"}" → …xxxxxxxxxN1:3\"}""#);
        assert_eq!(replaced(json!(3), json!(5)), "logs[0].params: 3 → 5");
        let added = DocumentChange::Add { place, value: json!(vec![1; 500]) };
        assert!(describe_change(&added).chars().count() < 100);
    }
}

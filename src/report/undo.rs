//! An undo, as text.

use super::key_names::list_key_names;
use super::rendered::Rendered;
use super::style::Style;
use crate::model::WriteState;
use crate::outcome::{Undo, UndoOutcome};
use crate::shell::quote_word;
use crate::visible::escape_line;

/// Renders what was taken back, or would be.
pub(super) fn render_undo(undo: &Undo, style: Style) -> Rendered {
    let target = undo.target.as_ref().map(ToString::to_string).unwrap_or_default();
    let target = escape_line(&target);
    let (out, err) = match undo.outcome {
        UndoOutcome::Undone => {
            let heading = match undo.may_have_written() {
                true => "Taken back: nothing that the run wrote is left in",
                false => "Nothing to take back: nothing that the run wrote is left in",
            };
            let actions = list_actions(undo);
            (format!("✅ {heading} {target}\n{actions}{}", name_next(undo)), String::new())
        }
        UndoOutcome::Planned => {
            let next = name_next(undo);
            (format!("{}{next}Dry run: nothing was written.\n", list_actions(undo)), String::new())
        }
        UndoOutcome::Refused if !style.quiet => (String::new(), list_actions(undo)),
        UndoOutcome::Refused => Default::default(),
        UndoOutcome::Failed | UndoOutcome::Interrupted => (String::new(), list_writes(undo)),
    };
    Rendered { out: out.into_bytes(), err }
}

/// Lists the keys of each action that there is.
fn list_actions(undo: &Undo) -> String {
    let line = |name: &str| {
        let mut keys = undo.keys_with_action(name).peekable();
        keys.peek()?;
        Some(format!("{name}: {}\n", list_key_names(keys)))
    };
    ["delete", "restore", "keep", "conflict"].into_iter().filter_map(line).collect()
}

/// Names the report by which there is more to take back.
fn name_next(undo: &Undo) -> String {
    let Some(kept) = &undo.kept_report else { return String::new() };
    let kept = quote_word(kept);
    format!(
        "Next: an earlier run wrote keys to this target too. To take them back as well, run this again with \
         --report {kept}\n"
    )
}

/// Lists the keys that are taken back, those that may be, and the rest.
fn list_writes(undo: &Undo) -> String {
    if !undo.may_have_written() {
        return String::new();
    }
    let list = |state| list_key_names(undo.keys_in_state(state));
    format!(
        "taken back: {}\nunconfirmed: {}\nnot taken back: {}\n",
        list(WriteState::Written),
        list(WriteState::Unknown),
        list(WriteState::NotWritten)
    )
}

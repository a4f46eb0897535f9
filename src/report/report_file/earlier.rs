//! The report of an earlier run of `migrate` in the file that a new run is to write.
//!
//! The keys that it lists as written are what `undo` takes back, so that they must not be lost before the new run
//! says what it did.

use serde_json::{Map, Value as Json, json};

use crate::outcome::Failure;
use crate::report::json::failure_to_json;
use crate::visible::escape_json;

/// Renders the earlier document as one of a run that has not ended; `None` if it lists no key that may have been
/// written.
pub(super) fn render_unfinished(earlier: &[u8], unfinished: &Failure) -> Option<Vec<u8>> {
    let mut fields: Map<String, Json> = serde_json::from_slice(earlier).ok()?;
    let is_of_migrate = fields.contains_key("outcome") && fields.contains_key("next_steps");
    let is_done = |row: &Json| row.get("write_state").is_some_and(|state| state != "not_written");
    let may_be_written = fields.get("keys")?.as_array()?.iter().any(is_done);
    if !is_of_migrate || !may_be_written {
        return None;
    }
    let failure = unfinished.clone().hint("the keys are those that the run before has recorded");
    fields.insert("outcome".to_owned(), "interrupted".into());
    fields.insert("verified".to_owned(), false.into());
    fields.insert("next_steps".to_owned(), json!([]));
    fields.insert("error".to_owned(), failure_to_json(&failure));
    let document = serde_json::to_string_pretty(&fields).ok()?;
    Some(format!("{}\n", escape_json(&document)).into_bytes())
}

//! The report of an earlier run of `migrate` in the file that a new run is to write.
//!
//! The keys that it lists as written are what `undo` takes back, so that they are never lost: a run either has them
//! in its own documents, or the report is kept under another name.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::{Map, Value as Json, json};

use crate::files::{Existing, store_file};
use crate::outcome::Failure;
use crate::report::json::failure_to_json;
use crate::visible::escape_json;

/// The largest number behind the name of a report that is kept.
const MOST_KEPT: u32 = 999;

/// Reads the earlier document; `None` if it lists no key that may have been written.
fn parse_with_writes(earlier: &[u8]) -> Option<Map<String, Json>> {
    let fields: Map<String, Json> = serde_json::from_slice(earlier).ok()?;
    let is_of_migrate = fields.contains_key("outcome") && fields.contains_key("next_steps");
    let is_done = |row: &Json| row.get("write_state").is_some_and(|state| state != "not_written");
    let may_be_written = fields.get("keys")?.as_array()?.iter().any(is_done);
    (is_of_migrate && may_be_written).then_some(fields)
}

/// Returns whether the earlier document lists keys that may have been written, so that it must not be lost.
pub(super) fn lists_writes(earlier: &[u8]) -> bool {
    parse_with_writes(earlier).is_some()
}

/// Keeps the earlier document beside the report: under its name and the first number that is free. A file that
/// holds the same already is as good.
///
/// # Errors
/// Where it can't be written, or all names are taken.
pub(super) fn keep_beside(report: &Path, earlier: &[u8]) -> io::Result<PathBuf> {
    for number in 1..=MOST_KEPT {
        let mut name = report.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let kept = PathBuf::from(name);
        match store_file(&kept, earlier, Existing::Keep) {
            Ok(_) => return Ok(kept),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) if holds(&kept, earlier) => return Ok(kept),
            Err(_) => {}
        }
    }
    let reason = format!("the names from .1 to .{MOST_KEPT} are taken");
    Err(io::Error::new(io::ErrorKind::AlreadyExists, reason))
}

/// Returns whether the file holds exactly this.
fn holds(path: &Path, content: &[u8]) -> bool {
    let is_as_long = path
        .symlink_metadata()
        .is_ok_and(|found| found.is_file() && found.len() == content.len() as u64);
    is_as_long && fs::read(path).is_ok_and(|found| found == content)
}

/// Renders the earlier document as one of a run that has not ended; `None` if it lists no key that may have been
/// written.
pub(super) fn render_unfinished(earlier: &[u8], unfinished: &Failure) -> Option<Vec<u8>> {
    let mut fields = parse_with_writes(earlier)?;
    let failure = unfinished.clone().hint("the keys are those that the run before has recorded");
    let before = fields.insert("outcome".to_owned(), "interrupted".into());
    if before.is_some_and(|outcome| outcome == "migrated") {
        // The file of a run that has come to its end is never replaced.
        fields.insert("source_backup_sha256".to_owned(), Json::Null);
    }
    fields.insert("verified".to_owned(), false.into());
    fields.insert("next_steps".to_owned(), json!([]));
    fields.insert("error".to_owned(), failure_to_json(&failure));
    let document = serde_json::to_string_pretty(&fields).ok()?;
    Some(format!("{}\n", escape_json(&document)).into_bytes())
}

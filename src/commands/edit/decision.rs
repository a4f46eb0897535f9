//! The value to write, decided from the edit and the stored entry. Pure: no I/O, not async.

use serde_json::Value as Json;

use super::args::Edit;
use super::consequences::{find_broken_references, find_warnings, without_version};
use super::failures::{
    absent_key, damaged_entry, failed_patch, invalid_value, uneditable_value, unexpected_version,
};
use crate::codec::{self, CodecError, Encoding};
use crate::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use crate::outcome::Failure;
use crate::pipeline::difference::diff;
use crate::wording::plural;

/// The errors of a refused document that are named beside the first.
const SHOWN_ERRORS: usize = 4;

/// The edit that the operator asked for.
pub(super) struct EditRequest<'a> {
    pub(super) key: &'a Key,
    pub(super) edit: &'a Edit,
    /// The version of `--version`, which the stored value must have.
    pub(super) expected_version: Option<u32>,
    pub(super) store_name: &'a str,
    /// The entries that the key refers to, as far as the store has them.
    pub(super) beside: &'a Snapshot,
}

/// A value to write, and the stored one that it replaces.
#[derive(Debug)]
pub(super) struct EditDecision {
    pub(super) key: Key,
    /// The stored value; `None` if the key is absent.
    pub(super) old: Option<OldValue>,
    pub(super) value: Value,
    /// The new value as `get` prints it.
    pub(super) document: Json,
    /// The differences between both documents, for people.
    pub(super) diff: String,
    pub(super) warnings: Vec<String>,
}

/// A stored value, decoded.
#[derive(Debug)]
pub(super) struct OldValue {
    pub(super) version: Version,
    pub(super) document: Json,
    /// The state that the conditional write requires.
    pub(super) token: CasToken,
}

impl EditDecision {
    /// Returns the key with its new and its old version.
    pub(super) fn describe_versions(&self) -> String {
        let old = match &self.old {
            Some(old) => old.version.to_string(),
            None => "absent".to_owned(),
        };
        format!("{} at version {} (now {old})", self.key, self.value.version)
    }
}

/// Applies the edit to the stored entry.
///
/// # Errors
/// [`Code::VersionMismatch`](crate::outcome::Code) if the stored value is not the one that the edit was
/// made for, `Usage` or `KeyNotFound` if the patch can't be applied, `ValueCorrupt` if the stored or the
/// new value can't be decoded.
pub(super) fn decide_edit(
    request: &EditRequest<'_>,
    stored: Option<&Entry>,
) -> Result<EditDecision, Failure> {
    let key = request.key;
    let mut warnings = Vec::new();
    let (old, encoding) = match stored {
        Some(entry) => {
            let (old, encoding) = decode_old_value(key, entry, &mut warnings)?;
            (Some(old), Some(encoding))
        }
        None => (None, None),
    };
    let encoding = Encoding::for_edit(key, encoding);
    check_expected_version(request, old.as_ref())?;
    let edited = apply_edit(request, old.as_ref())?;
    let version = next_version(key, old.as_ref())?;
    let bytes = codec::encode(key, encoding, &edited, version)
        .map_err(|error| invalid_value(key, &error.to_string()))?;
    let value = Value { version, bytes };
    let document = decode_new_value(request, &value, old.as_ref())?;
    warnings.extend(find_warnings(key, old.as_ref().map(|old| &old.document), &document));
    let diff = diff_documents(key, old.as_ref(), &document, version);
    Ok(EditDecision { key: key.clone(), old, value, document, diff, warnings })
}

fn decode_old_value(
    key: &Key,
    entry: &Entry,
    warnings: &mut Vec<String>,
) -> Result<(OldValue, Encoding), Failure> {
    let (value, token) = match entry {
        Entry::Intact(value, token) => (value, token),
        Entry::Damaged { reason, .. } => return Err(damaged_entry(key, reason)),
    };
    let uneditable = |error: CodecError| uneditable_value(key, &error.to_string());
    let document = codec::decode(key, &value.bytes).map_err(uneditable)?;
    codec::is_editable(key, &value.bytes).map_err(uneditable)?;
    if let Err(error) = codec::check(key, value) {
        warnings.push(format!("{key} {error}; the new value corrects that"));
    }
    let encoding = codec::encoding(&value.bytes).map_err(uneditable)?;
    let old = OldValue { version: value.version, document, token: token.clone() };
    Ok((old, encoding))
}

/// Checks `--version` against the stored value.
fn check_expected_version(
    request: &EditRequest<'_>,
    old: Option<&OldValue>,
) -> Result<(), Failure> {
    let EditRequest { key, edit, store_name, .. } = *request;
    let Some(expected) = request.expected_version else { return Ok(()) };
    let found = match (old, edit) {
        (Some(old), _) if old.version.0 == expected => return Ok(()),
        (Some(old), _) => format!("is at version {}", old.version),
        (None, Edit::Patch(_)) => return Err(absent_key(key, store_name)),
        (None, Edit::Put(_)) => "does not exist".to_owned(),
    };
    let message =
        format!("{key} in {store_name} {found}, not at version {expected} as --version requires");
    if let (Some(old), Edit::Put(document)) = (old, edit) {
        let (new, stored) = (without_version(document), without_version(&old.document));
        let stored_name = format!("stored, version {}", old.version);
        let differences = diff(("the document", &new), (&stored_name, &stored));
        return Err(match differences.is_empty() {
            true => unexpected_version(format!("{message}; it equals the document")),
            false => unexpected_version(message).differences(&differences),
        });
    }
    Err(unexpected_version(message))
}

fn apply_edit(request: &EditRequest<'_>, old: Option<&OldValue>) -> Result<Json, Failure> {
    match (request.edit, old) {
        (Edit::Put(document), _) => Ok(document.clone()),
        (Edit::Patch(patch), Some(old)) => patch
            .apply(&old.document)
            .map_err(|fault| failed_patch(request.key, old.version, &fault)),
        (Edit::Patch(_), None) => Err(absent_key(request.key, request.store_name)),
    }
}

fn next_version(key: &Key, old: Option<&OldValue>) -> Result<Version, Failure> {
    let old = old.map_or(0, |old| old.version.0);
    old.checked_add(1)
        .map(Version)
        .ok_or_else(|| invalid_value(key, "would exceed the highest version, which is stored"))
}

/// Decodes the new value as the servers would.
fn decode_new_value(
    request: &EditRequest<'_>,
    value: &Value,
    old: Option<&OldValue>,
) -> Result<Json, Failure> {
    let key = request.key;
    let document = codec::decode(key, &value.bytes)
        .and_then(|document| codec::check(key, value).map(|()| document))
        .map_err(|error| invalid_value(key, &error.to_string()))?;
    let stored = old.map(|old| &old.document);
    let errors = codec::find_added_errors(key, &document, stored);
    let mut errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let broken = find_broken_references(key, request.beside, &document, stored).into_iter();
    errors.extend(broken.map(|error| error.describe_beside(key)));
    match errors.split_first() {
        None => Ok(document),
        Some((first, others)) => {
            let mut reason = format!("would not be readable by the servers: {first}");
            for other in others.iter().take(SHOWN_ERRORS) {
                reason.push_str(&format!("; {other}"));
            }
            if let Some(more) = others.len().checked_sub(SHOWN_ERRORS).filter(|more| *more > 0) {
                reason.push_str(&format!("; and {}", plural(more, "other error")));
            }
            Err(invalid_value(key, &reason))
        }
    }
}

fn diff_documents(key: &Key, old: Option<&OldValue>, document: &Json, version: Version) -> String {
    let empty = Json::Object(serde_json::Map::new());
    let before = match old {
        Some(old) => (format!("{key}, version {}", old.version), &old.document),
        None => (format!("{key}, absent"), &empty),
    };
    diff((&before.0, before.1), (&format!("{key}, version {version}"), document))
}

#[cfg(test)]
mod tests;

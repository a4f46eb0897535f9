//! From what is stored and the edit to the value to write. No I/O.

use serde_json::Value as Json;

use super::{Edit, EditArgs};
use crate::backends::Source;
use crate::codec::{self, CodecError, Encoding};
use crate::model::{CasToken, Entry, Key, Value, Version};
use crate::outcome::{Code, Failure};
use crate::pipeline::edit::{self, PatchFault};

/// What is to be written, and instead of what.
pub(super) struct EditDecision {
    pub(super) key: Key,
    /// Version and document of what is stored, and what to require of it.
    pub(super) old: Option<Old>,
    pub(super) value: Value,
    /// The new value as `get` will show it.
    pub(super) document: Json,
    /// What changes, for people.
    pub(super) diff: String,
    pub(super) warnings: Vec<String>,
}

pub(super) struct Old {
    pub(super) version: Version,
    pub(super) document: Json,
    pub(super) tag: CasToken,
}

impl EditDecision {
    /// In a few words.
    pub(super) fn headline(&self) -> String {
        match &self.old {
            Some(old) => {
                format!("{} at version {} (now {})", self.key, self.value.version, old.version)
            }
            None => format!("{} at version {} (now absent)", self.key, self.value.version),
        }
    }
}

/// Applies the edit to what was found.
pub(super) fn decide(
    args: &EditArgs,
    edit: &Edit,
    key: &Key,
    found: Option<&Entry>,
    store: &(impl Source + ?Sized),
) -> Result<EditDecision, Failure> {
    let mut warnings = Vec::new();
    let (old, encoding) = match found {
        Some(entry) => {
            let (old, encoding) = stored(key, entry, &mut warnings)?;
            (Some(old), encoding)
        }
        None => (None, Encoding::of_new(key)),
    };
    expected(args, edit, key, old.as_ref(), store.name())?;
    let edited = match (edit, &old) {
        (Edit::Put(document), _) => document.clone(),
        (Edit::Patch(patch), Some(old)) => {
            patch.apply(&old.document).map_err(|fault| unpatched(key, old, &fault))?
        }
        (Edit::Patch(_), None) => return Err(absent(key, store.name())),
    };
    let version = next(key, old.as_ref())?;
    let bytes = codec::encode(key, encoding, &edited, version)
        .map_err(|error| refused(key, &error.to_string()))?;
    let value = Value { version, bytes };
    let document = codec::decode(key, &value.bytes)
        .and_then(|document| codec::check(key, &value).map(|()| document))
        .map_err(|error| refused(key, &error.to_string()))?;
    codec::check_shape(key, &document, old.as_ref().map(|old| &old.document)).map_err(
        |reason| refused(key, &format!("would not be read back by the servers: {reason}")),
    )?;
    if !key.is_known() {
        warnings.push(format!("{key} is none of Restate's keys"));
    }
    warnings.extend(renamed(key, old.as_ref(), &document));
    let diff = difference(key, old.as_ref(), &document, version);
    if old.is_some() && is_same_but_version(old.as_ref(), &document) {
        warnings.push("the edit changes nothing but the version".to_owned());
    }
    Ok(EditDecision { key: key.clone(), old, value, document, diff, warnings })
}

fn stored(
    key: &Key,
    entry: &Entry,
    warnings: &mut Vec<String>,
) -> Result<(Old, Encoding), Failure> {
    let unreadable = |reason: &str| {
        Failure::new(Code::ValueCorrupt, format!("{key} can't be edited: it {reason}"))
            .hint("`metadata get --raw` writes the bytes as they are")
    };
    let (value, tag) = match entry {
        Entry::Intact(value, tag) => (value, tag),
        Entry::Damaged { reason, .. } => return Err(unreadable(reason)),
    };
    let fault = |error: CodecError| unreadable(&error.to_string());
    let document = codec::decode(key, &value.bytes).map_err(fault)?;
    codec::is_editable(key, &value.bytes).map_err(fault)?;
    if let Err(fault) = codec::check(key, value) {
        warnings
            .push(format!("{key} {fault}; the new value will be at one version inside and out"));
    }
    let encoding = codec::encoding(&value.bytes).map_err(fault)?;
    let old = Old { version: value.version, document, tag: tag.clone() };
    Ok((old, encoding))
}

/// `--version` against what is there.
fn expected(
    args: &EditArgs,
    edit: &Edit,
    key: &Key,
    old: Option<&Old>,
    store: &str,
) -> Result<(), Failure> {
    let Some(expected) = args.expected else { return Ok(()) };
    let found = match (old, edit) {
        (Some(old), _) if old.version.0 == expected => return Ok(()),
        (Some(old), _) => format!("is at version {}", old.version),
        (None, Edit::Patch(_)) => return Err(absent(key, store)),
        (None, Edit::Put(_)) => "does not exist".to_owned(),
    };
    let mut message =
        format!("{key} in {store} {found}, not at version {expected} as --version requires");
    if let (Some(old), Edit::Put(document)) = (old, edit) {
        let (ours, theirs) = (without_version(document), without_version(&old.document));
        let named = format!("stored, version {}", old.version);
        let diff = edit::diff(("the document", &ours), (&named, &theirs));
        message.push_str(if diff.is_empty() { "; it equals the document" } else { ":\n" });
        message.push_str(diff.trim_end());
    }
    Err(Failure::new(Code::VersionMismatch, message)
        .hint("look at the value as it is with `metadata get`, and make the edit anew"))
}

fn unpatched(key: &Key, old: &Old, fault: &PatchFault) -> Failure {
    let message = format!("{key}, at version {}, was not changed: {fault}", old.version);
    match fault {
        // The operator asked for this check, and it does not hold.
        PatchFault::Test { .. } => Failure::new(Code::VersionMismatch, message),
        PatchFault::Operation { .. } => Failure::new(Code::Usage, message),
    }
    .hint("`metadata get` prints the document that the patch is applied to")
}

fn absent(key: &Key, store: &str) -> Failure {
    Failure::new(Code::KeyNotFound, format!("the key {key} does not exist in {store}"))
        .hint("`metadata list` shows the keys that exist; `metadata put` creates one")
}

fn refused(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("nothing was written: the new {key} {reason}"))
}

fn next(key: &Key, old: Option<&Old>) -> Result<Version, Failure> {
    let old = old.map_or(0, |old| old.version.0);
    old.checked_add(1)
        .map(Version)
        .ok_or_else(|| refused(key, "would have no version: the last one is stored"))
}

fn is_same_but_version(old: Option<&Old>, document: &Json) -> bool {
    old.is_some_and(|old| without_version(&old.document) == without_version(document))
}

/// A cluster's name and fingerprint tell its nodes whom to talk to.
fn renamed(key: &Key, old: Option<&Old>, document: &Json) -> Option<String> {
    let identity = |document: &Json| {
        ["cluster_name", "cluster_fingerprint"].map(|name| document.get(name).cloned())
    };
    let moved = *key == Key::NodesConfig
        && old.is_some_and(|old| identity(&old.document) != identity(document));
    moved.then(|| {
        "the cluster's name or fingerprint changes: its servers refuse to start while they are \
         configured for, or remember, another"
            .to_owned()
    })
}

fn without_version(document: &Json) -> Json {
    let mut document = document.clone();
    if let Json::Object(fields) = &mut document {
        fields.shift_remove("version");
    }
    document
}

fn difference(key: &Key, old: Option<&Old>, document: &Json, version: Version) -> String {
    let empty = Json::Object(serde_json::Map::new());
    let before = match old {
        Some(old) => (format!("{key}, version {}", old.version), &old.document),
        None => (format!("{key}, absent"), &empty),
    };
    edit::diff((&before.0, before.1), (&format!("{key}, version {version}"), document))
}

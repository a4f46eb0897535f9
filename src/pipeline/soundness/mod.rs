//! Whether a store is sound: every value alone, and the references between values. Pure: no I/O, not async.
//!
//! One body of rules for every command: `check` reports all findings, `list` and `backup` print them, `migrate` refuses
//! a source with errors, and `patch` and `put` refuse the errors that they would add. What is absent or can't be
//! decoded is reported once, and no reference to or from it is judged.

mod documents;
mod epochs;
mod partitions;
mod references;
mod subscriptions;
mod values;

use std::collections::BTreeMap;

use crate::codec::CodecError;
use crate::model::{FindingClass, Key, MetadataFinding, Snapshot};
use crate::wording::plural;
pub use documents::Documents;
pub use references::{find_added_reference_errors, referenced_keys};

/// The findings of one class that are named: a damaged value may have millions.
const SHOWN_OF_A_CLASS: usize = 100;

/// All that was found about a store.
#[derive(Clone, Debug, Default)]
pub struct Soundness {
    /// The findings in the order of keys, as many of each class as are named.
    pub findings: Vec<MetadataFinding>,
    /// The number of errors, those included that are not named.
    pub errors: usize,
    /// The number of warnings, in the same way.
    pub warnings: usize,
    /// Why a server or this program can't read the intact entries of these keys.
    pub codec_errors: BTreeMap<Key, CodecError>,
}

/// Finds every error of a store, and what an operator should know of it.
pub fn check_soundness(snapshot: &Snapshot) -> Soundness {
    let mut documents = Documents::default();
    let mut findings = values::find_missing_keys(snapshot);
    let mut codec_errors = BTreeMap::new();
    for (key, entry) in snapshot {
        let (document, checked) = values::decode_entry(key, entry);
        findings.extend(values::judge_entry(key, entry, checked.as_ref().err()));
        codec_errors.extend(checked.err().map(|error| (key.clone(), error)));
        let Some(document) = document else { continue };
        findings.extend(values::find_document_findings(key, &document));
        documents.add(key, document);
    }
    findings.extend(references::find_broken_references(&documents));
    findings.extend(partitions::find_range_gaps(&documents));
    findings.extend(epochs::find_epoch_findings(&documents, snapshot));
    findings.sort_by(|one, other| one.key.cmp(&other.key).then(one.class.cmp(&other.class)));
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors;
    Soundness { findings: name_some_of_each_class(findings), errors, warnings, codec_errors }
}

/// Keeps the first findings of each class, the last of which has the number of the others.
fn name_some_of_each_class(findings: Vec<MetadataFinding>) -> Vec<MetadataFinding> {
    let mut counts: BTreeMap<FindingClass, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for finding in findings {
        let count = counts.entry(finding.class).or_default();
        *count += 1;
        if *count <= SHOWN_OF_A_CLASS {
            shown.push(finding);
        }
    }
    for (class, count) in counts {
        let left = count.saturating_sub(SHOWN_OF_A_CLASS);
        let last = shown.iter_mut().rev().find(|finding| finding.class == class);
        if let (Some(last), true) = (last, left > 0) {
            let others = plural(left, "other finding");
            last.message.push_str(&format!("; and {others} of this class, which are not named"));
        }
    }
    shown
}

#[cfg(test)]
mod tests;

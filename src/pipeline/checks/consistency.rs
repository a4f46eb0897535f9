//! The check of what values hold and say together: the findings of `metadata check` about them.

use std::collections::BTreeSet;

use crate::codec;
use crate::model::{Entry, FindingClass, Key, MetadataFinding, Snapshot};
use crate::outcome::{Check, Code, Finding};
use crate::pipeline::soundness::Soundness;
use crate::wording::plural;

/// The findings that are named in the check; `metadata check` names more.
const SHOWN_FINDINGS: usize = 10;

const UNFREEZE_HINT: &str = "unfreeze them once the cluster is up, with the official `restatectl partitions leadership \
                             unfreeze`: after the restart they have no leader until then";

const ABSENT_EPOCHS_HINT: &str = "compare with `metadata list` of the running cluster, if there is one: a partition that \
                                  had a leader was seen to get none without its epoch";

const CORRECT_HINT: &str = "correct the values at the source with `metadata patch`; `metadata check` with the same store prints every \
                            finding";

/// Checks that servers would run on what the values hold and on the references between them.
///
/// Classes in `accepted` refuse nothing. What a rule needs of a value that can't be decoded is not known; its key is
/// named. `soundness` is that of the snapshot.
pub fn check_consistency(
    snapshot: &Snapshot,
    soundness: &Soundness,
    accepted: &[FindingClass],
) -> Finding {
    let found: Vec<_> =
        soundness.findings.iter().filter(|one| is_of_this_check(one)).cloned().collect();
    let is_refused =
        |finding: &&MetadataFinding| finding.is_error() && !accepted.contains(&finding.class);
    let errors = found.iter().filter(is_refused).count();
    let refused: BTreeSet<_> = found.iter().filter(is_refused).map(|one| one.class).collect();
    let unchecked = find_unchecked(snapshot);
    if found.is_empty() && unchecked.is_empty() {
        return Finding::ok(Check::Consistency, "the values agree with each other");
    }
    let items = describe_findings(&found, unchecked);
    let finding = match errors {
        0 => {
            let detail = plural(items.len(), "finding");
            Finding::ok(Check::Consistency, detail).into_warning().items(items)
        }
        _ => {
            let detail = format!("{} that servers would not run on", plural(errors, "error"));
            let failed = Finding::failed(Check::Consistency, Code::MetadataInconsistent, detail);
            let failed = failed.items(items).hint(CORRECT_HINT);
            refused.into_iter().map(accept_hint).fold(failed, Finding::hint)
        }
    };
    let has = |class| found.iter().any(|finding| finding.class == class);
    let hints = [
        has(FindingClass::LeadershipFrozen).then_some(UNFREEZE_HINT),
        has(FindingClass::EpochAbsent).then_some(ABSENT_EPOCHS_HINT),
    ];
    hints.into_iter().flatten().fold(finding, Finding::hint)
}

/// Returns whether no other check reports it: `values` and `source` have the rest.
fn is_of_this_check(finding: &MetadataFinding) -> bool {
    let is_missing_source = finding.class == FindingClass::KeyMissing && finding.key != Key::Logs;
    !finding.class.is_about_bytes() && !is_missing_source
}

fn accept_hint(class: FindingClass) -> String {
    let name = class.name();
    format!("if your servers run on it, accept errors of this class with --accept-finding {name}")
}

/// Describes values of Restate's own whose codec is unknown: they may be copied, and no rule can be applied.
fn find_unchecked(snapshot: &Snapshot) -> Vec<String> {
    let is_unchecked = |(key, entry): &(&Key, &Entry)| {
        let value = entry.value().filter(|_| key.is_known());
        value.is_some_and(|value| codec::encoding(&value.bytes).is_err())
    };
    let unchecked = snapshot.iter().filter(is_unchecked);
    unchecked.map(|(key, _)| format!("{key} is not checked: its codec is unknown")).collect()
}

/// Describes the first findings, errors before warnings.
fn describe_findings(found: &[MetadataFinding], unchecked: Vec<String>) -> Vec<String> {
    let mut sorted: Vec<&MetadataFinding> = found.iter().collect();
    sorted.sort_by_key(|finding| finding.level());
    let described = sorted.iter().map(|finding| match finding.is_error() {
        true => format!("{finding} ({})", finding.class.name()),
        false => finding.to_string(),
    });
    let mut items: Vec<String> = described.chain(unchecked).collect();
    let left = items.len().saturating_sub(SHOWN_FINDINGS);
    items.truncate(SHOWN_FINDINGS);
    if left > 0 {
        items.push(format!("and {}", plural(left, "other finding")));
    }
    items
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};
    use crate::outcome::CheckStatus;
    use crate::pipeline::soundness::check_soundness;

    fn check_consistency(snapshot: &Snapshot, accepted: &[FindingClass]) -> Finding {
        super::check_consistency(snapshot, &check_soundness(snapshot), accepted)
    }

    fn entry(document: &str) -> Entry {
        let bytes = Bytes::from(format!("\x05{document}"));
        Entry::Intact(Value { version: Version(1), bytes }, CasToken::Version(Version(1)))
    }

    fn sound_logs() -> (Key, Entry) {
        let config = r#"{"version":1,"logs":[],"config":{"default_provider":"local"}}"#;
        (Key::Logs, entry(config))
    }

    #[test]
    fn frozen_leadership_is_a_warning_that_names_its_partitions() {
        let epoch = |id, document: &str| (Key::PartitionEpoch(id), entry(document));
        let free = epoch(0, r#"{"version":1,"leadership_policy":{"affinity":{"Node":1}}}"#);
        let snapshot = Snapshot::from([free.clone(), sound_logs()]);
        assert_eq!(check_consistency(&snapshot, &[]).status, CheckStatus::Ok);
        let frozen = epoch(1, r#"{"version":1,"leadership_policy":{"freeze":{"reason":"r"}}}"#);
        let finding = check_consistency(&Snapshot::from([free, frozen, sound_logs()]), &[]);
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(
            finding.text(),
            "1 finding: pp_epoch_1 has a frozen leadership: no leader until it is unfrozen"
        );
    }

    #[test]
    fn errors_refuse_unless_their_class_is_accepted() {
        let logs = r#"{"version":1,"logs":[],"config":{"default_provider":"nowhere"}}"#;
        let snapshot = Snapshot::from([(Key::Logs, entry(logs))]);
        let finding = check_consistency(&snapshot, &[]);
        assert_eq!(
            (finding.status, finding.code),
            (CheckStatus::Failed, Some(Code::MetadataInconsistent))
        );
        assert!(finding.text().ends_with("(value-malformed)"), "{}", finding.text());
        let hint = finding.hints.last().unwrap();
        assert!(hint.ends_with("--accept-finding value-malformed"), "{hint}");
        let accepted = check_consistency(&snapshot, &[FindingClass::ValueMalformed]);
        assert_eq!((accepted.status, accepted.code), (CheckStatus::Warning, None));
    }
    #[test]
    fn values_of_an_unknown_codec_are_named_and_refuse_nothing() {
        let odd = || {
            let value = Value { version: Version(1), bytes: Bytes::from_static(b"\x63odd") };
            Entry::Intact(value, CasToken::Version(Version(1)))
        };
        let of_others = Key::Unknown("of_others".to_owned());
        let snapshot = Snapshot::from([sound_logs(), (Key::Schema, odd()), (of_others, odd())]);
        let finding = check_consistency(&snapshot, &[]);
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(
            finding.text(),
            "2 findings: of_others is not one of Restate's keys: servers do not read it; it begins with byte 99, a codec \
             that no tested server knows; schema_registry is not checked: its codec is unknown"
        );
    }

    #[test]
    fn items_beyond_the_limit_are_counted() {
        let describe = |count| describe_findings(&[], vec!["item".to_owned(); count]);
        assert_eq!(describe(SHOWN_FINDINGS), vec!["item"; SHOWN_FINDINGS]);
        let more = describe(SHOWN_FINDINGS + 2);
        assert_eq!((more.len(), more.last().unwrap().as_str()), (11, "and 2 other findings"));
    }
}

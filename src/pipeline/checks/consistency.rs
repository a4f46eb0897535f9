//! The check of what values say together, and of what an operator once chose and may have forgotten.

use super::absent_epochs::{ABSENT_EPOCHS_HINT, describe_absent_epochs};
use crate::codec;
use crate::model::{Key, Snapshot, Value};
use crate::outcome::{Check, Finding};
use crate::wording::plural;

const UNFREEZE_HINT: &str = "unfreeze them once the cluster is up, with the official `restatectl partitions leadership \
                             unfreeze`: after the restart they have no leader until then";

/// Warns of partitions whose leadership is frozen, none of which gets a leader after a restart, and of those
/// without an epoch.
///
/// What such a rule needs of a value that can't be decoded is not known; its key is named.
pub fn check_consistency(snapshot: &Snapshot) -> Finding {
    let epochs = snapshot.iter().filter(|(key, _)| matches!(key, Key::PartitionEpoch(_)));
    let values = epochs.filter_map(|(key, entry)| Some((key, entry.value()?)));
    let (mut frozen, mut unchecked) = (Vec::new(), Vec::new());
    for (key, value) in values {
        match codec::encoding(&value.bytes) {
            Err(_) => unchecked.push(format!("{key} is not checked: its codec is unknown")),
            Ok(_) if is_frozen(key, value) => frozen.push(key.to_string()),
            Ok(_) => {}
        }
    }
    let detail = match frozen.len() {
        0 if unchecked.is_empty() => "no partition has a frozen leadership".to_owned(),
        0 => format!("the leadership of {} is not known", plural(unchecked.len(), "partition")),
        count => format!("{} with a frozen leadership", plural(count, "partition")),
    };
    let absent = describe_absent_epochs(snapshot);
    let finding = Finding::ok(Check::Consistency, detail);
    if frozen.is_empty() && unchecked.is_empty() && absent.is_none() {
        return finding;
    }
    let hints = [
        (!frozen.is_empty()).then_some(UNFREEZE_HINT),
        absent.is_some().then_some(ABSENT_EPOCHS_HINT),
    ];
    let items = frozen.into_iter().chain(unchecked).chain(absent).collect();
    let finding = finding.items(items).into_warning();
    hints.into_iter().flatten().fold(finding, Finding::hint)
}

/// Returns whether the epoch's leadership policy keeps every node from becoming leader.
pub fn is_frozen(key: &Key, value: &Value) -> bool {
    const FIELD: &[u8] = b"freeze";
    // Field names are stored as they are, so that most values need not be decoded.
    let may_be = value.bytes.windows(FIELD.len()).any(|window| window == FIELD);
    let is_set = |document: serde_json::Value| {
        document.pointer("/leadership_policy/freeze").is_some_and(|freeze| !freeze.is_null())
    };
    may_be && codec::decode(key, &value.bytes).is_ok_and(is_set)
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Entry, Version};
    use crate::outcome::CheckStatus;

    #[test]
    fn frozen_leadership_is_a_warning_that_names_its_partitions() {
        let epoch = |id, document: &str| {
            let bytes = Bytes::from(format!("\x05{document}"));
            let value = Value { version: Version(1), bytes };
            (Key::PartitionEpoch(id), Entry::Intact(value, CasToken::Version(Version(1))))
        };
        let free = epoch(0, r#"{"leadership_policy":{"pin":{"reason":"freeze"}}}"#);
        let snapshot = Snapshot::from([free.clone()]);
        assert_eq!(check_consistency(&snapshot).status, CheckStatus::Ok);
        let frozen = epoch(1, r#"{"leadership_policy":{"freeze":{"reason":"r"}}}"#);
        let finding = check_consistency(&Snapshot::from([free, frozen]));
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(finding.text(), "1 partition with a frozen leadership: pp_epoch_1");
    }
}

//! The second look at a listing: the partition table names each partition, and a partition that ever had a
//! leader has an epoch. Where one is missing, the store may not have returned all that it has.

use std::collections::BTreeSet;

use crate::codec;
use crate::model::epoch_ranges::in_ranges;
use crate::model::{Entry, Key, Snapshot};
use crate::wording::plural;

/// The hint for partitions without an epoch.
pub(super) const ABSENT_EPOCHS_HINT: &str = "compare with `metadata list` of the running cluster, if there is one: without its epoch, a partition \
                                             that had a leader begins again at the first";

/// Describes the partitions without an epoch; `None` if each has one, or if the table can't be read.
pub fn describe_absent_epochs(snapshot: &Snapshot) -> Option<String> {
    let table = snapshot.get(&Key::PartitionTable).and_then(Entry::value)?;
    let ids = codec::partition_ids_in(&table.bytes).ok()?;
    let keys: BTreeSet<_> = ids.into_iter().map(Key::PartitionEpoch).collect();
    let absent: Vec<_> = keys.iter().filter(|key| !snapshot.contains_key(key)).collect();
    let ranges = in_ranges(absent.iter().copied(), |key| key, |_, _| true);
    let names: Vec<_> = ranges.iter().map(|range| describe_range(range)).collect();
    let counted = plural(absent.len(), "partition");
    (!absent.is_empty()).then(|| {
        let names = names.join(", ");
        format!(
            "{counted} of the partition_table without an epoch: {names}; either it never had a leader, or the \
             store did not return all of its keys"
        )
    })
}

fn describe_range(range: &[&Key]) -> String {
    match range {
        [first, .., last] => format!("{first} … {last}"),
        keys => keys.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};

    #[test]
    fn partitions_without_an_epoch_are_named_in_ranges() {
        let entry = |document: &str| {
            let bytes = Bytes::from(format!("\x05{document}"));
            Entry::Intact(Value { version: Version(1), bytes }, CasToken::Version(Version(1)))
        };
        let table = (Key::PartitionTable, entry(r#"{"version":1,"num_partitions":7}"#));
        let epochs = |ids: &[u16]| {
            let epochs = ids.iter().map(|id| (Key::PartitionEpoch(*id), entry("{}")));
            epochs.chain([table.clone()]).collect::<Snapshot>()
        };
        assert_eq!(describe_absent_epochs(&epochs(&[0, 1, 2, 3, 4, 5, 6])), None);
        assert_eq!(describe_absent_epochs(&Snapshot::new()), None);
        let described = describe_absent_epochs(&epochs(&[1, 6])).unwrap();
        assert!(
            described.starts_with(
                "5 partitions of the partition_table without an epoch: pp_epoch_0, pp_epoch_2 … pp_epoch_5; "
            ),
            "{described}"
        );
    }
}

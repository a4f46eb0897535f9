//! Epochs of partitions in a row, so that thousands of them fit a few words.

use crate::model::Key;

/// Fewer epochs in a row are named one by one.
const SHORTEST_RANGE: usize = 4;

/// Splits things, in their order, into epochs in a row that are `alike` and long enough for a range,
/// and the rest.
pub(crate) fn in_ranges<T>(
    things: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &Key,
    alike: impl Fn(&T, &T) -> bool,
) -> Vec<Vec<T>> {
    let mut rows: Vec<Vec<T>> = Vec::new();
    for thing in things {
        let goes_on = |last: &T| are_in_a_row(key(last), key(&thing)) && alike(last, &thing);
        match rows.last_mut() {
            Some(row) if row.last().is_some_and(goes_on) => row.push(thing),
            _ => rows.push(vec![thing]),
        }
    }
    let one_by_one = |row: Vec<T>| -> Vec<Vec<T>> {
        match row.len() {
            SHORTEST_RANGE.. => vec![row],
            _ => row.into_iter().map(|thing| vec![thing]).collect(),
        }
    };
    rows.into_iter().flat_map(one_by_one).collect()
}

/// Returns whether the second is the epoch of the next partition.
fn are_in_a_row(key: &Key, next: &Key) -> bool {
    match (key, next) {
        (Key::PartitionEpoch(number), Key::PartitionEpoch(next)) => {
            number.checked_add(1) == Some(*next)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_ends_where_epochs_differ() {
        let epochs = (0..9).map(|number| (Key::PartitionEpoch(number), number == 4));
        let things = [(Key::RuleBook, false)].into_iter().chain(epochs);
        let ranges = in_ranges(things, |(key, _)| key, |(_, one), (_, other)| one == other);
        let lengths: Vec<_> = ranges.iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 4, 1, 4]);
        let few = in_ranges([0, 1, 2].map(Key::PartitionEpoch), |key| key, |_, _| true);
        assert_eq!(few.len(), 3);
        let last = in_ranges([u16::MAX, 0].map(Key::PartitionEpoch), |key| key, |_, _| true);
        assert_eq!(last.len(), 2);
    }
}

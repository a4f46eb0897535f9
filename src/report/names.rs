//! Keys by name, thousands of epochs in a row as their first and last.

use crate::model::Key;

/// Fewer than these are named one by one.
const WORTH_A_RANGE: usize = 4;

/// The names of keys in their order: `rule_book, pp_epoch_0 … pp_epoch_2047 (2048 keys)`.
pub(super) fn names<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let mut runs: Vec<Vec<&Key>> = Vec::new();
    for key in keys {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.is_followed_by(key)) => run.push(key),
            _ => runs.push(vec![key]),
        }
    }
    let told: Vec<_> = runs.iter().map(|run| name(run)).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn name(run: &[&Key]) -> String {
    match run {
        [first, .., last] if run.len() >= WORTH_A_RANGE => {
            format!("{first} … {last} ({} keys)", run.len())
        }
        few => few.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_epochs_in_a_row_are_a_range() {
        let epochs = |numbers: &[u16]| numbers.iter().copied().map(Key::PartitionEpoch).collect();
        let mut keys: Vec<Key> = epochs(&[0, 1, 2, 3, 5, 7, 8, 9, 10, 11]);
        keys.insert(0, Key::RuleBook);
        assert_eq!(
            names(&keys),
            "rule_book, pp_epoch_0 … pp_epoch_3 (4 keys), pp_epoch_5, pp_epoch_7 … pp_epoch_11 (5 keys)"
        );
        assert_eq!(names(&epochs(&[1, 2, 3]) as &Vec<Key>), "pp_epoch_1, pp_epoch_2, pp_epoch_3");
        assert_eq!(names(&[]), "none");
    }
}

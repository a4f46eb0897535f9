//! Numbers of many rows in one cell.

/// The ranges that one cell names.
const SHOWN_RANGES: usize = 4;

/// Describes ids, which are in order, as ranges: "0-4, 7, 9-12 and 6 others".
pub(super) fn describe_ids(ids: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*id) => *last = *id,
            _ => ranges.push((*id, *id)),
        }
    }
    let shown = ranges.iter().take(SHOWN_RANGES);
    let named: u64 = shown.clone().map(|(first, last)| last - first + 1).sum();
    let names: Vec<_> = shown.map(|(first, last)| describe_range(*first, *last)).collect();
    let others = (ids.len() as u64).saturating_sub(named);
    let others = if others == 0 { String::new() } else { format!(" and {others} others") };
    format!("{}{others}", names.join(", "))
}

/// Describes the least and the greatest of some numbers.
pub(super) fn describe_span(numbers: impl IntoIterator<Item = u64>) -> String {
    let span = numbers.into_iter().fold(None, |span: Option<(u64, u64)>, number| {
        let (least, most) = span.unwrap_or((number, number));
        Some((least.min(number), most.max(number)))
    });
    span.map_or_else(|| "-".to_owned(), |(least, most)| describe_range(least, most))
}

fn describe_range(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Describes nodes as "N1, N2".
pub(super) fn describe_nodes(ids: &[u64]) -> String {
    let names: Vec<_> = ids.iter().map(|id| format!("N{id}")).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ranges_of_which_few_are_named() {
        assert_eq!(describe_ids(&[0, 1, 2, 7]), "0-2, 7");
        let even: Vec<u64> = (0..10).map(|n| n * 2).collect();
        assert_eq!(describe_ids(&even), "0, 2, 4, 6 and 6 others");
        assert_eq!(describe_span([3, 1, 2]), "1-3");
        assert_eq!(describe_nodes(&[]), "-");
    }
}

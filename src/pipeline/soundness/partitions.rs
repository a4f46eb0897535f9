//! The key ranges of the partitions together.

use super::documents::Documents;
use crate::codec::Tree;
use crate::model::{FindingClass, Key, MetadataFinding};

/// Finds the places between partitions that belong to none. Overlaps are errors of the value.
pub(super) fn find_range_gaps(documents: &Documents<'_>) -> Vec<MetadataFinding> {
    let Some(table) = documents.get(&Key::PartitionTable) else { return Vec::new() };
    let bound = |range: Option<&Tree<'_>>, name: &str| range?.get(name)?.as_u64();
    let mut ranges: Vec<(u64, u64, usize)> = Vec::new();
    for (index, pair) in table.elements("/partitions").iter().enumerate() {
        let range = pair.at("/1/key_range");
        match (bound(range, "start"), bound(range, "end")) {
            (Some(start), Some(end)) if start <= end => ranges.push((start, end, index)),
            // The value is malformed: what it leaves open is not known.
            _ => return Vec::new(),
        }
    }
    ranges.sort_unstable();
    let mut next = Some(0_u64);
    let mut gaps = Vec::new();
    for (start, end, index) in &ranges {
        if let Some(next) = next.filter(|next| next < start) {
            gaps.push(gap(*index, &format!("leaves the keys from {next} to {} out", start - 1)));
        }
        next = next.and_then(|next| Some(next.max(end.checked_add(1)?)));
    }
    if let (Some(next), Some((_, _, index))) = (next, ranges.last()) {
        gaps.push(gap(*index, &format!("leaves the keys from {next} out")));
    }
    gaps
}

fn gap(index: usize, what: &str) -> MetadataFinding {
    MetadataFinding {
        key: Key::PartitionTable,
        class: FindingClass::KeyRangeGap,
        path: format!("/partitions/{index}/1/key_range"),
        message: format!("{what}: no partition has them, and requests for them fail"),
    }
}

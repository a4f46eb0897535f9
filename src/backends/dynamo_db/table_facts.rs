//! What the description of a table says of its size and capacity, where it may be asked.

use aws_sdk_dynamodb::types::TableDescription;

use crate::model::Snapshot;
use crate::wording::plural;

/// The most pages of a scan of a table whose size is not known. A page has 1 MB of items, whether they are below the
/// prefix or not.
const MOST_PAGES: usize = 10_000;

/// The pages that are always permitted: the size of a table is six hours old, and a page may be small.
const SPARE_PAGES: usize = 2_500;

/// A page of a scan has so many bytes of items, unless it is the last one.
const PAGE_BYTES: i64 = 1_000_000;

/// A table as it was described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableFacts {
    bytes: Option<i64>,
    /// The units per second for reads and writes; `None` for an on-demand table.
    capacity: Option<(i64, i64)>,
}

impl TableFacts {
    pub(super) fn from_description(table: &TableDescription) -> TableFacts {
        let provisioned = table.provisioned_throughput();
        let units = provisioned
            .and_then(|units| Some((units.read_capacity_units()?, units.write_capacity_units()?)));
        // An on-demand table has zero of both.
        TableFacts {
            bytes: table.table_size_bytes(),
            capacity: units.filter(|(_, write)| *write > 0),
        }
    }

    /// Returns the number of pages at which a scan is given up.
    pub(super) fn most_pages(&self) -> usize {
        let Some(bytes) = self.bytes else { return MOST_PAGES };
        let pages = usize::try_from(bytes / PAGE_BYTES).unwrap_or_default();
        pages.saturating_mul(2).saturating_add(SPARE_PAGES).max(SPARE_PAGES)
    }

    /// Describes what the capacity means for writing all these values.
    pub(super) fn describe_capacity(&self, wanted: &Snapshot) -> Option<String> {
        let (read, write) = self.capacity?;
        let sizes = wanted.values().filter_map(|entry| Some(entry.value()?.bytes.len()));
        // A transaction is charged twice, for each begun KiB.
        let units: usize = sizes.map(|bytes| 2 * bytes.div_ceil(1024).max(1)).sum();
        Some(format!(
            "the table has a provisioned capacity of {} and {} a second, and writing all values takes \
             {units}: what exceeds it is throttled, and written in smaller parts",
            plural(to_count(read), "read unit"),
            plural(to_count(write), "write unit"),
        ))
    }
}

fn to_count(units: i64) -> usize {
    usize::try_from(units).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Entry, Key, Value, Version};

    #[test]
    fn pages_follow_the_size_of_the_table() {
        let pages = |bytes| TableFacts { bytes, capacity: None }.most_pages();
        assert_eq!(pages(None), 10_000);
        assert_eq!(pages(Some(0)), 2_500);
        assert_eq!(pages(Some(-1)), 2_500);
        assert_eq!(pages(Some(50_000_000_000)), 102_500);
    }

    #[test]
    fn capacity_is_compared_with_the_cost_of_the_values() {
        let entry = |size: usize| {
            let value = Value { version: Version(1), bytes: Bytes::from(vec![0; size]) };
            Entry::Intact(value, CasToken::Version(Version(1)))
        };
        let wanted = Snapshot::from([(Key::RuleBook, entry(1)), (Key::NodesConfig, entry(1025))]);
        let facts = TableFacts { bytes: None, capacity: Some((5, 1)) };
        let described = facts.describe_capacity(&wanted).unwrap();
        assert!(described.contains("5 read units and 1 write unit a second"), "{described}");
        assert!(described.contains("takes 6:"), "{described}");
        assert_eq!(TableFacts::default().describe_capacity(&wanted), None);
    }
}

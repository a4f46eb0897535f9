//! What a listing found out about the objects with names that this version does not know.

use std::collections::BTreeSet;

use crate::model::Key;
use crate::wording::plural;

/// The most objects that are read to find out what they are. All keys of a future version would be fewer,
/// unless it has further ones for each partition; those are left out with a warning.
pub(super) const MAX_CANDIDATES: usize = 1_000;

/// The candidates that are keys, and those of which it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Examined {
    pub(super) ours: BTreeSet<Key>,
    /// The number of unknown names right below the prefix, if nothing lies deeper.
    pub(super) unknown: Option<u64>,
    /// More than are read.
    pub(super) left_out: usize,
    /// Those that the store does not let be read.
    pub(super) unreadable: usize,
}

impl Examined {
    /// Describes why there may be more keys than were found; `None` if there are not.
    pub(super) fn describe_missing_keys(&self) -> Option<String> {
        let objects = |count: usize| plural(count, "object");
        let left_out = || {
            format!(
                "only {} with unknown names are read to see whether they are keys, and {} more are not; \
                 keep the metadata below a prefix of its own",
                objects(MAX_CANDIDATES),
                self.left_out
            )
        };
        let unreadable = || {
            format!(
                "{} with unknown names can't be read, and may be keys",
                objects(self.unreadable)
            )
        };
        match (self.left_out, self.unreadable) {
            (0, 0) => None,
            (0, _) => Some(unreadable()),
            (_, 0) => Some(left_out()),
            _ => Some(format!("{}; {}", left_out(), unreadable())),
        }
    }
}

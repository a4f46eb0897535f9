//! The keys that a store may hold without listing them.

use std::collections::BTreeSet;

use super::key::Key;

/// The keys of a source that the target can be asked for by name only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnlistedKeys {
    /// The keys.
    pub keys: BTreeSet<Key>,
    /// `true` if other software uses the target as well: what it holds under such a name may be foreign.
    pub may_be_foreign: bool,
}

impl UnlistedKeys {
    /// Returns whether the target's entry of that key may be foreign, and so is never touched.
    pub fn is_protected(&self, key: &Key) -> bool {
        self.may_be_foreign && self.keys.contains(key)
    }
}

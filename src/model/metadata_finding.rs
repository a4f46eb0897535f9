//! Findings about the metadata of a store: what a server could not live with, or would do otherwise than one may
//! think. Their classes are documented in `docs/checking.md`.

use std::fmt;

use super::key::Key;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingLevel {
    /// A server of the tested versions was seen to panic, to refuse to start, or to lead nothing.
    Error,
    /// It runs, otherwise than one may think.
    Warning,
}

impl FindingLevel {
    /// Returns the name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            FindingLevel::Error => "error",
            FindingLevel::Warning => "warning",
        }
    }
}

/// Defines the classes, each with its name and level.
macro_rules! classes {
    ($($class:ident $name:literal $level:ident,)*) => {
        /// The class of a finding: `code` in documents, and the name that `--accept-finding` takes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum FindingClass {
            $($class,)*
        }

        impl FindingClass {
            /// All of them, in the order of the page.
            pub const ALL: &[FindingClass] = &[$(FindingClass::$class,)*];

            /// Returns the name in documents and messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(FindingClass::$class => $name,)*
                }
            }

            /// Returns how grave findings of this class are.
            pub fn level(self) -> FindingLevel {
                match self {
                    $(FindingClass::$class => FindingLevel::$level,)*
                }
            }
        }
    };
}

classes! {
    EntryDamaged "entry-damaged" Error,
    CodecNotAllowed "codec-not-allowed" Error,
    ValueUndecodable "value-undecodable" Error,
    VersionMisaligned "version-misaligned" Error,
    KeyMissing "key-missing" Error,
    ValueMalformed "value-malformed" Error,
    NodeIdentity "node-identity" Error,
    KeyRangeInvalid "key-range-invalid" Error,
    LogMissing "log-missing" Error,
    NodesetMissing "nodeset-missing" Error,
    ReplicationUnmet "replication-unmet" Error,
    PartitionsMissing "partitions-missing" Error,
    PlacementLost "placement-lost" Error,
    FieldMissing "field-missing" Warning,
    LookupStray "lookup-stray" Warning,
    EntryDuplicate "entry-duplicate" Warning,
    PartitionCount "partition-count" Warning,
    KeyRangeGap "key-range-gap" Warning,
    ReplicaMissing "replica-missing" Warning,
    AffinityMissing "affinity-missing" Warning,
    LeadershipFrozen "leadership-frozen" Warning,
    PlacementFrozen "placement-frozen" Warning,
    EpochAbsent "epoch-absent" Warning,
    EpochStray "epoch-stray" Warning,
    SubscriptionStray "subscription-stray" Warning,
    KeyUnknown "key-unknown" Warning,
}

impl FindingClass {
    /// Returns the class with that name.
    pub fn parse(name: &str) -> Option<FindingClass> {
        FindingClass::ALL.iter().copied().find(|class| class.name() == name)
    }

    /// Returns whether a value alone shows it, before any of its content is read: `migrate` has the check
    /// `values` for these, and `consistency` for the others.
    pub fn is_about_bytes(self) -> bool {
        self <= FindingClass::VersionMisaligned
    }
}

/// A finding about the metadata of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataFinding {
    /// The key that it is about; of several, the first.
    pub key: Key,
    /// What it is.
    pub class: FindingClass,
    /// The JSON pointer of the place in the decoded value; empty for all of it.
    pub path: String,
    /// The fault, to be read after key and place. It never holds a value that may be a secret.
    pub message: String,
}

impl MetadataFinding {
    /// Creates a finding about a whole value.
    pub fn of_value(key: Key, class: FindingClass, message: impl Into<String>) -> Self {
        MetadataFinding { key, class, path: String::new(), message: message.into() }
    }

    /// Returns how grave it is.
    pub fn level(&self) -> FindingLevel {
        self.class.level()
    }

    /// Describes it without its key, if it is about this one.
    pub fn describe_beside(&self, key: &Key) -> String {
        if self.key != *key {
            return self.to_string();
        }
        format!("{} {}", self.path, self.message)
    }

    /// Returns whether it is an error.
    pub fn is_error(&self) -> bool {
        self.level() == FindingLevel::Error
    }
}

impl fmt::Display for MetadataFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.path.is_empty() { "" } else { " " };
        write!(f, "{}{gap}{} {}", self.key, self.path, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_by_name_and_errors_come_first() {
        for class in FindingClass::ALL {
            assert_eq!(FindingClass::parse(class.name()), Some(*class));
        }
        assert_eq!(FindingClass::parse("unheard-of"), None);
        assert!(FindingClass::ALL.is_sorted_by_key(|class| class.level()));
        assert!(FindingClass::EntryDamaged.is_about_bytes());
        assert!(!FindingClass::KeyMissing.is_about_bytes());
    }
}

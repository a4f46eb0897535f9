//! The value of a key: version, bytes, and the token for a conditional write on them.

use std::collections::BTreeMap;
use std::fmt;

use prost::bytes::Bytes;

use super::digest::sha256_hex;
use super::key::Key;

/// The version that a store keeps beside a value. Restate's smallest is 1; 0 means "invalid".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The value of one key. The bytes are opaque to a copy and arrive unchanged.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The version beside the bytes.
    pub version: Version,
    /// The stored bytes, the codec's first byte included.
    pub bytes: Bytes,
}

impl Value {
    /// Returns the SHA-256 over the stored bytes, in lower-case hex.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.bytes)
    }
}

impl fmt::Debug for Value {
    // Values can hold credentials, such as the headers of a deployment: never their bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(version {}, {} bytes)", self.version, self.bytes.len())
    }
}

/// A token by which a store recognises the state that it was read in, so that a conditional write
/// can require it. Only the backend that made a token interprets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasToken {
    /// The version itself: the replicated store compares nothing else.
    Version(Version),
    /// etcd's modification revisions of the value's key and of its version key; 0 where absent.
    Revisions {
        /// The revision of `<key>`.
        value: i64,
        /// The revision of `<key>::version`.
        version: i64,
    },
    /// An object's ETag.
    ETag(String),
    /// The content of an item of DynamoDB, which has nothing that changes with every write. It is boxed, so that the
    /// tokens of other stores, of which there may be tens of thousands, are small.
    Item(Box<ItemContent>),
}

/// What Restate writes of an item of DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemContent {
    /// The attribute `version`; `None` where there is none.
    pub version: Option<Attribute>,
    /// The attribute `data`.
    pub data: Option<Attribute>,
}

impl CasToken {
    /// Returns the number of bytes that a request needs to carry the token.
    pub fn size(&self) -> usize {
        match self {
            CasToken::Item(content) => {
                let ItemContent { version, data } = &**content;
                [version, data].into_iter().flatten().map(Attribute::size).sum()
            }
            CasToken::Version(_) | CasToken::Revisions { .. } | CasToken::ETag(_) => 0,
        }
    }
}

/// The value of one attribute of an item.
#[derive(Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A number, as text.
    Number(String),
    /// Bytes.
    Binary(Bytes),
    /// Any other type, as the JSON that DynamoDB's protocol has for it.
    Json(String),
}

impl Attribute {
    fn size(&self) -> usize {
        match self {
            Attribute::Number(text) | Attribute::Json(text) => text.len(),
            Attribute::Binary(bytes) => bytes.len(),
        }
    }
}

impl fmt::Debug for Attribute {
    // As with a value: never its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Number(text) => write!(f, "Number({text})"),
            Attribute::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Attribute::Json(text) => write!(f, "Json({} bytes)", text.len()),
        }
    }
}

/// The answer of a store for one key that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A version and its bytes.
    Intact(Value, CasToken),
    /// Something is there, and it is not what Restate writes.
    Damaged {
        /// The fault, to be read after the key's name.
        reason: String,
        /// The stored parts, by the names that the store gives them.
        raw: Vec<(String, Bytes)>,
        /// The token that replacing it requires.
        tag: CasToken,
    },
}

impl Entry {
    /// Returns the value, if it is intact.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Entry::Intact(value, _) => Some(value),
            Entry::Damaged { .. } => None,
        }
    }

    /// Returns whether there is an object that was not read, since it is too large, so that it can't be saved. An
    /// item without attributes has nothing to save.
    pub fn is_unread(&self) -> bool {
        match self {
            Entry::Damaged { raw, tag: CasToken::ETag(_), .. } => raw.is_empty(),
            _ => false,
        }
    }

    /// Returns the number of stored bytes.
    pub fn size(&self) -> u64 {
        match self {
            Entry::Intact(value, _) => value.bytes.len() as u64,
            Entry::Damaged { raw, .. } => raw.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        }
    }

    /// Returns the token that a conditional write on this entry requires.
    pub fn tag(&self) -> &CasToken {
        match self {
            Entry::Intact(_, tag) | Entry::Damaged { tag, .. } => tag,
        }
    }
}

/// All of a store's keys at one time.
pub type Snapshot = BTreeMap<Key, Entry>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_bytes() {
        let value =
            Value { version: Version(3), bytes: Bytes::from_static(b"authorization: secret") };
        assert_eq!(format!("{value:?}"), "Value(version 3, 21 bytes)");
    }
}

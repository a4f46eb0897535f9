//! The codec of a value, which its first byte names, and the reasons why a value is damaged.

use thiserror::Error;

use crate::model::Key;

/// The codec of a value, named by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 1: a protobuf message.
    Protobuf,
    /// 2: a u32 little-endian length, then one flexbuffer.
    Flexbuffers,
    /// 3: a u32 little-endian length, then bytes.
    Raw,
    /// 5: JSON text.
    Json,
    /// 6: a bilrost message.
    Bilrost,
    /// 7: unknown to all but its writer.
    Custom,
}

impl Encoding {
    /// Returns the name in tables and JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Protobuf => "protobuf",
            Encoding::Flexbuffers => "flexbuffers",
            Encoding::Raw => "raw",
            Encoding::Json => "json",
            Encoding::Bilrost => "bilrost",
            Encoding::Custom => "custom",
        }
    }

    /// Returns the codecs that servers read in this key, the one that they write first.
    ///
    /// A `rule_book` in another one panics each worker at every start (seen with 1.7.12). Of a key that
    /// is not Restate's nothing is known, so that none is forbidden.
    pub fn allowed_for(key: &Key) -> &'static [Encoding] {
        match key {
            Key::RuleBook => &[Encoding::Bilrost],
            Key::Unknown(_) => &[
                Encoding::Flexbuffers,
                Encoding::Json,
                Encoding::Protobuf,
                Encoding::Raw,
                Encoding::Bilrost,
                Encoding::Custom,
            ],
            _ => &[Encoding::Flexbuffers, Encoding::Json],
        }
    }

    /// Returns the codec for an edited value: the stored one if the key may have it, otherwise the one
    /// that servers write.
    pub fn for_edit(key: &Key, stored: Option<Encoding>) -> Encoding {
        let allowed = Encoding::allowed_for(key);
        let kept = stored.filter(|stored| allowed.contains(stored));
        kept.or(allowed.first().copied()).unwrap_or(Encoding::Flexbuffers)
    }

    fn of_first_byte(byte: u8) -> Option<Encoding> {
        match byte {
            1 => Some(Encoding::Protobuf),
            2 => Some(Encoding::Flexbuffers),
            3 => Some(Encoding::Raw),
            5 => Some(Encoding::Json),
            6 => Some(Encoding::Bilrost),
            7 => Some(Encoding::Custom),
            _ => None,
        }
    }
}

/// Why a value is not what Restate would have written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// No bytes at all.
    #[error("holds no bytes")]
    Empty,
    /// A first byte that no codec has.
    #[error("begins with byte {0}, a codec that no tested server knows")]
    UnknownCodec(u8),
    /// A codec that the servers know, but do not read in this key.
    #[error("is encoded as {found}, but servers read this key as {allowed} only")]
    ForeignCodec {
        /// The codec's name.
        found: &'static str,
        /// The names of those that the key may have.
        allowed: String,
    },
    /// The length in front of the payload is not the payload's.
    #[error("has a length of {said} bytes, but {found} follow")]
    Length {
        /// The length prefix.
        said: u64,
        /// The number of bytes that follow it.
        found: u64,
    },
    /// The payload is damaged.
    #[error("does not decode as {codec}: {reason}")]
    Payload {
        /// The codec's name.
        codec: &'static str,
        /// The fault, with the byte where it is known.
        reason: String,
    },
    /// A codec that this program can't decode.
    #[error("is encoded as {0}, which this program can't decode")]
    Undecodable(&'static str),
    /// A document that this codec has no form for.
    #[error("can't be encoded as {codec}: {reason}")]
    NotEncodable {
        /// The codec's name.
        codec: &'static str,
        /// The fault of the document.
        reason: String,
    },
    /// Decoded, it is less than what is stored.
    #[error("{0}")]
    Lossy(String),
    /// The version inside is not the one beside it: a server that reads such a pair shuts down.
    #[error("is stored at version {stored}, but embeds version {inner}")]
    VersionMismatch {
        /// Beside the bytes.
        stored: u32,
        /// Inside of them.
        inner: String,
    },
    /// There is none inside.
    #[error("is stored at version {stored}, but embeds no version")]
    NoVersion {
        /// Beside the bytes.
        stored: u32,
    },
    /// The stored version is 0.
    #[error("is stored at version 0, which is invalid")]
    InvalidVersion,
}

/// Returns the codec of these bytes.
///
/// # Errors
/// [`CodecError::Empty`] and [`CodecError::UnknownCodec`].
pub fn encoding(bytes: &[u8]) -> Result<Encoding, CodecError> {
    let first = *bytes.first().ok_or(CodecError::Empty)?;
    Encoding::of_first_byte(first).ok_or(CodecError::UnknownCodec(first))
}

/// Checks that the key may have the codec of these bytes.
///
/// # Errors
/// [`CodecError::ForeignCodec`]; as [`encoding`].
pub(super) fn check_codec(key: &Key, bytes: &[u8]) -> Result<(), CodecError> {
    let (found, allowed) = (encoding(bytes)?, Encoding::allowed_for(key));
    if allowed.contains(&found) {
        return Ok(());
    }
    let allowed: Vec<_> = allowed.iter().map(|codec| codec.name()).collect();
    Err(CodecError::ForeignCodec { found: found.name(), allowed: allowed.join(" or ") })
}

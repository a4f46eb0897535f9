//! Stored bytes in, JSON out, and back for edited values; and the checks that keep a damaged value from
//! being copied and a broken document from being written.
//!
//! The first byte of a value names its codec; see `docs/stored-formats.md`. Nothing here panics or
//! allocates beyond a constant factor of its input, whatever the bytes are.

mod encode;
mod facts;
mod flexbuffer;
mod rule_book;
mod shape;

use base64::Engine as _;
use serde_json::{Map, Value as Json, json};
use thiserror::Error;

pub use encode::{encode, is_editable};
pub use facts::{
    Node, NodesConfiguration, cluster_of, nodes_configuration, nodes_in, nodes_of, partition_ids,
};
pub use shape::check_shape;

use crate::model::{Key, Value};

/// How a value is encoded: what its first byte says.
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
    /// The name in tables and JSON documents.
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
    #[error("begins with byte {0}, which names no codec")]
    UnknownCodec(u8),
    /// The length in front of the payload is not the payload's.
    #[error("says that {said} bytes follow, but {found} do")]
    Length {
        /// The length prefix.
        said: u64,
        /// What follows it.
        found: u64,
    },
    /// The payload is damaged.
    #[error("does not decode as {codec}: {reason}")]
    Payload {
        /// The codec's name.
        codec: &'static str,
        /// What is wrong, and where it is known, at which byte.
        reason: String,
    },
    /// This program can't look into that codec.
    #[error("is encoded as {0}, which this program can't decode")]
    Undecodable(&'static str),
    /// A document that this codec has no form for.
    #[error("can't be encoded as {codec}: {reason}")]
    NotEncodable {
        /// The codec's name.
        codec: &'static str,
        /// What is wrong with the document.
        reason: String,
    },
    /// Decoded, it is less than what is stored.
    #[error("{0}")]
    Lossy(String),
    /// The version inside is not the one beside it: a server that reads such a pair shuts down.
    #[error("is stored at version {stored} but says inside that it is version {inner}")]
    VersionMismatch {
        /// Beside the bytes.
        stored: u32,
        /// Inside of them.
        inner: String,
    },
    /// There is none inside.
    #[error("is stored at version {stored} but says no version inside")]
    NoVersion {
        /// Beside the bytes.
        stored: u32,
    },
    /// The stored version is 0.
    #[error("is stored at version 0, which Restate takes for invalid")]
    InvalidVersion,
}

/// The codec of these bytes.
///
/// # Errors
/// [`CodecError::Empty`] and [`CodecError::UnknownCodec`].
pub fn encoding(bytes: &[u8]) -> Result<Encoding, CodecError> {
    let first = *bytes.first().ok_or(CodecError::Empty)?;
    Encoding::of_first_byte(first).ok_or(CodecError::UnknownCodec(first))
}

/// The value as JSON, its object's `version` first as the official tool prints it.
///
/// # Errors
/// Every [`CodecError`] but those about versions, which only [`check`] compares.
pub fn decode(key: &Key, bytes: &[u8]) -> Result<Json, CodecError> {
    decode_with(key, bytes, flexbuffer::to_json).map(version_first)
}

/// The ids in a `partition_table`, without unfolding all that it says of each.
///
/// # Errors
/// As [`decode`]'s, or what is missing, in words.
pub fn partition_ids_in(table: &[u8]) -> Result<Vec<u16>, String> {
    // The list stands at depth 1, its pairs at 2, the ids at 3.
    let to_ids = |buffer: &[u8]| flexbuffer::to_depth(buffer, 3);
    let decoded = decode_with(&Key::PartitionTable, table, to_ids);
    facts::partition_ids(&decoded.map_err(|error| error.to_string())?)
}

fn decode_with(
    key: &Key,
    bytes: &[u8],
    flexbuffer: impl Fn(&[u8]) -> Result<Json, String>,
) -> Result<Json, CodecError> {
    let encoding = encoding(bytes)?;
    let payload = bytes.get(1..).unwrap_or_default();
    Ok(match encoding {
        Encoding::Flexbuffers => flexbuffer(counted(payload)?)
            .map_err(|reason| CodecError::Payload { codec: encoding.name(), reason })?,
        Encoding::Json => serde_json::from_slice(payload).map_err(|error| CodecError::Payload {
            codec: encoding.name(),
            reason: error.to_string(),
        })?,
        Encoding::Bilrost if *key == Key::RuleBook => rule_book::to_json(payload)
            .map_err(|reason| CodecError::Payload { codec: encoding.name(), reason })?,
        other => return Err(CodecError::Undecodable(other.name())),
    })
}

/// The value as JSON, or, where its codec can't be looked into, its name, size and base64.
///
/// # Errors
/// As [`decode`], but never [`CodecError::Undecodable`].
pub fn describe(key: &Key, value: &Value) -> Result<Json, CodecError> {
    match decode(key, &value.bytes) {
        Err(CodecError::Undecodable(codec)) => Ok(json!({
            "version": value.version.0,
            "encoding": codec,
            "bytes": value.bytes.len(),
            "base64": base64::engine::general_purpose::STANDARD.encode(&value.bytes),
        })),
        decoded => decoded,
    }
}

/// Whether a server could read the value: known codec, decodes, and says inside the version that
/// the store says beside it.
///
/// # Errors
/// Any [`CodecError`]: the first that holds.
pub fn check(key: &Key, value: &Value) -> Result<(), CodecError> {
    let decoded = decode_with(key, &value.bytes, |buffer| flexbuffer::to_depth(buffer, 1))?;
    if value.version.0 == 0 {
        return Err(CodecError::InvalidVersion);
    }
    let inner = decoded.get("version");
    if inner.and_then(Json::as_u64) == Some(u64::from(value.version.0)) {
        return Ok(());
    }
    let stored = value.version.0;
    Err(match inner {
        Some(inner) => CodecError::VersionMismatch { stored, inner: inner.to_string() },
        None => CodecError::NoVersion { stored },
    })
}

/// The payload behind a u32 little-endian length, which must be exactly that long.
fn counted(payload: &[u8]) -> Result<&[u8], CodecError> {
    let (prefix, rest) = payload
        .split_first_chunk::<4>()
        .ok_or(CodecError::Length { said: 4, found: payload.len() as u64 })?;
    let said = u64::from(u32::from_le_bytes(*prefix));
    let found = rest.len() as u64;
    if said == found { Ok(rest) } else { Err(CodecError::Length { said, found }) }
}

fn version_first(decoded: Json) -> Json {
    match decoded {
        Json::Object(mut fields) => match fields.shift_remove("version") {
            Some(version) => {
                let mut ordered = Map::with_capacity(fields.len() + 1);
                ordered.insert("version".to_owned(), version);
                ordered.extend(fields);
                Json::Object(ordered)
            }
            None => Json::Object(fields),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests;

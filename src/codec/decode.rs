//! Stored bytes to JSON, and the check that a server could read a value.

use base64::Engine as _;
use serde_json::{Map, Value as Json, json};

use super::encoding::{CodecError, Encoding, check_codec, encoding};
use super::tree::Tree;
use super::{flexbuffer, rule_book};
use crate::model::{Key, Value};

/// Decodes the value to JSON, its object's `version` first as the official tool prints it.
///
/// # Errors
/// Every [`CodecError`] but those about versions, which only [`check`] compares.
pub fn decode(key: &Key, bytes: &[u8]) -> Result<Json, CodecError> {
    decode_with(key, bytes, flexbuffer::to_tree).map(Tree::into_json).map(version_first)
}

pub(super) fn decode_with<'a>(
    key: &Key,
    bytes: &'a [u8],
    flexbuffer: impl Fn(&'a [u8]) -> Result<Tree<'a>, String>,
) -> Result<Tree<'a>, CodecError> {
    let encoding = encoding(bytes)?;
    let payload = bytes.get(1..).unwrap_or_default();
    Ok(match encoding {
        Encoding::Flexbuffers => flexbuffer(strip_length(payload)?)
            .map_err(|reason| CodecError::Payload { codec: encoding.name(), reason })?,
        Encoding::Json => serde_json::from_slice::<Json>(payload)
            .map_err(|error| CodecError::Payload {
                codec: encoding.name(),
                reason: error.to_string(),
            })?
            .into(),
        Encoding::Bilrost if *key == Key::RuleBook => rule_book::to_json(payload)
            .map_err(|reason| CodecError::Payload { codec: encoding.name(), reason })?
            .into(),
        other => return Err(CodecError::Undecodable(other.name())),
    })
}

/// Decodes the value to JSON; a codec that can't be decoded gives its name, size and base64.
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

/// Checks that a server could read the value: a codec that the key may have, decodes, and embedded and
/// stored versions match.
///
/// # Errors
/// Any [`CodecError`]: the first that holds.
pub fn check(key: &Key, value: &Value) -> Result<(), CodecError> {
    check_codec(key, &value.bytes)?;
    let decoded = decode_with(key, &value.bytes, |buffer| flexbuffer::to_depth(buffer, 1))?;
    check_version(key, value, &decoded)
}

/// Decodes the value as [`decode`] does, and checks it as [`check`] does, in one pass. The fields are in the order in
/// which they are stored.
pub fn decode_and_check<'a>(
    key: &Key,
    value: &'a Value,
) -> (Option<Tree<'a>>, Result<(), CodecError>) {
    let codec = check_codec(key, &value.bytes);
    match decode_with(key, &value.bytes, flexbuffer::to_tree) {
        Ok(decoded) => {
            let checked = codec.and_then(|()| check_version(key, value, &decoded));
            (Some(decoded), checked)
        }
        Err(error) => (None, codec.and(Err(error))),
    }
}

/// Checks that the embedded version is the stored one.
fn check_version(key: &Key, value: &Value, decoded: &Tree<'_>) -> Result<(), CodecError> {
    // A server stores a rule book of version 0 if rules are deleted before the first was set.
    if value.version.0 == 0 && *key != Key::RuleBook {
        return Err(CodecError::InvalidVersion);
    }
    let inner = decoded.get("version");
    if inner.and_then(Tree::as_u64) == Some(u64::from(value.version.0)) {
        return Ok(());
    }
    let stored = value.version.0;
    Err(match inner {
        Some(inner) => {
            let inner = inner.clone().into_json().to_string();
            CodecError::VersionMismatch { stored, inner }
        }
        None => CodecError::NoVersion { stored },
    })
}

/// Returns the payload behind a u32 little-endian length, which must be exactly that long.
pub(super) fn strip_length(payload: &[u8]) -> Result<&[u8], CodecError> {
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

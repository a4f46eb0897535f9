//! Encodes edited values: the reverse of [`super::decode`].
//!
//! Flexbuffers are written with the crate that the servers use, whose bytes they read. Of all JSON
//! documents it panics only on the name of a field with a zero byte in it, and on nesting that exhausts
//! the stack: both are refused before.

use prost::bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::decode::{decode, strip_length};
use super::encoding::{CodecError, Encoding, encoding};
use super::{flexbuffer, rule_book};
use crate::model::{Key, Version};

/// Encodes the document with this version inside, in place of one that the document has.
///
/// Decoded, the bytes give the same document.
///
/// # Errors
/// [`CodecError::NotEncodable`] for a document that is no object, or that the codec has no form for;
/// [`CodecError::Undecodable`] for a codec that this program does not write.
pub fn encode(
    key: &Key,
    encoding: Encoding,
    document: &Json,
    version: Version,
) -> Result<Bytes, CodecError> {
    let refused = |reason| CodecError::NotEncodable { codec: encoding.name(), reason };
    is_plain(document, 0).map_err(refused)?;
    let Json::Object(fields) = document else {
        return Err(refused("it is not an object".to_owned()));
    };
    let document = with_version(fields, version);
    let (first, payload) = match encoding {
        Encoding::Flexbuffers => (2, flexbuffers_of(&document).map_err(refused)?),
        Encoding::Json => (5, document.to_string().into_bytes()),
        Encoding::Bilrost if *key == Key::RuleBook => {
            (6, rule_book::from_json(&document).map_err(refused)?)
        }
        other => return Err(CodecError::Undecodable(other.name())),
    };
    let bytes = Bytes::from([&[first], payload.as_slice()].concat());
    match decode(key, &bytes)? == without_loss(key, document) {
        true => Ok(bytes),
        false => Err(refused("it does not read back as what it is".to_owned())),
    }
}

/// Checks that a stored value can be encoded again from its decoded form, so that an edit changes
/// nothing else.
///
/// # Errors
/// [`CodecError::Lossy`]; any error of [`decode`].
pub fn is_editable(key: &Key, bytes: &[u8]) -> Result<(), CodecError> {
    decode(key, bytes)?;
    let payload = bytes.get(1..).unwrap_or_default();
    let whole = match encoding(bytes)? {
        Encoding::Flexbuffers => flexbuffer::is_whole_in_json(strip_length(payload)?),
        Encoding::Bilrost => rule_book::is_whole_in_json(payload),
        _ => Ok(()),
    };
    whole.map_err(CodecError::Lossy)
}

/// Orders the fields: the version first, the others by name, as stored maps are sorted.
///
/// Equal documents give equal bytes.
fn with_version(fields: &Map<String, Json>, version: Version) -> Json {
    let mut ordered = Map::with_capacity(fields.len() + 1);
    ordered.insert("version".to_owned(), version.0.into());
    let others = fields.iter().filter(|(name, _)| *name != "version");
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|(name, _)| *name);
    ordered.extend(others.into_iter().map(|(name, value)| (name.clone(), sort_fields(value))));
    Json::Object(ordered)
}

fn sort_fields(value: &Json) -> Json {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

/// Restores what a rule book's document may leave out because it has a default.
fn without_loss(key: &Key, document: Json) -> Json {
    match key {
        Key::RuleBook => rule_book::complete_document(&document).unwrap_or(document),
        _ => document,
    }
}

/// Checks that the codecs can hold the document, and that none of them panics on it.
fn is_plain(value: &Json, depth: usize) -> Result<(), String> {
    if depth > flexbuffer::MAX_DEPTH {
        return Err(format!("it is nested deeper than {}", flexbuffer::MAX_DEPTH));
    }
    match value {
        Json::Array(elements) => {
            elements.iter().try_for_each(|element| is_plain(element, depth + 1))
        }
        Json::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if name.contains('\0') {
                return Err(format!("the name {name:?} has a zero byte in it"));
            }
            is_plain(value, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// Encodes a length and one flexbuffer.
fn flexbuffers_of(document: &Json) -> Result<Vec<u8>, String> {
    let buffer = flexbuffers::to_vec(document).map_err(|error| error.to_string())?;
    let length = u32::try_from(buffer.len()).map_err(|_| "it has more than 4 GiB".to_owned())?;
    Ok([length.to_le_bytes().as_slice(), &buffer].concat())
}

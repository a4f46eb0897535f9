//! The format of an object's body: one header byte, then a salted version and bytes.
//!
//! `e` and a payload for a value, a lone `d` for a key that was deleted. The payload's form is named
//! by the object's Content-Encoding; see `docs/stored-formats.md`.

use bilrost::{Message, OwnedMessage};
use ciborium::value::Value as Cbor;
use prost::bytes::{BufMut, Bytes, BytesMut};

/// The Content-Encoding of what is written since 1.6, and by this program.
pub(super) const BILROST: &str = "binary/bilrost+v1";
/// The Content-Encoding of what was written before; often there is none at all.
const CBOR: &str = "binary/cbor";

/// The fault of an object that was copied by a tool that leaves the headers behind.
const LOST_ENCODING: &str = "lacks its header Content-Encoding, without which Restate can't read it; copy the bucket again \
                             with its headers, or set binary/bilrost+v1 on each object";

const EXISTS: u8 = b'e';
/// The whole of a tombstone.
pub(super) const TOMBSTONE: &[u8] = b"d";

/// The least bytes of a value's body: the header byte, and a version of at least 1 in two messages.
pub(super) const MIN_VALUE_BODY: usize = 5;

/// The content of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Value {
        /// Random for every write, so that a writer knows its own.
        salt: u64,
        version: u32,
        bytes: Bytes,
    },
    /// The key was deleted; it reads as absent.
    Tombstone,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Salted {
    #[bilrost(1)]
    salt: u64,
    #[bilrost(2)]
    value: Versioned,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Versioned {
    #[bilrost(1)]
    version: u32,
    #[bilrost(2)]
    bytes: Bytes,
}

/// Encodes the body of a value, to be stored with [`BILROST`].
pub(super) fn encode_body(salt: u64, version: u32, bytes: &Bytes) -> Bytes {
    let salted = Salted { salt, value: Versioned { version, bytes: bytes.clone() } };
    let mut body = BytesMut::with_capacity(1 + salted.encoded_len());
    body.put_u8(EXISTS);
    // All that can fail is the room, and a growing buffer has it.
    let _ = salted.encode(&mut body);
    body.freeze()
}

/// Returns whether an object with this first byte and Content-Encoding may be Restate's.
pub(super) fn may_be_ours(first: Option<u8>, encoding: Option<&str>) -> bool {
    first == Some(EXISTS) && matches!(encoding, None | Some("" | BILROST | CBOR))
}

/// Reads a body.
///
/// # Errors
/// What is wrong, to be read after the key's name.
pub(super) fn decode_body(body: &Bytes, encoding: Option<&str>) -> Result<Body, String> {
    match body.first() {
        None => Err("is an object without a body".to_owned()),
        Some(b'd') if body.as_ref() == TOMBSTONE => Ok(Body::Tombstone),
        Some(b'd') => Err(format!("is a tombstone of {} bytes instead of 1", body.len())),
        Some(&EXISTS) => decode_payload(body.slice(1..), encoding),
        Some(other) => {
            Err(format!("begins with byte {other}, which is not one of Restate's headers"))
        }
    }
}

fn decode_payload(payload: Bytes, encoding: Option<&str>) -> Result<Body, String> {
    match encoding.unwrap_or_default() {
        BILROST => {
            let salted = Salted::decode(payload)
                .map_err(|error| format!("does not decode as {BILROST}: {error}"))?;
            let Versioned { version, bytes } = salted.value;
            Ok(Body::Value { salt: salted.salt, version, bytes })
        }
        "" => decode_cbor(&payload).ok_or_else(|| match Salted::decode(payload) {
            Ok(_) => LOST_ENCODING.to_owned(),
            Err(_) => format!("has no Content-Encoding and does not decode as {CBOR}"),
        }),
        CBOR => decode_cbor(&payload).ok_or_else(|| format!("does not decode as {CBOR}")),
        other => Err(format!(
            "has the Content-Encoding {other:?}, where Restate writes {BILROST}; check whether a gateway or \
             a copy of the bucket changed it"
        )),
    }
}

/// Decodes `{"version": "V1", "value": [{"version": u32, "value": bytes}, salt]}`.
fn decode_cbor(payload: &[u8]) -> Option<Body> {
    let mut rest = payload;
    let document: Cbor = ciborium::from_reader(&mut rest).ok()?;
    if !rest.is_empty() || field(&document, "version")?.as_text()? != "V1" {
        return None;
    }
    let [value, salt] = field(&document, "value")?.as_array()?.as_slice() else { return None };
    Some(Body::Value {
        salt: salt.as_integer()?.try_into().ok()?,
        version: field(value, "version")?.as_integer()?.try_into().ok()?,
        bytes: byte_string(field(value, "value")?)?.into(),
    })
}

fn field<'a>(map: &'a Cbor, name: &str) -> Option<&'a Cbor> {
    let (_, value) = map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name))?;
    Some(value)
}

/// Reads bytes, which serde writes as a byte string or as a list of numbers.
fn byte_string(value: &Cbor) -> Option<Vec<u8>> {
    match value {
        Cbor::Bytes(bytes) => Some(bytes.clone()),
        Cbor::Array(items) => {
            items.iter().map(|item| u8::try_from(item.as_integer()?).ok()).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn cbor_body(salt: u64, version: u32, bytes: &[u8]) -> Bytes {
        let text = |text: &str| Cbor::Text(text.to_owned());
        let value = Cbor::Map(vec![
            (text("version"), version.into()),
            (text("value"), Cbor::Bytes(bytes.to_vec())),
        ]);
        let document = Cbor::Map(vec![
            (text("version"), text("V1")),
            (text("value"), Cbor::Array(vec![value, salt.into()])),
        ]);
        let mut body = vec![EXISTS];
        ciborium::into_writer(&document, &mut body).unwrap();
        body.into()
    }

    #[test]
    fn body_of_a_server_is_decoded() {
        // The head of a nodes_config that Restate 1.7.12 wrote, its value cut to two bytes.
        let body = b"\x65\x04\xa3\xbb\xc5\xa2\x9f\x99\xa1\x9d\x52\x05\x06\x04\x04\x05\x02\x02\x7a";
        let decoded = decode_body(&Bytes::from_static(body), Some(BILROST)).unwrap();
        let Body::Value { version, bytes, salt } = decoded else { panic!("no value") };
        assert_eq!((version, bytes.as_ref()), (4, &b"\x02\x7a"[..]));
        assert_eq!(encode_body(salt, version, &bytes).as_ref(), body);
    }

    #[test]
    fn damaged_body_has_its_own_error() {
        let told = |body: &'static [u8], encoding: Option<&str>| {
            decode_body(&Bytes::from_static(body), encoding)
                .map_or_else(|reason| reason, |b| format!("{b:?}"))
        };
        insta::assert_snapshot!(
            [
                told(b"", None),
                told(b"d", None),
                told(b"dd", None),
                told(b"x", None),
                told(b"e", Some("gzip")),
                told(b"e\xff", Some(BILROST)),
                told(b"e\xff", None),
                told(b"e\xa0", Some(CBOR)),
            ]
            .join("\n")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..Default::default() })]

        #[test]
        fn both_forms_round_trip(salt: u64, version: u32, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let expected = Body::Value { salt, version, bytes: bytes.clone().into() };
            let bilrost = encode_body(salt, version, &bytes.clone().into());
            prop_assert_eq!(decode_body(&bilrost, Some(BILROST)), Ok(expected.clone()));
            let cbor = cbor_body(salt, version, &bytes);
            prop_assert_eq!(decode_body(&cbor, Some(CBOR)), Ok(expected.clone()));
            prop_assert_eq!(decode_body(&cbor, None), Ok(expected));
        }
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_body(body in prop::collection::vec(any::<u8>(), 0..300)) {
            crate::fuzz::decode_object(&[b"e", body.as_slice()].concat());
        }
    }
}

//! The format of an object's body: one header byte, then a salted version and bytes.
//!
//! `e` and a payload for a value, a lone `d` for a key that was deleted. The payload's form is named
//! by the object's Content-Encoding; see `docs/stored-formats.md`.

use std::fmt;

use bilrost::{Message, OwnedMessage};
use prost::bytes::{BufMut, Bytes, BytesMut};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

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

/// The document of an old value: `{"version": "V1", "value": [{"version": u32, "value": bytes}, salt]}`.
#[derive(serde::Deserialize)]
struct CborDocument {
    version: String,
    value: (CborValue, u64),
}

#[derive(serde::Deserialize)]
struct CborValue {
    version: u32,
    value: CborBytes,
}

/// Bytes, which serde writes as a byte string or as a list of numbers.
struct CborBytes(Vec<u8>);

impl<'de> Deserialize<'de> for CborBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(CborBytesVisitor)
    }
}

/// Takes each number as the byte that it is: a list of them as any values would take 32 times the memory.
struct CborBytesVisitor;

impl<'de> Visitor<'de> for CborBytesVisitor {
    type Value = CborBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string or a list of bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<CborBytes, E> {
        Ok(CborBytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<CborBytes, E> {
        Ok(CborBytes(bytes))
    }

    // The length that the list claims is no reason to take memory.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<CborBytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(CborBytes(bytes))
    }
}

fn decode_cbor(payload: &[u8]) -> Option<Body> {
    let mut rest = payload;
    let document: CborDocument = ciborium::from_reader(&mut rest).ok()?;
    if !rest.is_empty() || document.version != "V1" {
        return None;
    }
    let (CborValue { version, value }, salt) = document.value;
    Some(Body::Value { salt, version, bytes: value.0.into() })
}

#[cfg(test)]
mod tests {
    use ciborium::value::Value as Cbor;
    use proptest::prelude::*;

    use super::*;

    fn cbor_body(salt: u64, version: u32, bytes: Cbor) -> Bytes {
        let text = |text: &str| Cbor::Text(text.to_owned());
        let value = Cbor::Map(vec![(text("version"), version.into()), (text("value"), bytes)]);
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
            let list = Cbor::Array(bytes.iter().map(|byte| (*byte).into()).collect());
            for form in [Cbor::Bytes(bytes), list] {
                let cbor = cbor_body(salt, version, form);
                prop_assert_eq!(decode_body(&cbor, Some(CBOR)), Ok(expected.clone()));
                prop_assert_eq!(decode_body(&cbor, None), Ok(expected.clone()));
            }
        }
    }

    #[test]
    fn old_value_is_of_bytes_only_however_long() {
        let list = |number: i32| Cbor::Array(vec![number.into()]);
        for (value, is_accepted) in [
            (Cbor::Bytes(vec![7; 100_000]), true),
            (list(255), true),
            (list(256), false),
            (list(-1), false),
            (Cbor::Text("text".to_owned()), false),
            (Cbor::Null, false),
        ] {
            let decoded = decode_body(&cbor_body(1, 2, value.clone()), Some(CBOR));
            assert_eq!(decoded.is_ok(), is_accepted, "{decoded:?}");
        }
        // A list that claims to be longer than memory, and ends.
        let cut = b"e\xa2\x67version\x62V1\x65value\x82\xa2\x67version\x01\x65value\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\x01";
        assert!(decode_body(&Bytes::from_static(cut), Some(CBOR)).is_err());
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_body(body in prop::collection::vec(any::<u8>(), 0..300)) {
            crate::fuzz::decode_object(&[b"e", body.as_slice()].concat());
        }
    }
}

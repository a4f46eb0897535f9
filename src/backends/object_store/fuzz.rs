//! Any bytes as the body of an object. Fuzz tests and coverage-guided fuzzing call this.

use prost::bytes::Bytes;

use super::body::{BILROST, decode_body};

/// Decodes a body of either encoding.
pub fn decode_object(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let _ = (decode_body(&body, Some(BILROST)), decode_body(&body, None));
}

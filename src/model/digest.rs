//! SHA-256 as text.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 over the bytes, in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

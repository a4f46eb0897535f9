//! SHA-256 as text, of bytes at hand or of a stream.

use std::fmt::Write as _;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 over the bytes, in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    format_hex(&Sha256::digest(bytes))
}

fn format_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Passes on what is written, and keeps the number of bytes and their digest.
pub(crate) struct DigestWriter<'a> {
    out: &'a mut dyn Write,
    digest: Sha256,
    bytes: u64,
}

impl<'a> DigestWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> DigestWriter<'a> {
        DigestWriter { out, digest: Sha256::new(), bytes: 0 }
    }

    /// Returns the number of bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the SHA-256 over the bytes so far, in lower-case hex.
    pub(crate) fn sha256(&self) -> String {
        format_hex(&self.digest.clone().finalize())
    }
}

impl Write for DigestWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_has_the_digest_and_the_length_of_its_bytes() {
        let mut written = Vec::new();
        let mut out = DigestWriter::new(&mut written);
        out.write_all(b"one").unwrap();
        assert_eq!(out.sha256(), sha256_hex(b"one"));
        out.write_all(b"two").unwrap();
        assert_eq!((out.bytes(), out.sha256()), (6, sha256_hex(b"onetwo")));
        assert_eq!(written, b"onetwo");
    }
}

//! Decompression with a bound: nothing grows beyond what is asked for.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

use super::limits::LARGEST_CONTENT;

/// The numbers by which RocksDB names the ways to compress.
const NONE: u8 = 0;
const LZ4: u8 = 4;
const ZSTD: u8 = 7;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lz4,
    Zstd,
}

impl Compression {
    /// Returns the way with this number.
    ///
    /// # Errors
    /// The number, where it is none that a metadata server uses.
    pub(super) fn from_number(number: u8) -> Result<Self, String> {
        match number {
            NONE => Ok(Compression::None),
            LZ4 => Ok(Compression::Lz4),
            ZSTD => Ok(Compression::Zstd),
            other => Err(format!("compression of type {other} is not supported")),
        }
    }
}

/// Decompresses what is known to have this size.
///
/// # Errors
/// The fault, where it has another size, or is too large.
pub(super) fn decompress_sized(
    compression: Compression,
    bytes: &[u8],
    size: usize,
) -> Result<Vec<u8>, String> {
    if size > LARGEST_CONTENT {
        return Err(too_large());
    }
    let content = match compression {
        Compression::None => bytes.to_vec(),
        // LZ4 gets at most 255 bytes out of one: no memory is taken for a size that can't be.
        Compression::Lz4 if size / 255 > bytes.len() => return Err(WRONG_SIZE.to_owned()),
        Compression::Lz4 => lz4_flex::block::decompress(bytes, size)
            .map_err(|error| format!("LZ4 content is damaged: {error}"))?,
        Compression::Zstd => decompress_frame(bytes)?,
    };
    match content.len() == size {
        true => Ok(content),
        false => Err(WRONG_SIZE.to_owned()),
    }
}

/// Decompresses exactly one frame of zstd, which must end with the bytes.
///
/// # Errors
/// The fault, where it is damaged or too large.
pub(super) fn decompress_frame(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = |reason: String| format!("zstd content is damaged: {reason}");
    let decoder = StreamingDecoder::new(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut bounded = decoder.take(LARGEST_CONTENT as u64 + 1);
    let mut content = Vec::new();
    bounded.read_to_end(&mut content).map_err(|error| damaged(error.to_string()))?;
    if content.len() > LARGEST_CONTENT {
        return Err(too_large());
    }
    match bounded.into_inner().into_inner().is_empty() {
        true => Ok(content),
        false => Err(damaged("bytes follow its end".to_owned())),
    }
}

const WRONG_SIZE: &str = "the compressed content has another size than it says";

fn too_large() -> String {
    format!("content of more than {} MiB is not supported", LARGEST_CONTENT >> 20)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lz4_of_another_size_is_refused() {
        let content = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab".repeat(20);
        let bytes = lz4_flex::block::compress(&content);
        let with_size = |size| decompress_sized(Compression::Lz4, &bytes, size);
        assert_eq!(with_size(content.len()).unwrap(), content);
        for size in [0, content.len() - 1, content.len() + 1, usize::MAX] {
            assert!(with_size(size).is_err(), "{size}");
        }
    }

    #[test]
    fn zstd_that_unfolds_into_gigabytes_is_refused() {
        // A frame of blocks that repeat one byte 128 KiB long, each of which takes four bytes.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
        (0..100_000).for_each(|_| frame.extend([2, 0, 0x10, b'x']));
        assert_eq!(decompress_frame(&frame), Err(too_large()));
        let last = [3, 0, 0x10, b'x'];
        assert_eq!(decompress_frame(&[&frame[..6], &last].concat()).unwrap().len(), 128 << 10);
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_compressed_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 0_usize..9000) {
            let framed = [&[0x28, 0xb5, 0x2f, 0xfd][..], &bytes].concat();
            let _ = (decompress_frame(&bytes), decompress_frame(&framed));
            let _ = decompress_sized(Compression::Lz4, &bytes, size);
        }
    }
}

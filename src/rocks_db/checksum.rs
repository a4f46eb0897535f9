//! The checksums of RocksDB: CRC-32C, masked, in logs; XXH3 in tables.

use crc_fast::CrcAlgorithm;
use twox_hash::XxHash3_64;

/// Returns the CRC-32C as logs store it. It is masked, since a log may hold bytes that have a CRC in them.
pub(super) fn masked_crc(bytes: &[u8]) -> u32 {
    let crc = low_half(crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes));
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Returns the lower half of XXH3 over the bytes, with the byte behind them, which says how they are compressed, mixed
/// in afterwards.
pub(super) fn block_checksum(bytes: &[u8], last: u8) -> u32 {
    low_half(XxHash3_64::oneshot(bytes)) ^ u32::from(last).wrapping_mul(0x6b90_83d9)
}

/// Returns whether a checksum is that of the content. Coverage-guided fuzzing passes it, since it can't find one that fits.
pub(super) fn is_same(stored: u32, computed: u32) -> bool {
    cfg!(fuzzing) || stored == computed
}

/// Returns what is added to the checksum of a block at this offset of a file, so that one of another file or
/// place does not pass. A base of 0 says that the file has no such thing.
pub(super) fn context_of(base: u32, offset: u64) -> u32 {
    match base {
        0 => 0,
        base => base ^ low_half(offset).wrapping_add(low_half(offset >> 32)),
    }
}

fn low_half(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_that_of_the_castagnoli_polynomial() {
        // RFC 3720, B.4: 32 bytes of zeros.
        let crc = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, &[0; 32]);
        assert_eq!(crc, 0x8a91_36aa);
    }
}

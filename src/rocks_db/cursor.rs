//! Checked reads from bytes: the only way in which this reader takes anything out of a file.

use super::error::Fault;

/// A position in bytes, that only moves forward.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Creates a fault at this position.
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.position, reason)
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let end = self.position.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or_else(|| self.fault(ENDS_EARLY))?;
        self.position = self.position.saturating_add(count);
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let fault = self.fault(ENDS_EARLY);
        <[u8; N]>::try_from(self.take(N)?).map_err(|_| fault)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.take_array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.take_array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.take_array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.take_array().map(u64::from_le_bytes)
    }

    /// Takes a number of seven bits a byte, the lowest first.
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        let start = self.clone();
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                break;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(start.fault("a number that does not fit 64 bits"))
    }

    pub(super) fn varint_u32(&mut self) -> Result<u32, Fault> {
        let fault = self.fault("a number that does not fit 32 bits");
        u32::try_from(self.varint()?).map_err(|_| fault)
    }

    /// Takes a length. It is believed only by what follows, which takes so many bytes.
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        let fault = self.fault(ENDS_EARLY);
        usize::try_from(self.varint_u32()?).map_err(|_| fault)
    }

    /// Takes bytes that stand behind their length.
    pub(super) fn prefixed(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.length()?;
        self.take(length)
    }
}

const ENDS_EARLY: &str = "the content ends too early";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_up_to_their_width() {
        assert_eq!(Cursor::new(&[0xac, 2]).varint().unwrap(), 300);
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Cursor::new(&most).varint().unwrap(), u64::MAX);
        assert!(Cursor::new(&most).varint_u32().is_err());
        for bad in [
            &[0xff; 11][..],
            &[0x80; 20],
            &[0x80],
            &[],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
        ] {
            assert!(Cursor::new(bad).varint().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_is_taken_beyond_the_end() {
        let mut cursor = Cursor::new(&[5, 1, 2]);
        assert_eq!(cursor.prefixed().unwrap_err().offset, 1);
        assert!(cursor.take(usize::MAX).is_err());
        assert_eq!(cursor.take(2).unwrap(), [1, 2]);
        assert!(cursor.is_at_end() && cursor.u8().is_err());
    }
}

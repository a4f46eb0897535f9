//! The bytes of a flexbuffer, read within their bounds: slots and offsets.

/// One flexbuffer.
#[derive(Clone, Copy)]
pub(super) struct Buffer<'a>(pub(super) &'a [u8]);

/// The position of a value, and the type to read it as.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// The position of the value itself where it is inline, of its offset where it is not.
    pub(super) at: usize,
    /// The width of the slot: its parent's.
    pub(super) slot_width: usize,
    pub(super) kind: u8,
    /// The width of what an offset points at.
    pub(super) width: usize,
}

/// A vector whose elements lie one after the other.
#[derive(Clone, Copy)]
pub(super) struct Elements {
    pub(super) at: usize,
    pub(super) width: usize,
    pub(super) count: usize,
}

impl<'a> Buffer<'a> {
    pub(super) fn root(&self) -> Result<Slot, String> {
        let [.., packed, slot_width] = *self.0 else {
            return Err("too short for a flexbuffer".to_owned());
        };
        let slot_width = usize::from(slot_width);
        if !matches!(slot_width, 1 | 2 | 4 | 8) {
            return Err(format!("the root's width is {slot_width}, not 1, 2, 4 or 8"));
        }
        let end = self.0.len() - 2;
        let at = end.checked_sub(slot_width).ok_or("the root begins before the buffer")?;
        Ok(Slot { at, slot_width, kind: packed >> 2, width: 1 << (packed & 3) })
    }

    /// Returns an element whose type stands in the list of type bytes behind the elements.
    pub(super) fn untyped(&self, elements: Elements, index: usize) -> Result<Slot, String> {
        let types = offset(elements.at, elements.count, elements.width)?;
        let packed = *self.bytes(offset(types, index, 1)?, 1)?.first().ok_or("no type byte")?;
        Ok(Slot {
            at: offset(elements.at, index, elements.width)?,
            slot_width: elements.width,
            kind: packed >> 2,
            width: 1 << (packed & 3),
        })
    }

    /// Returns the vector at `at`, its count checked against the bytes that there are.
    pub(super) fn elements(&self, at: usize, width: usize) -> Result<Elements, String> {
        let count = self.unsigned(back(at, 1, width)?, width)?;
        let too_large = || format!("the count at byte {at} is too large");
        let count = usize::try_from(count).map_err(|_| too_large())?;
        let size = count.checked_mul(width).ok_or_else(too_large)?;
        self.bytes(at, size)?;
        Ok(Elements { at, width, count })
    }

    /// Returns the bytes of a string or blob.
    pub(super) fn counted(&self, at: usize, width: usize) -> Result<&'a [u8], String> {
        let length = self.unsigned(back(at, 1, width)?, width)?;
        self.bytes(
            at,
            usize::try_from(length).map_err(|_| format!("the length at byte {at} is too large"))?,
        )
    }

    pub(super) fn target(&self, slot: Slot) -> Result<usize, String> {
        self.follow_offset(slot.at, slot.slot_width)
    }

    /// Follows the offset stored at `at`.
    pub(super) fn follow_offset(&self, at: usize, width: usize) -> Result<usize, String> {
        let offset = self.unsigned(at, width)?;
        usize::try_from(offset)
            .ok()
            .and_then(|offset| at.checked_sub(offset))
            .ok_or_else(|| format!("the offset at byte {at} points before the buffer"))
    }

    pub(super) fn bytes(&self, at: usize, length: usize) -> Result<&'a [u8], String> {
        at.checked_add(length).and_then(|end| self.0.get(at..end)).ok_or_else(|| {
            format!("{length} bytes at byte {at} go beyond its {} bytes", self.0.len())
        })
    }

    pub(super) fn unsigned(&self, at: usize, width: usize) -> Result<u64, String> {
        let bytes = self.bytes(at, width)?;
        Ok(match *bytes {
            [one] => u64::from(one),
            [one, two] => u64::from(u16::from_le_bytes([one, two])),
            _ => {
                let mut wide = [0_u8; 8];
                wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(wide)
            }
        })
    }

    pub(super) fn signed(&self, at: usize, width: usize) -> Result<i64, String> {
        let unused = 64 - 8 * u32::try_from(width).unwrap_or(8).min(8);
        Ok((self.unsigned(at, width)? << unused).cast_signed() >> unused)
    }
}

pub(super) fn offset(at: usize, index: usize, width: usize) -> Result<usize, String> {
    index
        .checked_mul(width)
        .and_then(|step| at.checked_add(step))
        .ok_or_else(|| format!("an element behind byte {at} lies outside"))
}

pub(super) fn back(at: usize, slots: usize, width: usize) -> Result<usize, String> {
    at.checked_sub(slots * width).ok_or_else(|| format!("the head of byte {at} lies outside"))
}

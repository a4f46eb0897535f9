//! One flexbuffer in, a tree or JSON out.
//!
//! The format is FlexBuffers' own documentation, "FlexBuffers" in the FlatBuffers project. It is
//! read from its end: the last byte is the root's width, the one before it the root's packed type.
//! Vectors are stored before the offsets that point at them, so that every offset points backwards.
//!
//! The crate of that name writes ([`super::encode`]), and is not used to read: it indexes without
//! looking at the bounds, so that damaged bytes would end the program. In tests it is the other opinion.

mod buffer;

use base64::Engine as _;
use serde_json::{Number, Value as Json};

use super::tree::Tree;
use buffer::{Buffer, Elements, Slot, back, offset};

/// Deeper than anything Restate nests, and far from the end of the stack.
pub(super) const MAX_DEPTH: usize = 64;

/// The factor by which all texts of a document together may exceed the buffer.
const TEXT_FACTOR: usize = 64;

/// The most elements for which space is reserved in advance: most lists and maps are smaller, and what a count says is not
/// to be trusted.
const RESERVED: usize = 8;

/// The most text and elements of a document, however large its buffer: several times what a real value of 30 MiB
/// has. Only a hostile one has more, to unfold into gigabytes.
const MOST_TEXT: usize = 256 << 20;
const MOST_ELEMENTS: usize = 16 << 20;

/// Decodes the buffer. Numbers of 64 bits are exact; a blob becomes its base64.
///
/// # Errors
/// The fault of the buffer.
pub fn to_json(buffer: &[u8]) -> Result<Json, String> {
    to_tree(buffer).map(Tree::into_json)
}

/// Decodes the buffer as [`to_json`] does.
pub(super) fn to_tree(buffer: &[u8]) -> Result<Tree<'_>, String> {
    Decoder::new(buffer, MAX_DEPTH).document()
}

/// Goes through the whole buffer as [`to_json`] does, and keeps only what stands so deep at most, the
/// root at depth 0; null stands for all else. Takes little memory, however large the buffer.
pub(super) fn to_depth(buffer: &[u8], kept_depth: usize) -> Result<Tree<'_>, String> {
    Decoder::new(buffer, kept_depth).document()
}

/// Reads only what stands so deep at most, and looks at nothing below it.
///
/// # Errors
/// The fault of what was read.
pub(super) fn outline(buffer: &[u8], depth: usize) -> Result<Tree<'_>, String> {
    Decoder { checks_all: false, ..Decoder::new(buffer, depth) }.document()
}

/// Checks that JSON can express all that the buffer holds, so that it could be encoded again from
/// its decoded form.
///
/// # Errors
/// What JSON has no word for, or why the buffer does not decode.
pub(super) fn is_whole_in_json(buffer: &[u8]) -> Result<(), String> {
    let mut decoder = Decoder::new(buffer, 1);
    decoder.document()?;
    decoder.lost.map_or(Ok(()), |what| Err(format!("holds {what}, which JSON has no word for")))
}

struct Decoder<'a> {
    buffer: Buffer<'a>,
    /// The depth below which values are checked, but not kept.
    kept_depth: usize,
    /// `false` if what is not kept is not even looked at.
    checks_all: bool,
    elements_left: usize,
    text_left: usize,
    /// The first type found that JSON can't express.
    lost: Option<&'static str>,
}

/// The types of the format, by number.
mod kind {
    pub(super) const NULL: u8 = 0;
    pub(super) const INT: u8 = 1;
    pub(super) const UINT: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const KEY: u8 = 4;
    pub(super) const STRING: u8 = 5;
    pub(super) const INDIRECT_INT: u8 = 6;
    pub(super) const INDIRECT_UINT: u8 = 7;
    pub(super) const INDIRECT_FLOAT: u8 = 8;
    pub(super) const MAP: u8 = 9;
    pub(super) const VECTOR: u8 = 10;
    /// Vectors of one type: ints, uints, floats, keys, strings.
    pub(super) const VECTOR_INT: u8 = 11;
    pub(super) const VECTOR_STRING: u8 = 15;
    /// Tuples of two, three and four ints, uints, floats.
    pub(super) const VECTOR_INT2: u8 = 16;
    pub(super) const VECTOR_FLOAT4: u8 = 24;
    pub(super) const BLOB: u8 = 25;
    pub(super) const BOOL: u8 = 26;
    pub(super) const VECTOR_BOOL: u8 = 36;
}

impl<'a> Decoder<'a> {
    // Offsets may share what they point at, so that a small buffer can unfold into an endless
    // document. A real one has at most one element per byte; the names of fields are shared by all
    // maps, which is what its texts may exceed the buffer by.
    fn new(buffer: &'a [u8], kept_depth: usize) -> Self {
        Decoder {
            buffer: Buffer(buffer),
            kept_depth,
            checks_all: true,
            elements_left: buffer.len().saturating_add(1).min(MOST_ELEMENTS),
            text_left: buffer.len().saturating_mul(TEXT_FACTOR).min(MOST_TEXT),
            lost: None,
        }
    }

    fn document(&mut self) -> Result<Tree<'a>, String> {
        let root = self.buffer.root()?;
        self.value(root, 0)
    }

    fn value(&mut self, slot: Slot, depth: usize) -> Result<Tree<'a>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        self.elements_left =
            self.elements_left.checked_sub(1).ok_or("more elements than a value has")?;
        match slot.kind {
            kind::NULL => Ok(Tree::Null),
            kind::BOOL => Ok(Tree::Bool(self.buffer.unsigned(slot.at, slot.slot_width)? != 0)),
            kind::INT => Ok(Tree::Number(self.buffer.signed(slot.at, slot.slot_width)?.into())),
            kind::UINT => Ok(Tree::Number(self.buffer.unsigned(slot.at, slot.slot_width)?.into())),
            kind::FLOAT => self.float(slot.at, slot.slot_width),
            kind::INDIRECT_INT => {
                let at = self.buffer.target(slot)?;
                Ok(Tree::Number(self.buffer.signed(at, slot.width)?.into()))
            }
            kind::INDIRECT_UINT => {
                let at = self.buffer.target(slot)?;
                Ok(Tree::Number(self.buffer.unsigned(at, slot.width)?.into()))
            }
            kind::INDIRECT_FLOAT => {
                let at = self.buffer.target(slot)?;
                self.float(at, slot.width)
            }
            kind::KEY => self.key(self.buffer.target(slot)?).map(|text| Tree::Text(text.into())),
            kind::STRING => self.string(slot, depth),
            kind::BLOB => self.blob(slot, depth),
            kind::MAP => self.map(slot, depth),
            kind::VECTOR => self.vector(slot, depth),
            other => self.typed_vector(slot, other, depth),
        }
    }

    fn keeps(&self, depth: usize) -> bool {
        depth <= self.kept_depth
    }

    /// Returns how many of the elements that stand at this depth are read.
    fn count_read(&self, count: usize, depth: usize) -> usize {
        if self.checks_all || self.keeps(depth) { count } else { 0 }
    }

    fn string(&mut self, slot: Slot, depth: usize) -> Result<Tree<'a>, String> {
        let at = self.buffer.target(slot)?;
        let text = std::str::from_utf8(self.buffer.counted(at, slot.width)?)
            .map_err(|_| format!("the text at byte {at} is not UTF-8"))?;
        self.charge(text.len())?;
        Ok(if self.keeps(depth) { Tree::Text(text.into()) } else { Tree::Null })
    }

    fn blob(&mut self, slot: Slot, depth: usize) -> Result<Tree<'a>, String> {
        let blob = self.buffer.counted(self.buffer.target(slot)?, slot.width)?;
        self.charge(blob.len())?;
        self.lost = Some("plain bytes");
        let text = || base64::engine::general_purpose::STANDARD.encode(blob);
        Ok(if self.keeps(depth) { Tree::Text(text().into()) } else { Tree::Null })
    }

    fn vector(&mut self, slot: Slot, depth: usize) -> Result<Tree<'a>, String> {
        let at = self.buffer.target(slot)?;
        let elements = self.buffer.elements(at, slot.width)?;
        self.array(elements.count, depth, |decoder, index| decoder.buffer.untyped(elements, index))
    }

    fn array(
        &mut self,
        count: usize,
        depth: usize,
        slot: impl Fn(&Self, usize) -> Result<Slot, String>,
    ) -> Result<Tree<'a>, String> {
        let mut values = match self.keeps(depth + 1) {
            true => Vec::with_capacity(count.min(RESERVED)),
            false => Vec::new(),
        };
        for index in 0..self.count_read(count, depth + 1) {
            let element = slot(self, index)?;
            let value = self.value(element, depth + 1)?;
            if self.keeps(depth + 1) {
                values.push(value);
            }
        }
        Ok(if self.keeps(depth) { Tree::List(values) } else { Tree::Null })
    }

    fn typed_vector(&mut self, slot: Slot, vector: u8, depth: usize) -> Result<Tree<'a>, String> {
        let at = self.buffer.target(slot)?;
        let (elements, kind) = match vector {
            kind::VECTOR_INT..=kind::VECTOR_STRING => {
                (self.buffer.elements(at, slot.width)?, vector - kind::VECTOR_INT + kind::INT)
            }
            kind::VECTOR_BOOL => (self.buffer.elements(at, slot.width)?, kind::BOOL),
            kind::VECTOR_INT2..=kind::VECTOR_FLOAT4 => {
                let tuple = vector - kind::VECTOR_INT2;
                let count = usize::from(tuple / 3) + 2;
                (Elements { at, width: slot.width, count }, tuple % 3 + kind::INT)
            }
            unknown => return Err(format!("the type {unknown} at byte {at} does not exist")),
        };
        self.array(elements.count, depth, |_, index| {
            let at = offset(elements.at, index, elements.width)?;
            Ok(Slot { at, slot_width: elements.width, kind, width: 1 })
        })
    }

    /// Reads a map: a vector of values, with the offset of its vector of keys and the width of that
    /// one in front of its count.
    fn map(&mut self, slot: Slot, depth: usize) -> Result<Tree<'a>, String> {
        let at = self.buffer.target(slot)?;
        let values = self.buffer.elements(at, slot.width)?;
        let keys_slot = back(at, 3, slot.width)?;
        let keys_width = self.buffer.unsigned(back(at, 2, slot.width)?, slot.width)?;
        if !matches!(keys_width, 1 | 2 | 4 | 8) {
            return Err(format!("the map at byte {at} has keys of width {keys_width}"));
        }
        let keys_at = self.buffer.follow_offset(keys_slot, slot.width)?;
        let keys = self.buffer.elements(keys_at, usize::try_from(keys_width).unwrap_or(1))?;
        if keys.count != values.count {
            return Err(format!(
                "the map at byte {at} has {} keys for {} values",
                keys.count, values.count
            ));
        }
        let mut fields = match self.keeps(depth + 1) {
            true => Vec::with_capacity(values.count.min(RESERVED)),
            false => Vec::new(),
        };
        // They are written in order.
        let (mut last, mut is_ordered) = (None, true);
        for index in 0..self.count_read(values.count, depth + 1) {
            let name = self.name(keys, index)?;
            is_ordered &= last.replace(name).is_none_or(|last| last < name);
            let element = self.buffer.untyped(values, index)?;
            let value = self.value(element, depth + 1)?;
            if self.keeps(depth + 1) {
                fields.push((name.into(), value));
            }
        }
        let repeated = if is_ordered { None } else { self.find_repeated_name(keys)? };
        match repeated {
            Some(name) => Err(format!("the map at byte {at} has the key {name:?} twice")),
            None if self.keeps(depth) => Ok(Tree::Object(fields)),
            None => Ok(Tree::Null),
        }
    }

    /// Reads the name of an element of a map.
    fn name(&mut self, keys: Elements, index: usize) -> Result<&'a str, String> {
        let name = offset(keys.at, index, keys.width)?;
        self.key(self.buffer.follow_offset(name, keys.width)?)
    }

    fn find_repeated_name(&mut self, keys: Elements) -> Result<Option<&'a str>, String> {
        let names = (0..keys.count).map(|index| self.name(keys, index));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        let repeated = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
        Ok(repeated.map(|(name, _)| *name))
    }

    fn charge(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.text_left.checked_sub(bytes);
        self.text_left = left.ok_or("far more text than it has bytes")?;
        Ok(())
    }

    /// Reads the text up to the next zero byte.
    fn key(&mut self, at: usize) -> Result<&'a str, String> {
        let rest = self.buffer.0.get(at..).ok_or("a key lies outside")?;
        let end = rest.iter().position(|byte| *byte == 0).ok_or("a key has no end")?;
        let text = rest.get(..end).unwrap_or_default();
        self.charge(text.len())?;
        std::str::from_utf8(text).map_err(|_| format!("the key at byte {at} is not UTF-8"))
    }

    fn float(&mut self, at: usize, width: usize) -> Result<Tree<'a>, String> {
        let bits = self.buffer.unsigned(at, width)?;
        let float = match width {
            4 => f64::from(f32::from_bits(u32::try_from(bits).unwrap_or_default())),
            8 => f64::from_bits(bits),
            _ => return Err(format!("the float at byte {at} is {width} bytes wide")),
        };
        // JSON has no word for what is not a number, and serde writes null for it.
        Ok(Number::from_f64(float).map_or_else(
            || {
                self.lost = Some("a float that is not a number");
                Tree::Null
            },
            Tree::Number,
        ))
    }
}

//! Protobuf messages, field by field. A field that is not known is refused: it could change what the others mean.

use prost::encoding::{WireType, decode_key, decode_varint};

/// The content of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(super) fn number(self) -> Result<u64, String> {
        match self {
            Field::Number(number) => Ok(number),
            Field::Bytes(_) => Err("bytes in place of a number".to_owned()),
        }
    }

    pub(super) fn number_u32(self) -> Result<u32, String> {
        u32::try_from(self.number()?).map_err(|_| "a number that does not fit 32 bits".to_owned())
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            Field::Number(_) => Err("a number in place of bytes".to_owned()),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text that is not valid UTF-8".to_owned())
    }

    /// Adds the number of a repeated field, or all of them where they are packed.
    pub(super) fn add_numbers_to(self, numbers: &mut Vec<u64>) -> Result<(), String> {
        match self {
            Field::Number(number) => numbers.push(number),
            Field::Bytes(mut packed) => {
                while !packed.is_empty() {
                    numbers.push(decode_varint(&mut packed).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(())
    }
}

/// Gives each field of a message to `take`, which returns whether it knows the field.
///
/// # Errors
/// The fault, after the name of the message.
pub(super) fn read_fields<'a>(
    message: &str,
    mut bytes: &'a [u8],
    mut take: impl FnMut(u32, Field<'a>) -> Result<bool, String>,
) -> Result<(), String> {
    while !bytes.is_empty() {
        let (tag, field) =
            next_field(&mut bytes).map_err(|reason| format!("{message}: {reason}"))?;
        match take(tag, field) {
            Ok(true) => {}
            Ok(false) => return Err(format!("{message}: field {tag} is not known")),
            Err(reason) => return Err(format!("{message}: {reason}")),
        }
    }
    Ok(())
}

fn next_field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Field<'a>), String> {
    let (tag, kind) = decode_key(bytes).map_err(|error| error.to_string())?;
    let number = match kind {
        WireType::Varint | WireType::LengthDelimited => {
            decode_varint(bytes).map_err(|error| error.to_string())?
        }
        _ => return Err(format!("field {tag} has a type that is not known")),
    };
    if kind == WireType::Varint {
        return Ok((tag, Field::Number(number)));
    }
    let length = usize::try_from(number).ok();
    let split = length.and_then(|length| bytes.split_at_checked(length));
    let (content, rest) = split.ok_or_else(|| format!("field {tag} ends too early"))?;
    *bytes = rest;
    Ok((tag, Field::Bytes(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_types_are_refused() {
        let read = |bytes: &[u8]| read_fields("m", bytes, |tag, _| Ok(tag == 1));
        assert!(read(&[8, 5, 10, 2, 1, 2]).is_ok());
        for bad in [&[16, 5][..], &[10, 3, 1, 2], &[13, 0, 0, 0, 0], &[8], &[0, 0], &[11]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn repeated_numbers_may_be_packed() {
        let mut numbers = Vec::new();
        Field::Number(7).add_numbers_to(&mut numbers).unwrap();
        Field::Bytes(&[1, 0xac, 2]).add_numbers_to(&mut numbers).unwrap();
        assert_eq!(numbers, [7, 1, 300]);
    }
}

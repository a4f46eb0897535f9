//! Items as Restate writes them: `pk` (String), `version` (Number), `data` (Binary).

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use prost::bytes::Bytes;

use super::super::intact_entry;
use super::json::{from_json, to_json};
use crate::codec;
use crate::model::{Attribute, CasToken, Entry, ItemContent, Value};

/// The table's partition key.
pub(super) const PK: &str = "pk";
pub(super) const VERSION: &str = "version";
pub(super) const DATA: &str = "data";

pub(super) type Item = HashMap<String, AttributeValue>;

/// Returns the partition key of an item.
pub(super) fn name(item: &Item) -> Option<&str> {
    item.get(PK)?.as_s().ok().map(String::as_str)
}

/// Builds the key of an item.
pub(super) fn key(name: &str) -> Item {
    Item::from([(PK.to_owned(), AttributeValue::S(name.to_owned()))])
}

/// Builds the item of a value.
pub(super) fn item_of_value(name: &str, value: &Value) -> Item {
    let mut item = key(name);
    item.insert(VERSION.to_owned(), AttributeValue::N(value.version.to_string()));
    item.insert(DATA.to_owned(), AttributeValue::B(Blob::new(value.bytes.to_vec())));
    item
}

/// Returns whether these are exactly the attributes that Restate writes, and the bytes begin with a
/// known codec.
pub(super) fn looks_like_ours(item: &Item) -> bool {
    let bytes = item.get(DATA).and_then(|data| data.as_b().ok());
    let has_codec = bytes.is_some_and(|bytes| codec::encoding(bytes.as_ref()).is_ok());
    let version = item.get(VERSION).and_then(version_of);
    item.len() == 3 && version.is_some() && has_codec
}

/// Returns the number of an attribute `version`.
pub(super) fn version_of(attribute: &AttributeValue) -> Option<u32> {
    attribute.as_n().ok()?.parse().ok()
}

/// Turns an item into an entry. Attributes of other names mean nothing to Restate.
pub(super) fn entry_from_item(mut item: Item) -> Entry {
    item.remove(PK);
    let [version, data] = [VERSION, DATA].map(|name| item.remove(name).map(attribute_from_value));
    let content = ItemContent { version: version.clone(), data: data.clone() };
    let tag = CasToken::Item(Box::new(content));
    let reason = match (&version, &data) {
        (Some(Attribute::Number(number)), Some(Attribute::Binary(bytes))) => {
            if let Ok(version) = number.parse() {
                return intact_entry(version, bytes.clone(), tag);
            }
            format!("has the version {number}, which none of Restate's can be")
        }
        (None, None) => "has an item with neither version nor data".to_owned(),
        (None, Some(_)) => "has an item without a version".to_owned(),
        (Some(_), None) => "has an item without data".to_owned(),
        (Some(Attribute::Number(_)), Some(_)) => "has data that is not of type Binary".to_owned(),
        (Some(_), Some(_)) => "has a version that is not of type Number".to_owned(),
    };
    let parts = [(VERSION.to_owned(), version), (DATA.to_owned(), data)];
    let others = item.into_iter().map(|(name, value)| (name, Some(attribute_from_value(value))));
    let parts = parts.into_iter().chain(others);
    let mut raw: Vec<_> = parts.filter_map(|(name, part)| Some((name, raw_parts(part?)))).collect();
    raw.sort();
    Entry::Damaged { reason, raw, tag }
}

fn attribute_from_value(value: AttributeValue) -> Attribute {
    match value {
        AttributeValue::N(number) => Attribute::Number(number),
        AttributeValue::B(blob) => Attribute::Binary(blob.into_inner().into()),
        other => Attribute::Json(to_json(&other).to_string()),
    }
}

fn raw_parts(attribute: Attribute) -> Bytes {
    match attribute {
        Attribute::Number(text) | Attribute::Json(text) => text.into(),
        Attribute::Binary(bytes) => bytes,
    }
}

/// A condition expression with what its placeholders stand for: `data` is a reserved word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConditionExpression {
    pub(super) expression: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
}

impl ConditionExpression {
    /// Returns the condition that there is no such item.
    pub(super) fn absent() -> ConditionExpression {
        ConditionExpression::plain("attribute_not_exists(pk)")
    }

    /// Holds for nothing.
    pub(super) fn never_met() -> ConditionExpression {
        ConditionExpression::plain("attribute_exists(pk) AND attribute_not_exists(pk)")
    }

    fn plain(expression: &str) -> ConditionExpression {
        let expression = expression.to_owned();
        ConditionExpression { expression, names: HashMap::new(), values: Item::new() }
    }

    /// Returns the condition that the item is as it was read.
    ///
    /// Both attributes are compared in full: two writers that start from the same version end at
    /// the same version, so that it alone does not tell them apart.
    pub(super) fn as_read(tag: &CasToken) -> ConditionExpression {
        let CasToken::Item(content) = tag else { return ConditionExpression::never_met() };
        let ItemContent { version, data } = &**content;
        let mut condition = ConditionExpression::plain("attribute_exists(pk)");
        for (name, placeholder, read) in [(VERSION, "v", version), (DATA, "d", data)] {
            let (name_at, value_at) = (format!("#{placeholder}"), format!(":{placeholder}"));
            match read.as_ref().map(value) {
                None => condition.and(&format!("attribute_not_exists({name_at})")),
                Some(None) => return ConditionExpression::never_met(),
                Some(Some(value)) => {
                    condition.and(&format!("{name_at} = {value_at}"));
                    condition.values.insert(value_at, value);
                }
            }
            condition.names.insert(name_at, name.to_owned());
        }
        condition
    }

    fn and(&mut self, term: &str) {
        self.expression.push_str(" AND ");
        self.expression.push_str(term);
    }

    /// Splits the condition into what the library's builders accept: nothing where there are no
    /// names or values.
    pub(super) fn into_parts(
        self,
    ) -> (Option<String>, Option<HashMap<String, String>>, Option<Item>) {
        let names = (!self.names.is_empty()).then_some(self.names);
        let values = (!self.values.is_empty()).then_some(self.values);
        (Some(self.expression), names, values)
    }
}

fn value(attribute: &Attribute) -> Option<AttributeValue> {
    match attribute {
        Attribute::Number(number) => Some(AttributeValue::N(number.clone())),
        Attribute::Binary(bytes) => Some(AttributeValue::B(Blob::new(bytes.to_vec()))),
        Attribute::Json(text) => from_json(&serde_json::from_str(text).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Version;

    #[test]
    fn an_item_is_read_as_it_was_written() {
        let value = Value { version: Version(u32::MAX), bytes: Bytes::from_static(b"\x02abc") };
        let item = item_of_value("p/rule_book", &value);
        assert!(looks_like_ours(&item));
        assert_eq!(name(&item), Some("p/rule_book"));
        let entry = entry_from_item(item);
        assert_eq!(entry.value(), Some(&value));
        let condition = ConditionExpression::as_read(entry.tag());
        assert_eq!(condition.expression, "attribute_exists(pk) AND #v = :v AND #d = :d");
        assert_eq!(condition.values[":v"], AttributeValue::N("4294967295".to_owned()));
    }

    #[test]
    fn damaged_item_is_described_and_can_be_required() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: &str| AttributeValue::N(number.to_owned());
        let data = || AttributeValue::B(Blob::new([2]));
        let mut told = Vec::new();
        for (version, data) in [
            (None, None),
            (None, Some(data())),
            (Some(number("1")), None),
            (Some(number("-1")), Some(data())),
            (Some(number("4294967296")), Some(data())),
            (Some(number("1.5")), Some(data())),
            (Some(text("1")), Some(data())),
            (Some(number("1")), Some(text("x"))),
        ] {
            let mut item =
                Item::from([(PK.to_owned(), text("k")), ("ttl".to_owned(), number("9"))]);
            item.extend(version.map(|version| (VERSION.to_owned(), version)));
            item.extend(data.map(|data| (DATA.to_owned(), data)));
            assert!(!looks_like_ours(&item));
            let Entry::Damaged { reason, raw, tag } = entry_from_item(item) else {
                panic!("not damaged")
            };
            let raw: Vec<_> = raw.iter().map(|(name, bytes)| format!("{name}={bytes:?}")).collect();
            let required = ConditionExpression::as_read(&tag).expression;
            told.push(format!("{reason}; {}; {required}", raw.join(" ")));
        }
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_tag_of_another_store_holds_for_nothing() {
        assert_eq!(
            ConditionExpression::as_read(&CasToken::Version(Version(1))),
            ConditionExpression::never_met()
        );
    }
}

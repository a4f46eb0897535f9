//! Attributes of any type as the JSON that DynamoDB's own protocol has for them, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

/// Encodes an attribute as `{"S": "text"}` and the like.
///
/// A type that this version does not know becomes `null`.
pub(super) fn to_json(value: &AttributeValue) -> Json {
    let base64 = |blob: &Blob| STANDARD.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(blob) => json!({"B": base64(blob)}),
        AttributeValue::Bool(answer) => json!({"BOOL": answer}),
        AttributeValue::Null(is_null) => json!({"NULL": is_null}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::Ns(numbers) => json!({"NS": numbers}),
        AttributeValue::Bs(blobs) => json!({"BS": blobs.iter().map(base64).collect::<Vec<_>>()}),
        AttributeValue::L(items) => json!({"L": items.iter().map(to_json).collect::<Vec<_>>()}),
        AttributeValue::M(map) => {
            let fields: serde_json::Map<_, _> =
                map.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
            json!({ "M": fields })
        }
        _ => Json::Null,
    }
}

/// Decodes what [`to_json`] writes; `None` for anything else.
pub(super) fn from_json(json: &Json) -> Option<AttributeValue> {
    let (kind, value) = json.as_object()?.iter().next()?;
    let text = |value: &Json| value.as_str().map(ToOwned::to_owned);
    let blob = |value: &Json| Some(Blob::new(STANDARD.decode(value.as_str()?).ok()?));
    let items = || value.as_array().map(|items| items.iter());
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(blob(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(items()?.map(text).collect::<Option<_>>()?),
        "NS" => AttributeValue::Ns(items()?.map(text).collect::<Option<_>>()?),
        "BS" => AttributeValue::Bs(items()?.map(blob).collect::<Option<_>>()?),
        "L" => AttributeValue::L(items()?.map(from_json).collect::<Option<_>>()?),
        "M" => {
            let fields = value.as_object()?.iter();
            let fields = fields.map(|(name, value)| Some((name.clone(), from_json(value)?)));
            AttributeValue::M(fields.collect::<Option<HashMap<_, _>>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_round_trips() {
        let text = |text: &str| text.to_owned();
        let values = vec![
            AttributeValue::S(text("a")),
            AttributeValue::N(text("1.5")),
            AttributeValue::B(Blob::new([0, 255])),
            AttributeValue::Bool(true),
            AttributeValue::Null(true),
            AttributeValue::Ss(vec![text("a"), text("b")]),
            AttributeValue::Ns(vec![text("1")]),
            AttributeValue::Bs(vec![Blob::new([1])]),
        ];
        let map = HashMap::from([(text("k"), AttributeValue::L(values.clone()))]);
        for value in values.into_iter().chain([AttributeValue::M(map)]) {
            assert_eq!(from_json(&to_json(&value)), Some(value));
        }
        assert_eq!(from_json(&Json::Null), None);
        assert_eq!(from_json(&json!({"X": "?"})), None);
    }
}

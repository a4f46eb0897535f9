//! The codecs against the crates that write these formats, and against any bytes at all.

mod encoding;

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::bytes::Bytes;
use serde_json::{Value as Json, json};

use super::facts::partition_ids;
use super::*;
use crate::model::{Key, Value, Version};

/// As Restate stores it: codec 2, a length, one flexbuffer.
fn flexbuffers_value(document: &Json) -> Vec<u8> {
    let buffer = flexbuffers::to_vec(document).unwrap();
    let mut bytes = vec![2];
    bytes.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
    bytes.extend(buffer);
    bytes
}

fn value(version: u32, bytes: Vec<u8>) -> Value {
    Value { version: Version(version), bytes: Bytes::from(bytes) }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("JSON has no other", |float| float.is_finite())
            .prop_map(Json::from),
        "[^\u{0}]{0,300}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 200, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..12)
                .prop_map(|fields: BTreeMap<_, _>| Json::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn flexbuffer_of_the_crate_decodes_to_the_same_document(document in any_json()) {
        let decoded = decode(&Key::Logs, &flexbuffers_value(&document)).unwrap();
        prop_assert_eq!(decoded, document);
    }

    #[test]
    fn what_is_kept_to_a_depth_has_the_plain_fields_and_refuses_what_decoding_refuses(
        document in any_json(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let buffer = flexbuffers::to_vec(&document).unwrap();
        let kept = flexbuffer::to_depth(&buffer, 1).unwrap();
        prop_assert_eq!(&flexbuffer::outline(&buffer, 1).unwrap(), &kept);
        let kept = kept.into_json();
        if let (Some(fields), Some(kept)) = (document.as_object(), kept.as_object()) {
            prop_assert_eq!(fields.len(), kept.len());
            let plain = fields.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
            for (name, value) in plain {
                prop_assert_eq!(kept.get(name), Some(value));
            }
        }
        let mut damaged = buffer;
        let place = place.index(damaged.len());
        damaged[place] = byte;
        prop_assert_eq!(
            flexbuffer::to_depth(&damaged, 1).map(drop),
            flexbuffer::to_json(&damaged).map(drop)
        );
        // What decodes is outlined the same way; what does not may have its fault below the outline.
        if let Ok(kept) = flexbuffer::to_depth(&damaged, 1) {
            prop_assert_eq!(flexbuffer::outline(&damaged, 1), Ok(kept));
        }
    }

    #[test]
    fn vectors_of_one_type_are_read_back(
        ints in prop::collection::vec(any::<i64>(), 0..40),
        uints in prop::collection::vec(any::<u16>(), 0..40),
        floats in prop::collection::vec(-1e9_f64..1e9, 0..40),
        bools in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        let mut builder = flexbuffers::Builder::default();
        let mut map = builder.start_map();
        map.push("ints", &ints);
        map.push("uints", &uints);
        map.push("floats", &floats);
        map.push("bools", &bools);
        map.push("pair", &[7_u32, 9]);
        map.end_map();
        let decoded = flexbuffer::to_json(builder.view()).unwrap();
        prop_assert_eq!(
            decoded,
            json!({"ints": ints, "uints": uints, "floats": floats, "bools": bools, "pair": [7, 9]})
        );
    }

    #[test]
    fn a_cut_value_is_refused(document in any_json(), cut in any::<prop::sample::Index>()) {
        let mut bytes = flexbuffers_value(&document);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(decode(&Key::Logs, &bytes).is_err());
    }
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = check(&Key::RuleBook, &value(1, bytes.clone()));
        let _ = check(&Key::Logs, &value(1, bytes.clone()));
        let _ = flexbuffer::to_json(&bytes);
        let _ = rule_book::to_json(&bytes);
    }

    #[test]
    fn fuzz_one_changed_byte(
        document in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut bytes = flexbuffers_value(&document);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = check(&Key::Logs, &value(1, bytes));
    }

    #[test]
    fn fuzz_what_a_cluster_may_answer(document in any_cluster()) {
        let _ = (nodes_configuration(&document), partition_ids(&Tree::borrow(&document)));
        let bytes = flexbuffers_value(&document);
        let _ = (decode(&Key::NodesConfig, &bytes), check(&Key::PartitionTable, &value(3, bytes)));
    }
}

/// Documents that look like those of a cluster, with anything in the places that are looked at.
fn any_cluster() -> impl Strategy<Value = Json> {
    let small = prop_oneof![
        Just(Json::Null),
        any::<u64>().prop_map(Json::from),
        "[a-zN]{0,9}".prop_map(Json::from)
    ];
    let node = prop::collection::btree_map(
        prop::sample::select(vec!["name", "address", "roles", "binary_version"]),
        prop_oneof![small.clone(), prop::collection::vec(small.clone(), 0..3).prop_map(Json::from)],
        0..4,
    )
    .prop_map(|fields| json!({"Node": fields}));
    let state = prop_oneof![node, small.clone(), Just(json!("Tombstone"))];
    let pair = prop::collection::vec(prop_oneof![small.clone(), state], 0..3).prop_map(Json::from);
    let list = prop_oneof![prop::collection::vec(pair, 0..4).prop_map(Json::from), small.clone()];
    let names = ["version", "cluster_name", "cluster_fingerprint", "nodes", "partitions"];
    prop::collection::btree_map(
        prop::sample::select(names.to_vec()),
        prop_oneof![list, small],
        0..5,
    )
    .prop_map(|fields| json!(fields))
}

#[test]
fn shared_offsets_do_not_unfold_without_end() {
    // Each vector holds the one before it 200 times: 200^8 elements in some kilobytes.
    let mut buffer = Vec::new();
    let mut previous = 0_usize;
    let count = 200_usize;
    for level in 0..8 {
        buffer.extend(u32::try_from(count).unwrap().to_le_bytes());
        let start = buffer.len();
        for index in 0..count {
            let offset = if level == 0 { 0 } else { start + 4 * index - previous };
            buffer.extend(u32::try_from(offset).unwrap().to_le_bytes());
        }
        let packed = if level == 0 { 0 } else { (10 << 2) | 2 };
        buffer.extend(std::iter::repeat_n(packed, count));
        previous = start;
    }
    let root = buffer.len() - previous;
    buffer.extend(u32::try_from(root).unwrap().to_le_bytes());
    buffer.extend([(10 << 2) | 2, 4]);
    let error = flexbuffer::to_json(&buffer).unwrap_err();
    assert!(error.contains("more elements"), "{error}");
}

#[test]
fn a_shared_text_is_not_copied_without_end() {
    // 10,000 elements, all of them the same text of 100,000 bytes.
    let length = 100_000_usize;
    let mut buffer = u32::try_from(length).unwrap().to_le_bytes().to_vec();
    buffer.extend(std::iter::repeat_n(b'x', length));
    let count = 10_000_usize;
    buffer.extend(u32::try_from(count).unwrap().to_le_bytes());
    let start = buffer.len();
    for index in 0..count {
        buffer.extend(u32::try_from(start + 4 * index - 4).unwrap().to_le_bytes());
    }
    buffer.extend(std::iter::repeat_n((5 << 2) | 2, count));
    let root = buffer.len() - start;
    buffer.extend(u32::try_from(root).unwrap().to_le_bytes());
    buffer.extend([(10 << 2) | 2, 4]);
    let error = flexbuffer::to_json(&buffer).unwrap_err();
    assert!(error.contains("far more text"), "{error}");
}

#[test]
fn a_vector_that_holds_itself_is_refused() {
    // One element at byte 1 with offset 0: it points at itself.
    let buffer = [1, 0, 10 << 2, 2, 10 << 2, 1];
    assert!(flexbuffer::to_json(&buffer).is_err());
}

#[test]
fn version_comes_first_and_wide_integers_are_exact() {
    let document = json!({"cluster_fingerprint": 17_340_683_708_366_400_686_u64, "version": 4});
    let text = decode(&Key::NodesConfig, &flexbuffers_value(&document)).unwrap().to_string();
    assert_eq!(text, r#"{"version":4,"cluster_fingerprint":17340683708366400686}"#);
}

#[test]
fn the_rule_book_decodes_and_passes_over_new_tags() {
    let mut bytes = vec![6];
    bytes.extend(rule_book::sample(3, &[("scope1/*", 5)]));
    let expected = json!({"version": 3, "rules": {"scope1/*": {
        "version": 1, "limits": {"concurrency": 5}, "description": null, "disabled": false,
        "last_modified_millis_since_epoch": 1_795_516_144_045_u64,
    }}});
    assert_eq!(decode(&Key::RuleBook, &bytes).unwrap(), expected);
    // Tag 3, a varint: bilrost counts tags from the one before, in the bits above the wire type.
    bytes.extend([1 << 2, 42]);
    assert_eq!(decode(&Key::RuleBook, &bytes).unwrap(), expected);
}

#[test]
fn damage_of_every_kind_has_its_own_error() {
    let sound = flexbuffers_value(&json!({"version": 4}));
    assert_eq!(check(&Key::Logs, &value(4, sound.clone())), Ok(()));
    assert_eq!(check(&Key::RuleBook, &value(0, vec![6])), Ok(()));
    let refusal =
        |version, bytes| check(&Key::Logs, &value(version, bytes)).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            refusal(5, sound.clone()),
            refusal(0, sound.clone()),
            refusal(4, flexbuffers_value(&json!({"epoch": 4}))),
            refusal(4, vec![]),
            refusal(4, vec![9, 1]),
            refusal(4, vec![2, 1, 0]),
            refusal(4, [sound.as_slice(), &[0]].concat()),
            refusal(4, vec![1, 2, 3]),
            refusal(4, vec![6, 8, 4]),
            check(&Key::RuleBook, &value(3, b"\x05{\"version\":3}".to_vec())).unwrap_err().to_string(),
            check(&Key::Unknown("k".into()), &value(3, vec![1, 2])).unwrap_err().to_string(),
            refusal(4, b"\x05{\"version\":4,".to_vec()),
            refusal(4, vec![2, 3, 0, 0, 0, 0, 0, 3]),
        ]
        .join("\n"),
        @r"
    is stored at version 5, but embeds version 4
    is stored at version 0, which is invalid
    is stored at version 4, but embeds no version
    holds no bytes
    begins with byte 9, a codec that no tested server knows
    has a length of 4 bytes, but 2 follow
    has a length of 18 bytes, but 19 follow
    is encoded as protobuf, but servers read this key as flexbuffers or json only
    is encoded as bilrost, but servers read this key as flexbuffers or json only
    is encoded as json, but servers read this key as bilrost only
    is encoded as protobuf, which this program can't decode
    does not decode as json: EOF while parsing a value at line 1 column 13
    does not decode as flexbuffers: the root's width is 3, not 1, 2, 4 or 8
    "
    );
}

#[test]
fn undecodable_value_is_described_by_codec_and_base64() {
    let described = describe(&Key::Logs, &value(2, vec![3, 1, 0, 0, 0, 255])).unwrap();
    assert_eq!(
        described,
        json!({"version": 2, "encoding": "raw", "bytes": 6, "base64": "AwEAAAD/"})
    );
}

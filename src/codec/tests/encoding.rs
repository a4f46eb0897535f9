//! Documents back into bytes.

use super::*;

fn any_object() -> impl Strategy<Value = Json> {
    prop::collection::btree_map("[a-zA-Z0-9_~/ é]{0,9}", any_json(), 0..8)
        .prop_map(|fields| json!(fields))
}

/// The document with that version inside.
fn at_version(document: &Json, version: u32) -> Json {
    let mut document = document.clone();
    document["version"] = version.into();
    document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn encoded_document_decodes_at_its_version(document in any_object(), version in 1_u32..) {
        for encoding in [Encoding::Flexbuffers, Encoding::Json] {
            let bytes = encode(&Key::Logs, encoding, &document, Version(version)).unwrap();
            let stored = Value { version: Version(version), bytes };
            prop_assert_eq!(check(&Key::Logs, &stored), Ok(()));
            prop_assert_eq!(is_editable(&Key::Logs, &stored.bytes), Ok(()));
            let decoded = decode(&Key::Logs, &stored.bytes).unwrap();
            prop_assert_eq!(&decoded, &at_version(&document, version));
            // The order of fields and the version that the document says make no difference.
            let again = encode(&Key::Logs, encoding, &decoded, Version(version)).unwrap();
            prop_assert_eq!(again, stored.bytes);
        }
    }

    #[test]
    fn rule_books_are_read_back(
        rules in prop::collection::btree_map("[^\u{0}]{0,20}", (any::<u32>(), 1_u32.., any::<bool>(), any::<u64>()), 0..5),
        version in 1_u32..,
    ) {
        let rules: BTreeMap<_, _> = rules.into_iter().map(|(pattern, (own, limit, disabled, time))| {
            let limit = if limit % 3 == 0 { Json::Null } else { limit.into() };
            let description = if disabled { Json::Null } else { pattern.clone().into() };
            let rule = json!({"version": own, "limits": {"concurrency": limit},
                "description": description, "disabled": disabled,
                "last_modified_millis_since_epoch": time});
            (pattern, rule)
        }).collect();
        let document = json!({"rules": rules});
        let bytes = encode(&Key::RuleBook, Encoding::Bilrost, &document, Version(version)).unwrap();
        prop_assert_eq!(is_editable(&Key::RuleBook, &bytes), Ok(()));
        let decoded = decode(&Key::RuleBook, &bytes).unwrap();
        prop_assert_eq!(decoded, at_version(&document, version));
    }
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_no_document_makes_an_encoder_panic(
        document in prop_oneof![
            any_cluster(),
            prop::collection::btree_map("[a-z\u{0}]{0,3}", any_cluster(), 0..3).prop_map(|map| json!(map)),
        ],
        version in any::<u32>(),
    ) {
        for key in [Key::RuleBook, Key::NodesConfig, Key::PartitionTable] {
            let _ = encode(&key, Encoding::for_edit(&key, None), &document, Version(version));
            let _ = find_added_errors(&key, &document, Some(&json!({})));
        }
    }

    #[test]
    fn fuzz_no_bytes_make_the_look_for_losses_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for first in [2, 5, 6] {
            let _ = is_editable(&Key::RuleBook, &[&[first], bytes.as_slice()].concat());
        }
    }
}

#[test]
fn documents_that_no_codec_holds_are_refused() {
    let mut deep = json!({});
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let refusal = |key: Key, encoding, document: &Json| {
        encode(&key, encoding, document, Version(2)).unwrap_err().to_string()
    };
    let flexbuffers = Encoding::Flexbuffers;
    let rule = |limits: Json| {
        json!({"rules": {"a/*": {"version": 1, "limits": limits,
            "last_modified_millis_since_epoch": 1}}})
    };
    insta::assert_snapshot!(
        [
            refusal(Key::Logs, flexbuffers, &json!([1])),
            refusal(Key::Logs, flexbuffers, &json!({"a": deep})),
            refusal(Key::Logs, flexbuffers, &json!({"a": {"b\0c": 1}})),
            refusal(Key::Logs, Encoding::Raw, &json!({})),
            refusal(Key::Logs, Encoding::Bilrost, &json!({})),
            refusal(Key::RuleBook, Encoding::Bilrost, &json!({})),
            refusal(Key::RuleBook, Encoding::Bilrost, &rule(json!({"concurrency": 0}))),
            refusal(Key::RuleBook, Encoding::Bilrost, &rule(json!({"rate": 1}))),
            refusal(Key::RuleBook, Encoding::Bilrost, &rule(json!({"concurrency": u64::MAX}))),
        ]
        .join("\n"),
        @r#"
    can't be encoded as flexbuffers: it is not an object
    can't be encoded as flexbuffers: it is nested deeper than 64
    can't be encoded as flexbuffers: the name "b\0c" has a zero byte in it
    is encoded as raw, which this program can't decode
    is encoded as bilrost, which this program can't decode
    can't be encoded as bilrost: missing field `rules`
    can't be encoded as bilrost: rules.a/*.limits.concurrency is 0: use at least 1, or null for no limit
    can't be encoded as bilrost: unknown field `rate`, expected `concurrency`
    can't be encoded as bilrost: invalid value: integer `18446744073709551615`, expected u32
    "#
    );
}

#[test]
fn value_that_json_cannot_express_is_not_editable() {
    let editable = |fill: fn(&mut flexbuffers::VectorBuilder<'_>)| {
        let mut builder = flexbuffers::Builder::default();
        let mut map = builder.start_map();
        map.push("version", 1_u32);
        let mut inner = map.start_map("inner");
        let mut list = inner.start_vector("list");
        fill(&mut list);
        list.end_vector();
        inner.end_map();
        map.end_map();
        let length = u32::try_from(builder.view().len()).unwrap();
        let bytes = [&[2], length.to_le_bytes().as_slice(), builder.view()].concat();
        is_editable(&Key::Logs, &bytes)
    };
    assert_eq!(editable(|list| list.push(0.5)), Ok(()));
    let lossy = |result| matches!(result, Err(CodecError::Lossy(_)));
    assert!(lossy(editable(|list| list.push(flexbuffers::Blob(&[1_u8, 2][..])))));
    assert!(lossy(editable(|list| list.push(f64::NAN))));
    assert!(lossy(editable(|list| list.push(&[1.0, f64::INFINITY]))));
    let mut book = vec![6];
    book.extend(rule_book::sample(3, &[("scope1/*", 5), ("a/*", 1)]));
    assert_eq!(is_editable(&Key::RuleBook, &book), Ok(()));
    book.extend([1 << 2, 42]);
    assert!(matches!(is_editable(&Key::RuleBook, &book), Err(CodecError::Lossy(_))));
}

//! What is accepted, what is refused, where, and in which words.

use proptest::prelude::*;

use std::time::Duration;

use super::*;

fn refusal(text: &str) -> String {
    parse(text, "target.toml").unwrap_err().to_string()
}

#[test]
fn an_etcd_section_in_a_whole_server_configuration() {
    let loaded = parse(
        r#"
            node-name = "n1"
            [metadata-client]
            type = "etcd"
            addresses = ["etcd-1:2379", "http://[::1]:2379/"]
            connect-timeout = "1m 30s"
            [admin]
            bind-port = 9070
        "#,
        "restate.toml",
    )
    .unwrap();
    let StoreConfig::Etcd(etcd) = &loaded.store else { panic!("not etcd") };
    assert_eq!(etcd.addresses, ["etcd-1:2379", "[::1]:2379"]);
    assert_eq!(etcd.timeouts.connect, Duration::from_secs(90));
    assert_eq!(etcd.timeouts.keep_alive, Duration::from_secs(5));
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_dynamo_db_section() {
    let parse = |more: &str| {
        parse(&format!("[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\n{more}"), "f")
            .unwrap()
    };
    let of = |loaded: StoreFile| match loaded.store {
        StoreConfig::DynamoDb(config) => config,
        other => panic!("{other:?}"),
    };
    let least = of(parse(""));
    assert_eq!((least.key_prefix.as_str(), &least.access), ("", &AwsAccess::DefaultChain));
    let loaded = parse(
        "key-prefix = \"a b/\"\naws-region = \"r\"\naws-endpoint-url = \"http://h:1\"\n\
         aws-access-key-id = \"k\"\naws-secret-access-key = \"s3cr3t\"\naws-allow-http = true",
    );
    assert_eq!(
        loaded.warnings,
        [
            "f: [metadata-client] has the field aws-allow-http, which type \"dynamo-db\" does not know"
        ]
    );
    assert!(!format!("{loaded:?}").contains("s3cr3t"));
    let whole = of(loaded);
    assert_eq!((whole.key_prefix.as_str(), whole.region.as_deref()), ("a b/", Some("r")));
    assert!(matches!(whole.access, AwsAccess::Keys { .. }));
    // As with the server, a secret without its key id says nothing.
    assert_eq!(of(parse("aws-secret-access-key = \"s\"")).access, AwsAccess::DefaultChain);
    let profile = of(parse("aws-profile = \"p\"\naws-secret-access-key = \"s\""));
    assert_eq!(profile.access, AwsAccess::Profile("p".to_owned()));
}

#[test]
fn replicated_is_also_embedded_and_the_default() {
    for (text, addresses) in [
        ("", &[][..]),
        ("type = \"embedded\"", &[]),
        ("type = \"replicated\"\naddress = \"http://a:5122/\"", &["http://a:5122"]),
        ("addresses = [\"http://a:1\", \"unix:/b\"]", &["http://a:1", "unix:/b"]),
    ] {
        let loaded = parse(&format!("[metadata-client]\n{text}"), "f").unwrap();
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        assert_eq!(loaded.store, StoreConfig::Replicated(addresses));
    }
}

#[test]
fn the_section_is_shown_as_written_without_its_secrets() {
    let text = r#"
        metadata-client.type = "etcd"
        metadata-client.addresses = ["a:1"]
        metadata-client.aws-secret-access-key = "s3cr3t"
        metadata-client.aws-session-token = 12345
        metadata-client.backoff-policy = { type = "none" }
        metadata-client.endpoint = "http://user:s3cr3t@host/path"
    "#;
    let loaded = parse(text, "f.toml").unwrap();
    insta::assert_snapshot!(loaded.section, @r#"
    [metadata-client]
    type = "etcd"
    addresses = ["a:1"]
    aws-secret-access-key = "<redacted>"
    aws-session-token = "<redacted>"
    endpoint = "http://<redacted>@host/path"

    [metadata-client.backoff-policy]
    type = "none"
    "#);
    insta::assert_snapshot!(loaded.warnings.join("\n"));
    let everything = format!("{loaded:?}");
    assert!(!everything.contains("s3cr3t") && !everything.contains("12345"), "{everything}");
}

#[test]
fn misspelt_field_is_reported_with_the_missing_one() {
    let text = "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b\"\naws_region = \"r\"\n\
                aws-regions = \"r\"\nconect-timeout = \"1s\"\npaths = \"s3://c\"";
    insta::assert_snapshot!(parse(text, "f").unwrap().warnings.join("\n"));
}

#[test]
fn placeholder_is_a_warning_with_its_line_and_without_its_value() {
    let text = "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b/{{ prefix }}\"\n\
                aws-region = \"CHANGEME\"\naws-access-key-id = \"<key id>\"\n\
                aws-secret-access-key = \"${S3CR3T}\"\naws-endpoint-url = \"http://${U}:s3cr3t@h\"\n\
                object-store-retry-policy = { type = \"none\", note = \"TODO\" }\n";
    let warnings = parse(text, "f").unwrap().warnings.join("\n");
    assert!(!warnings.to_lowercase().contains("s3cr3t"), "{warnings}");
    insta::assert_snapshot!(warnings);
}

#[test]
fn password_in_an_address_is_not_in_debug_texts() {
    for section in [
        "type = \"object-store\"\npath = \"s3://b/p\"\naws-endpoint-url = \"http://u:s3cr3t@h\"\naws-allow-http = true",
        "type = \"dynamo-db\"\ntable = \"t\"\naws-endpoint-url = \"http://u:s3cr3t@h\"",
        "type = \"etcd\"\naddresses = [\"u:s3cr3t@h:1\"]",
        "type = \"etcd\"\naddresses = [\"http://u:s3cr3t@h:1\"]",
        "type = \"replicated\"\naddresses = [\"http://u:s3cr3t@h:1\"]",
    ] {
        let shown = match parse(&format!("[metadata-client]\n{section}\n"), "f") {
            Ok(loaded) => format!("{loaded:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[test]
fn refusals_name_the_file_and_the_place() {
    let all = [
        "",
        "[metadata-client",
        "metadata-client = 5",
        "[metadata-client]\ntype = 5",
        "[metadata-client]\ntype = \"zookeeper\"",
        "[metadata-client]\ntype = \"dynamodb\"",
        "[metadata_client]\ntype = \"etcd\"",
        "[metadata-client]\ntype = \"etcd\"\nadresses = [\"a:1\"]",
        "[metadata-client]\ntype = \"dynamo-db\"\ntables = \"t\"",
        "[metadata-client]\ntype = \"dynamo-db\"",
        "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"\"",
        "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\nkey-prefix = 5",
        "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\naws-access-key-id = \"k\"",
        "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\naws-profile = \"p\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s3cr3t\"",
        "[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\naws-endpoint-url = \"host:1\"",
        "[metadata-client]\naddress = \"http://a:1\"\naddresses = [\"http://a:1\"]",
        "[metadata-client]\ntype = \"etcd\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = []",
        "[metadata-client]\ntype = \"etcd\"\naddresses = \"a:1\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\", 2]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a b:1\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"root:s3cr3t@a b:1\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1,b:1\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"https://a:1\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]\nconnect-timeout = 5",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]\nconnect-timeout = \"soon\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]\nkeep-alive-timeout = \"0s\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]\nmessage-size-limit = \"1x\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]\nbackoff-policy = { type = \"none\", }",
        "[metadata-client]\naddresses = [\"http://root:s3cr3t@a b:1\"]",
        "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b\"\nobject-store-retry-policy = { type = \"exponential\", initial-interval = \"1s\" }",
        "[metadata-client]\ntype = \"object-store\"\npath = \"s3://b/a%0Ab\"",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\", \"${HOST}:1\"]",
        "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\",\n\"<redacted>@b:1\"]",
        "[metadata-client]\nbackoff-policy = { type = \"none\", interval = \"<redacted>\" }",
        "[metadata-client]\ntype = \"etcd\"\naws-session-token = \"<redacted>\"\n\
         aws-secret-access-key = \"<redacted>\"",
    ]
    .map(refusal)
    .join("\n");
    assert!(!all.contains("s3cr3t"), "{all}");
    insta::assert_snapshot!(all);
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_any_text(text in any::<String>(), tail in "\\PC{0,40}") {
        let _ = parse(&text, "f");
        let _ = parse(&format!("[metadata-client]\ntype = \"etcd\"\naddresses = [{tail}"), "f");
        let _ = parse(&format!("[metadata-client]\ntype = \"etcd\"\naddresses = [\"{tail}\"]"), "f");
    }
}

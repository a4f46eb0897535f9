//! Migrations of a real cluster to S3, on which it starts.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::support::migration::{
    assert_status_on, assert_works_on_target, migrate, source_values, start_cluster_to_migrate,
};
use crate::support::restate::Mode;
use crate::support::s3::{Bucket, Object, moto, s3s_fs, seaweed};
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, official, restatectl};

/// Decodes the version and the bytes of a bilrost body without our own codec.
fn decode_object(object: &Object) -> (u32, Vec<u8>) {
    let (header, mut payload) = object.body.split_first().unwrap();
    assert_eq!(*header, b'e');
    assert_eq!(read_varint(&mut payload), 1 << 2, "tag 1, a varint: the salt");
    read_varint(&mut payload);
    assert_eq!(read_varint(&mut payload), 1 << 2 | 1, "tag 2, a message: the value");
    assert_eq!(read_varint(&mut payload), payload.len() as u64);
    assert_eq!(read_varint(&mut payload), 1 << 2, "tag 1, a varint: the version");
    let version = u32::try_from(read_varint(&mut payload)).unwrap();
    assert_eq!(read_varint(&mut payload), 1 << 2 | 1, "tag 2: the bytes");
    assert_eq!(read_varint(&mut payload), payload.len() as u64);
    (version, payload.to_vec())
}

/// Reads a bilrost varint, which is bijective: each number has one form.
fn read_varint(payload: &mut &[u8]) -> u64 {
    let mut number = 0_u128;
    for index in 0..9 {
        let (byte, rest) = payload.split_first().unwrap();
        *payload = rest;
        number += u128::from(*byte) << (7 * index);
        if *byte < 128 {
            break;
        }
    }
    u64::try_from(number).unwrap()
}

fn read_values(bucket: &Bucket, prefix: &str) -> BTreeMap<String, (u32, Vec<u8>)> {
    let dump = bucket.objects();
    let below = dump.iter().filter_map(|(name, object)| {
        assert_eq!(object.encoding.as_deref(), Some("binary/bilrost+v1"), "{name}");
        assert_eq!(object.content_type.as_deref(), Some("application/octet-stream"), "{name}");
        Some((name.strip_prefix(prefix)?.to_owned(), decode_object(object)))
    });
    below.collect()
}

#[test]
fn migrated_cluster_runs_on_s3() {
    let mut cluster = start_cluster_to_migrate();
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let section = bucket.section("nested/prefix/");
    let toml = write_file(&folder, "s3.toml", &section);
    let before = source_values(&cluster);
    let dry = migrate(&cluster, &toml, &["--dry-run", "-o", "json"]).expect(0).json();
    let checks = dry["checks"].as_array().unwrap();
    let probe = checks.iter().find(|check| check["check"] == "store-probe").unwrap();
    assert_eq!(probe["status"], "skipped");
    assert!(bucket.objects().is_empty());
    let run = migrate(&cluster, &toml, &[]).expect(0);
    assert!(run.out.contains("aws-secret-access-key = \"<redacted>\""), "{}", run.out);
    assert!(run.out.contains("Restate supports only Amazon S3"), "{}", run.out);
    // The section of the next steps is not a configuration yet.
    let start = run.out.find("[metadata-client]").unwrap();
    let printed = run.out[start..].split("\n\n").next().unwrap();
    let printed = write_file(&folder, "printed.toml", printed);
    let list = ["metadata", "list", "--from", &printed];
    assert_refused(&list, 2, "config-invalid", &["aws-secret-access-key has <redacted>"]);
    assert!(!format!("{run:?}").contains(&bucket.s3.secret));
    // Nothing but the keys is left, and each is what the source has.
    assert_eq!(read_values(&bucket, "nested/prefix/"), before);
    assert_eq!(bucket.objects().len(), before.len());

    assert_status_on(&cluster, &toml, "cannot-tell");
    assert_works_on_target(&mut cluster, &section, &toml);
    assert_status_on(&cluster, &toml, "yes");
    let elsewhere = write_file(&folder, "elsewhere.toml", &bucket.section("nested/"));
    assert_status_on(&cluster, &elsewhere, "no");
    // What Restate itself writes there is read, too.
    let get =
        |key: &str| restatectl(&["metadata", "get", "-k", key, "--from", &toml]).expect(0).json();
    assert_eq!(get("rule_book")["version"], 2);
    assert!(get("nodes_config")["version"].as_u64().unwrap() > u64::from(before["nodes_config"].0));
    let listed = restatectl(&["metadata", "list", "--from", &toml, "-o", "json"]).expect(0).json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), before.len());
}

#[test]
fn migrated_cluster_runs_on_s3s_fs_and_then_on_moto() {
    let mut cluster = start_cluster_to_migrate();
    let (one, other, folder) = (s3s_fs().bucket(), moto().bucket(), TempDir::new().unwrap());
    let sections = [one.section("some/prefix"), other.section("")];
    let one_toml = write_file(&folder, "s3s-fs.toml", &sections[0]);
    let other_toml = write_file(&folder, "moto.toml", &sections[1]);
    let before = source_values(&cluster);
    migrate(&cluster, &one_toml, &[]).expect(0);
    assert_eq!(read_values(&one, "some/prefix/"), before);
    assert_eq!(one.objects().len(), before.len());
    cluster.restart(&Mode::External(sections[0].clone()));
    cluster.wait_for_rules(&["scope1/*"]);
    cluster.stop();
    let migrate = ["metadata", "migrate", "--from", &one_toml, "--toml", &other_toml];
    restatectl(&migrate).expect(0);
    // Of what Restate writes itself, the type of the content is not compared.
    restatectl(&["metadata", "verify", "--from", &one_toml, "--toml", &other_toml]).expect(0);
    cluster.restart(&Mode::External(sections[1].clone()));
    cluster.wait_for_rules(&["scope1/*"]);
}

#[test]
fn objects_equal_those_of_the_official_tool_below_any_prefix() {
    let cluster = start_cluster_to_migrate();
    let folder = TempDir::new().unwrap();
    for prefix in [
        "",
        "plain",
        "a/b/c",
        "my prefix",
        "é+~#z",
        "a/./b/../c",
        "x%20y",
        "q?r",
        "(!$&'*,;=:@)",
        "^`{|}<>",
    ] {
        let (ours, theirs) = (seaweed().bucket(), seaweed().bucket());
        let our_toml = write_file(&folder, "ours.toml", &ours.section(prefix));
        let their_toml = write_file(&folder, "theirs.toml", &theirs.section(prefix));
        migrate(&cluster, &our_toml, &[]).expect(0);
        official(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &their_toml])
            .expect(0);
        let names = |bucket: &Bucket| -> Vec<String> {
            bucket.objects().into_keys().filter(|name| !name.ends_with("rule_book")).collect()
        };
        assert_eq!(names(&ours), names(&theirs), "{prefix}");
        // Compared by our own reader, only the rules are missing from theirs.
        let verify =
            ["metadata", "verify", "--from", &our_toml, "--toml", &their_toml, "-o", "json"];
        let summary = restatectl(&verify).expect(4).json()["summary"].clone();
        assert_eq!((&summary["same"], &summary["missing"]), (&8.into(), &1.into()), "{prefix}");
    }
}

#[test]
fn tombstones_are_replaced_and_existing_objects_are_refused() {
    let cluster = start_cluster_to_migrate();
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let toml = write_file(&folder, "s3.toml", &bucket.section("p"));
    bucket.put(&[
        ("p/rule_book", b"d", None),
        ("p/pp_epoch_77", b"d", None),
        ("p/other", b"o", None),
    ]);
    migrate(&cluster, &toml, &[]).expect(0);
    let before = read_values_except(&bucket, &["p/other", "p/pp_epoch_77"]);
    let refused = migrate(&cluster, &toml, &["-o", "json"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    // Forced, every object is replaced under its ETag, and a stale epoch becomes a tombstone.
    let stale = bucket.objects()["p/pp_epoch_0"].clone();
    bucket.put(&[
        ("p/pp_epoch_78", &stale.body, stale.encoding.as_deref()),
        ("p/pp_epoch_1", b"e!", None),
    ]);
    migrate(&cluster, &toml, &["--resume"]).expect(5);
    migrate(&cluster, &toml, &["--force", "-y"]).expect(0);
    assert_eq!(bucket.objects()["p/pp_epoch_78"].body, b"d");
    assert_eq!(bucket.objects()["p/other"].body, b"o");
    assert_eq!(read_values_except(&bucket, &["p/other", "p/pp_epoch_77", "p/pp_epoch_78"]), before);
}

fn read_values_except(bucket: &Bucket, others: &[&str]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let dump = bucket.objects().into_iter().filter(|(name, _)| !others.contains(&name.as_str()));
    dump.map(|(name, object)| (name, decode_object(&object))).collect()
}

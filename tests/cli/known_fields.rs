//! The documents of commands that only read and fail: beside the error they have what was known by then.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

/// Returns the fields of a failed command's document, each store by its name, without the error and the format.
fn known_fields(args: &[&str], code: i32) -> Json {
    let run = restatectl(&[args, &["-o", "json"]].concat()).expect(code);
    let mut document = run.json();
    let fields = document.as_object_mut().unwrap();
    assert!(fields.remove("error").is_some() && fields.remove("format").is_some(), "{args:?}");
    for field in ["store", "source", "target"] {
        if let Some(store) = fields.get_mut(field) {
            *store = store["name"].take();
        }
    }
    document
}

#[test]
fn failed_commands_name_the_stores_and_the_key_as_far_as_they_are_known() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    let (empty, name) = (etcd.toml(), format!("etcd {}", etcd.address()));
    let gone = write_file(&folder, "gone.toml", &etcd_section(&["127.0.0.1:1".to_owned()]));
    let saved = save_generated(&folder, &generate_snapshot(1));
    let new = folder.path().join("new.jsonl").to_str().unwrap().to_owned();
    let address = "http://127.0.0.1:1";
    let absent = folder.path().join("absent.toml").to_str().unwrap().to_owned();
    let cases: [(&[&str], i32, Json); 9] = [
        (&["get", "-k", "absent", "--from", &empty], 3, json!({"key": "absent", "store": name})),
        (&["get", "-k", "rule_book", "--from", &absent], 2, json!({"key": "rule_book"})),
        (&["list", "--from", &gone], 6, json!({"store": "etcd 127.0.0.1:1"})),
        (&["list", "-s", address], 6, json!({})),
        (&["check", "--from", &empty], 5, json!({"store": name})),
        (&["describe", "--from", &empty], 5, json!({"store": name})),
        (&["backup", "--from", &empty, "--to", &new], 5, json!({"store": name})),
        (&["verify", "-s", address, "--toml", &empty], 6, json!({"target": name})),
        (
            &["verify", "--from", &saved, "--toml", &gone],
            6,
            json!({"source": format!("backup {saved}"), "target": "etcd 127.0.0.1:1"}),
        ),
    ];
    for (args, code, expected) in cases {
        let args = [&["metadata", "--connect-timeout", "300"], args].concat();
        assert_eq!(known_fields(&args, code), expected, "{args:?}");
        let text = restatectl(&args).expect(code);
        assert!(text.out.is_empty() && text.err.contains("error: "), "{text:?}");
    }
    let wait = ["wait", "--for", "stopped", "-s", address];
    assert_eq!(known_fields(&wait, 6), json!({"condition": "stopped"}));
}

//! Values of a configuration that nobody filled in: placeholders are warned of, and what this program prints in place
//! of a secret is refused.

use tempfile::TempDir;

use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};

#[test]
fn placeholder_is_warned_of_with_file_line_and_field() {
    let folder = TempDir::new().unwrap();
    // Every request fails: nothing listens there.
    let section = "[metadata-client]\ntype = \"object-store\"\npath = \"s3://bucket/{{ prefix }}\"\n\
                   aws-region = \"us-east-1\"\naws-access-key-id = \"CHANGEME\"\n\
                   aws-secret-access-key = \"${S3CR3T}\"\naws-allow-http = true\n\
                   aws-endpoint-url = \"http://127.0.0.1:1\"\n";
    let toml = write_file(&folder, "s3.toml", section);
    let list = ["--request-timeout", "300", "metadata", "list", "--from", &toml];
    let run = restatectl(&list).expect(6);
    for words in [
        "s3.toml, line 3, column 8: path has the placeholder {{…}}, which nobody filled in",
        "s3.toml, line 5, column 21: aws-access-key-id has the placeholder CHANGEME",
        "s3.toml, line 6, column 25: aws-secret-access-key has the placeholder ${…}",
    ] {
        assert!(run.err.contains(words), "{words:?} is not in {}", run.err);
    }
    assert!(!run.err.contains("S3CR3T"), "{}", run.err);
    // Where the placeholder is what makes the value invalid, the error says so.
    let section = "[metadata-client]\ntype = \"etcd\"\naddresses = [\"${HOST}:2379\"]";
    let toml = write_file(&folder, "etcd.toml", section);
    let words = ["is not a valid address", "addresses has the placeholder ${…}"];
    assert_refused(&["metadata", "list", "--from", &toml], 2, "config-invalid", &words);
}

#[test]
fn redacted_secret_is_refused_in_every_field() {
    let folder = TempDir::new().unwrap();
    for (lines, place) in [
        ("aws-secret-access-key = \"<redacted>\"", "line 4, column 25: aws-secret-access-key has"),
        ("addresses = [\"a:1\", \"<redacted>@b:1\"]", "line 4, column 21: addresses has"),
        (
            "backoff-policy = { type = \"<redacted>\" }",
            "line 4, column 27: backoff-policy.type has",
        ),
    ] {
        let section = format!("[metadata-client]\ntype = \"dynamo-db\"\ntable = \"t\"\n{lines}\n");
        let toml = write_file(&folder, "store.toml", &section);
        let words = [place, "<redacted>", "put the real value there"];
        for command in ["list", "verify", "migrate"] {
            assert_refused(&["metadata", command, "--toml", &toml], 2, "config-invalid", &words);
        }
    }
}

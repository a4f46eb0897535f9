//! Foreign and oversized objects beside the keys: they cost no more than a look at the listing, and break no
//! command.

use serde_json::json;
use tempfile::TempDir;

use crate::support::listing::key_names;
use crate::support::peak_memory::run_measured;
use crate::support::s3::{moto, s3s_fs, seaweed};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl};

/// A body of 36 MiB, which is more than a value can have.
const LARGE: usize = 36 << 20;

/// An epoch as a body: header, salt, version, bytes.
const EPOCH: &[u8] = b"e\x04\x07\x05\x07\x04\x01\x05\x03\x06\x04\x01";

const BILROST: Option<&str> = Some("binary/bilrost+v1");

#[test]
fn empty_large_and_odd_objects_break_nothing() {
    for s3 in [seaweed(), moto(), s3s_fs()] {
        let (bucket, folder) = (s3.bucket(), TempDir::new().unwrap());
        bucket.put(&[
            ("p/pp_epoch_0", EPOCH, BILROST),
            ("p/pp_epoch_2", EPOCH, None),
            ("p/pp_epoch_3", b"", None),
            ("p/pp_epoch_0.bak", EPOCH, BILROST),
            ("p/.keep", b"", None),
            ("p/restatectl-probe-0", EPOCH, BILROST),
        ]);
        let large = json!({"bucket": bucket.name, "size": LARGE, "encoding": BILROST,
            "keys": ["p/large", "p/pp_epoch_1"]});
        s3.boto("put_large", &large);
        let toml = write_file(&folder, "s3.toml", &bucket.section("p"));
        let list = ["metadata", "list", "--from", &toml, "-o", "json"];
        let measured = run_measured(command(&program(), &list));
        let run = measured.run.expect(0);
        assert!(measured.peak_mib < 64, "{} MiB", measured.peak_mib);
        for words in [
            "pp_epoch_1 has 36.00 MiB, and is not read",
            "pp_epoch_2 lacks its header Content-Encoding",
            "pp_epoch_3 is an object without a body",
        ] {
            assert!(run.err.contains(words), "{words}: {}", run.err);
        }
        let listed = run.json();
        let epochs = ["pp_epoch_0", "pp_epoch_1", "pp_epoch_2", "pp_epoch_3", "pp_epoch_0.bak"];
        assert_eq!(key_names(&listed), epochs);
        assert_eq!(listed["foreign"], 3);
        let get = ["metadata", "get", "--from", &toml, "-o", "json", "-k", "pp_epoch_1"];
        let document = restatectl(&get).expect(5).json();
        assert_eq!(document["error"]["code"], "value-corrupt");
    }
}

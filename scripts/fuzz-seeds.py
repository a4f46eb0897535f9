#!/usr/bin/env python3
"""Makes the first inputs of coverage-guided fuzzing out of the sample of a stopped node, into fuzz/corpus.

They are in the repository; run it again after a change of the sample. Run it with
.cache/python/bin/python, after scripts/setup.sh.
"""

import base64
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

project = pathlib.Path(__file__).resolve().parent.parent
sample = project / "tests/stopped_node/sample"
store = sample / "node-1/replicated-metadata-server"
corpus = project / "fuzz/corpus"

# As in src/fuzz.rs.
KEYS = ["nodes_config", "bifrost_config", "partition_table", "schema_registry", "rule_book", "pp_epoch_0", "another"]


def save(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(content)


def dump_store():
    """Returns the keys and values of each column family."""
    with tempfile.TemporaryDirectory() as folder:
        # RocksDB leaves files there, also if it only reads.
        copy = shutil.copytree(store, pathlib.Path(folder) / "copy")
        oracle = [sys.executable, project / "tests/support/rocksdb_oracle.py", "dump", copy]
        lines = subprocess.run(oracle, check=True, capture_output=True, text=True).stdout.splitlines()
    return [[bytes.fromhex(part.replace("-", "")) for part in line.split()[1:]] for line in lines]


def main():
    for path in store.iterdir():
        content = path.read_bytes()
        if path.suffix == ".sst":
            save("read_table", path.stem, content)
        elif path.suffix == ".log":
            save("read_log", path.stem, content)
        elif path.name.startswith("MANIFEST"):
            save("read_manifest", path.name, content)
    backup = (sample / "answers.jsonl").read_bytes()
    save("parse_backup", "answers", backup)
    for line in backup.splitlines():
        entry = json.loads(line)
        if "key" in entry and entry["key"] in KEYS:
            value = base64.b64decode(entry["value"])
            save("decode_value", entry["key"], bytes([KEYS.index(entry["key"])]) + value)
            save("decode_object", entry["key"], b"e\x04\x01\x05" + value)
    pairs = dump_store()
    for number, (key, value) in enumerate(pairs):
        if number % 8 == 0 or not key.startswith(b"l"):
            save("parse_messages", number, value)
    parts = [part for pair in pairs for part in pair]
    save("rebuild_state", "member", b"".join(struct.pack("<H", len(part)) + part for part in parts))
    save("read_parts", "batch", struct.pack("<QI", 7, 1) + b"\x05\x02\x01a\x01b")
    for number, section in enumerate(SECTIONS):
        save("parse_configuration", number, section.encode())


SECTIONS = [
    '[metadata-client]\ntype = "etcd"\naddresses = ["http://etcd-1:2379", "etcd-2:2379"]\nconnect-timeout = "3s"\n',
    '[metadata-client]\ntype = "object-store"\npath = "s3://bucket/prefix"\naws-region = "eu-central-1"\n'
    'aws-access-key-id = "a"\naws-secret-access-key = "b"\naws-allow-http = true\n'
    'object-store-retry-policy = { type = "exponential", initial-interval = "100ms", factor = 1.5, max-interval = "1m" }\n',
    '[metadata-client]\ntype = "dynamo-db"\ntable = "t"\nkey-prefix = "p/"\naws-endpoint-url = "http://[::1]:80"\n',
    '[metadata-client]\ntype = "replicated"\naddresses = ["http://n1:5122"]\nmessage-size-limit = "32 MiB"\n',
]

if __name__ == "__main__":
    main()

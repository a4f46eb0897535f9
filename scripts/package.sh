#!/usr/bin/env bash
# Builds a Debian package of the release build in target/debian. Arguments go to cargo-deb.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building (a release build takes some minutes)"
cargo build --quiet --release --locked --bin restatectl
cargo run --quiet --locked --example packaging -- target/packaging
.cache/cargo/bin/cargo-deb deb --no-build --locked "$@"

#!/usr/bin/env bash
# Checks formatting, lints and documentation, and runs the unit tests. Needs no server.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh debian
cargo fmt --all --check
cargo clippy --quiet --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --locked
cargo test --quiet --lib --locked

#!/usr/bin/env bash
# Runs a migration on real servers, explained step by step: examples/demo.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building (the first time takes some minutes)"
cargo build --quiet --locked --bins --example demo
exec "${CARGO_TARGET_DIR:-target}/debug/examples/demo"

#!/usr/bin/env bash
# A migration from start to end on real servers, as a guided tour: examples/demo.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "building (the first time takes some minutes)"
cargo build --quiet --locked --bins --example demo
exec target/debug/examples/demo

#!/usr/bin/env bash
# Every test, over real servers. Arguments go to the test runner: a filter, or -- and its options.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo test --locked "$@"

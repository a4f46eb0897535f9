#!/usr/bin/env bash
# Runs the tests, over real servers. Arguments go to cargo test: a target, a filter, or -- and options.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo test --locked "$@"

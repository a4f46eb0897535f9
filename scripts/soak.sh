#!/usr/bin/env bash
# Runs the long form of the safety tests: more than a hundred kills per store, more races, a million cases
# per fuzz test. Run by hand, not in CI. docs/testing.md has its last output.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
export RESTATECTL_SOAK=1 RESTATECTL_FUZZ_CASES=1000000
echo "== $RESTATECTL_FUZZ_CASES cases per fuzz test"
cargo test --release --locked --lib fuzz
echo "== kills, races, the fault matrix, lost leaders"
cargo test --locked --test integration -- --nocapture kills:: races:: fault_matrix:: lost_leaders::

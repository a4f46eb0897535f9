#!/usr/bin/env bash
# Runs the tests, over real servers. Arguments go to cargo test: a target, a filter, or -- and options.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# The tests wait for servers and time-outs more than they compute.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) * 2))}"
# The image is made of a second build: ahead of all tests, so that its compiler does not slow their servers down.
[ $# -gt 0 ] || PROFILE=dev scripts/static.sh
# Behind nohup, or with & in a script, signals are ignored, also by the programs that the tests start and interrupt.
env --default-signal=HUP,INT,QUIT cargo test --locked "$@"

#!/usr/bin/env bash
# Runs the tests, over real servers. Arguments go to cargo test: a target, a filter, or -- and options.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh debian
# On a new machine, servers and tests are built side by side: near its end a build keeps only one core busy.
# Bash starts what follows & with the signals of the terminal ignored, but Ctrl-C shall end the set-up too.
env --default-signal=HUP,INT,QUIT scripts/setup.sh &
setup=$!
trap wait EXIT
cargo test --locked --no-run "$@"
# The image is made of a second build: ahead of all tests, so that its compiler does not slow their servers down.
[ $# -gt 0 ] || PROFILE=dev scripts/static.sh
wait "$setup"
# The tests wait for servers and time-outs more than they compute.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) * 3))}"
# Behind nohup, or with & in a script, signals are ignored, also by the programs that the tests start and interrupt.
env --default-signal=HUP,INT,QUIT cargo test --locked "$@"

#!/usr/bin/env bash
# Runs the long form of the safety tests: more than a hundred kills per store, more races, a million cases
# per fuzz test, and a migration there and back with every published server. Run by hand, not in CI. docs/testing.md has its last output.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
export RESTATECTL_SOAK=1 RESTATECTL_FUZZ_CASES=1000000
echo "== $RESTATECTL_FUZZ_CASES cases per fuzz test"
cargo test --release --locked --lib fuzz
echo "== kills, races, the fault matrix, lost leaders, roll-backs asked again, every edit of the oracle"
cargo test --locked --test integration -- --nocapture kills:: races:: fault_matrix:: lost_leaders:: asked_again:: oracle::

# Every other published server, one at a time: each takes about 200 MB.
for version in 1.7.4 1.7.6 1.7.8 1.7.9 1.7.10; do
    echo "== Restate $version: to etcd, started there, rolled back, started"
    folder=$PWD/.cache/soak/$version
    npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error \
        "@restatedev/restate-server-linux-x64@$version" >/dev/null
    RESTATECTL_SERVER=$folder/node_modules/@restatedev/restate-server-linux-x64 \
        cargo test --locked --test integration -- --nocapture chosen_server
    rm -r "$folder"
done

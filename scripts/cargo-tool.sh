#!/usr/bin/env bash
# Builds a subcommand of cargo from crates.io into .cache/cargo, unless it is there: cargo-tool.sh NAME VERSION.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(.cache/cargo/bin/cargo-"$1" "$1" --version 2>/dev/null)" != "cargo-$1 $2" ] || exit 0
echo "set-up: building cargo-$1@$2 into .cache/cargo (one to four minutes)"
cargo install --quiet --force --root .cache/cargo --locked "cargo-$1@$2"

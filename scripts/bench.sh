#!/usr/bin/env bash
# The official tool and ours side by side, release builds, on real servers. For people, not for CI.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
cargo bench --locked --bench side_by_side

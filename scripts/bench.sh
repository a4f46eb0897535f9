#!/usr/bin/env bash
# The official tool and ours side by side, release builds, on real servers. For people, not for CI.
# Arguments are parts of it: local, distance, growth, small. Draws docs/performance.svg anew.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "$(date -u +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(rustc --version)"
cargo bench --locked --bench side_by_side -- "$@"

#!/usr/bin/env bash
# Measures the official tool and this one, release builds, on real servers. Run by hand, not in CI.
# Arguments select parts: local, distance, growth, small, window. Draws docs/performance.svg. With `compare`,
# OTHER_PROGRAM names another build of this program, which is measured in turn with this one.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "$(date -u +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(rustc --version)"
cargo bench --locked --bench side_by_side -- "$@"

#!/usr/bin/env bash
# Records a maintenance window on real servers and draws docs/recording.svg, which the README opens with. Run it by
# hand after the program's output has changed. See examples/recording.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Only the recording needs these, so scripts/setup.sh does not install them.
missing=()
command -v asciinema >/dev/null 2>&1 || missing+=(asciinema)
/usr/bin/python3 -c "import pyte" 2>/dev/null || missing+=(python3-pyte)
if [ "${#missing[@]}" -gt 0 ]; then
    echo "recording: installing Debian packages: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

cargo build --quiet --locked --bins --example recording
mkdir -p target/recording
"${CARGO_TARGET_DIR:-target}/debug/examples/recording" target/recording/migration.cast
scripts/cast-to-svg.py target/recording/migration.cast docs/recording.svg
ls -l docs/recording.svg

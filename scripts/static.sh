#!/usr/bin/env bash
# Builds the program without shared libraries: with musl if the toolchain has it, otherwise with glibc.
# PROFILE=dev builds without optimisation.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
folder=$profile options=()
if [ "$profile" = dev ]; then
    folder=debug
    # This build is for tests that start it now and then: how long it takes to build counts more than how fast it is.
    options=(--config 'profile.dev.package."*".opt-level=0' --config profile.dev.debug=false)
fi
# Fails without rustup or network; the next check decides.
rustup target add x86_64-unknown-linux-musl 2>/dev/null || true
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-musl" ]; then
    target=x86_64-unknown-linux-gnu
    echo "static: $target, since the toolchain has no musl (rustup target add x86_64-unknown-linux-musl)"
elif ! command -v musl-gcc >/dev/null; then
    target=x86_64-unknown-linux-gnu
    echo "static: $target, since there is no musl-gcc for the C sources (Debian: musl-tools)"
else
    target=x86_64-unknown-linux-musl
    echo "static: $target"
fi
RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --bin restatectl --profile "$profile" "${options[@]}" --target "$target" --target-dir target/static
program=target/static/$target/$folder/restatectl
if LC_ALL=C readelf --program-headers "$program" | grep -q INTERP; then
    echo "static: $program wants a loader, so it is not" >&2
    exit 1
fi
echo "static: $program"

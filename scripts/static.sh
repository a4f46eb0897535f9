#!/usr/bin/env bash
# The program without shared libraries: with musl where the toolchain has it, otherwise with glibc.
# PROFILE=dev builds without optimisation.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
folder=$profile
[ "$profile" = dev ] && folder=debug
# What rustup has not installed, it may get.
rustup target add x86_64-unknown-linux-musl 2>/dev/null || true
if [ -d "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-musl" ]; then
    target=x86_64-unknown-linux-musl
    echo "static: $target (the build of C sources needs musl-gcc; Debian: musl-tools)"
else
    target=x86_64-unknown-linux-gnu
    echo "static: $target, since the toolchain has no musl (rustup target add x86_64-unknown-linux-musl)"
fi
RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --bin restatectl --profile "$profile" --target "$target" --target-dir target/static
echo "static: target/static/$target/$folder/restatectl"

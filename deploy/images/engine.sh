# shellcheck shell=bash
# Settings that let podman and buildah run where cgroups are old or resource limits may not be raised. Sourced by the other scripts.
engine_conf=${TMPDIR:-/tmp}/crosscheck-containers.conf
cat >"$engine_conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
[engine]
runtime = "runc"
CONF
export CONTAINERS_CONF=${CONTAINERS_CONF:-$engine_conf}

#!/bin/sh
# Builds the image, starts it, and asks it: ./test.sh, or ENGINE=podman ./test.sh
set -eu
cd "$(dirname "$0")"
engine=${ENGINE:-docker}
container=@name@-test-$$
$engine build -t @name@ .
trap '$engine rm -f -v "$container" >/dev/null 2>&1' EXIT
$engine run -d --name "$container" @name@

# retry COMMAND...: until it succeeds, for a minute at most
retry() {
    for _ in $(seq 60); do
        if "$@"; then return 0; fi
        sleep 1
    done
    $engine logs "$container"
    echo "failed: $*" >&2
    return 1
}
in_container() { $engine exec "$container" "$@"; }

# shellcheck disable=SC2016 # the container's shell puts the port in
retry in_container sh -c 'container-manager probe http --body Hello "http://127.0.0.1:$@NAME@_PORT/"'
in_container container-manager check-readiness
in_container /image/backup/backup.py
in_container container-manager backup list
$engine stop -t 60 "$container"
echo "@name@ works"

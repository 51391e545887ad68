#!/bin/sh
# Hangs where the test says so, with a child that does not end by itself either.
set -eu
[ -z "${STEP_HANGS-}" ] || {
	echo hanging
	sleep 1000
}

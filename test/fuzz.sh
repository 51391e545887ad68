#!/bin/sh
# Runs each fuzz target of the tree for FUZZTIME, one after the other. What fails is
# left below the package's testdata/fuzz, where go test finds it again. Making an input
# smaller gets a few tries only: it would take most of the time.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0
# shellcheck disable=SC2013 # the names hold no blanks
for file in $(grep -rl --include='*_test.go' '^func Fuzz' pkg test | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "$(dirname "$file"): $target for ${FUZZTIME:=1m}"
		go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x -parallel "${FUZZPARALLEL:-1}" || status=1
	done
done
exit $status

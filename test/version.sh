#!/bin/sh
# version.sh prints the version of this checkout: 1.0.0 where the commit has the tag
# v1.0.0 and nothing is changed, else 1.0.0-dev+COMMIT with the newest version of
# CHANGELOG.md, and .dirty behind it where something is changed.
set -eu
cd "$(dirname "$0")/.."

newest=$(test/changelog.sh)
# git looks in the directories above too, which are another project's for an unpacked archive.
if [ ! -e .git ] || ! commit=$(git rev-parse --short HEAD 2>/dev/null); then
	echo "$newest-dev"
	exit
fi
dirty=$(git status --porcelain --untracked-files=no 2>/dev/null)
if [ -z "$dirty" ] && tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null); then
	echo "${tag#v}"
else
	echo "$newest-dev+$commit${dirty:+.dirty}"
fi

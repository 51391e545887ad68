#!/bin/sh
# changelog.sh [VERSION]
#
# Prints the newest version that CHANGELOG.md has a section for, or with a version
# that section, as the notes of its release: its links lead to the files at the tag,
# and a paragraph is one line, because the page of a release keeps line breaks.
set -eu
cd "$(dirname "$0")/.."

if [ $# = 0 ]; then
	sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1
	exit
fi

notes=$(awk -v heading="## [$1]" '
	/^## / { inside = index($0, heading) == 1; next }
	/^\[.*\]: / || !inside { next }
	/^$/ || /^- / || /^#/ { if (text != "") print text; text = $0; if (/^$/ || /^#/) { print; text = "" } next }
	{ sub(/^ +/, ""); text = text == "" ? $0 : text " " $0 }
	END { if (text != "") print text }
' CHANGELOG.md)
if [ -z "$notes" ]; then
	echo "changelog: CHANGELOG.md has no section for $1: write one, \"## [$1] - DATE\"" >&2
	exit 1
fi
echo "$notes" | sed "/./,\$!d; s|](\([a-z]*/[^):]*\))|](https://github.com/ZPascal/container-manager/blob/v$1/\1)|g"

#!/bin/sh
# lint.sh runs every check of the sources, says all that they find, and fails
# when one did.
set -u
cd "$(dirname "$0")/.." || exit 1

gofumpt=mvdan.cc/gofumpt@v0.12.0
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0

status=0
failed() {
	echo "lint: $*" >&2
	status=1
}

# Shell scripts are known by their first line.
shell_scripts() {
	find . -path ./build -prune -o -path ./.git -prune -o -type f -exec \
		awk 'FNR == 1 && /^#!.*[\/ ](ba|da)?sh( |$)/ { print FILENAME } { nextfile }' {} +
}

# gofumpt -l lists what it would format, and exits 0.
unformatted=$(go run "$gofumpt" -l .) || failed "gofumpt"
[ -z "$unformatted" ] || failed "not formatted, go run $gofumpt -w . does it:" "$unformatted"

go vet ./... || failed "go vet"

go run "$staticcheck" ./... || failed "staticcheck"

go mod verify >/dev/null || failed "go mod verify"

# go run says the status of what it ran in words only. A vulnerability is status 3;
# without its database, which is on the network, nothing can be said.
found=$(go run "$govulncheck" ./cmd/... 2>&1)
case "$found" in
*"No vulnerabilities found"*) ;;
*"exit status 3"*) failed "govulncheck:" "$found" ;;
*) echo "lint: no vulnerability was looked for, because govulncheck did not run: $found" >&2 ;;
esac

case "$(shellcheck --version)" in
*"version: 0."[0-8].*) failed "shellcheck 0.9 or newer is needed: shellcheck --version" ;;
esac
shell_scripts | grep -v '^./pkg/skeleton/child/' | xargs shellcheck || failed "shellcheck"

# The scripts of the skeleton have marks in place of the name.
# shellcheck disable=SC2044 # the names hold no blanks
for script in $(find pkg/skeleton/child -name '*.sh'); do
	sed 's/@NAME@/HELLO/g; s/@name@/hello/g' "$script" | shellcheck - || failed "shellcheck: $script"
done

go run "$actionlint" .github/workflows/*.yml || failed "actionlint"

# zizmor is no Go module, and no package of Debian. Workflows run it.
if command -v zizmor >/dev/null; then
	zizmor --offline --quiet .github || failed "zizmor"
else
	echo "lint: no weakness of the workflows was looked for, because there is no zizmor: see https://docs.zizmor.sh/installation" >&2
fi

exit "$status"

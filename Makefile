# make help lists the targets. run, test, lint and bench install what they need
# and the machine lacks (test/install.sh says what, and does it).

# Everything that is made goes here; make BUILD=/elsewhere where that is not writable.
BUILD ?= $(CURDIR)/build
IMAGE ?= container-manager
# Where the image takes filebeat from: elastic or compiled (see Dockerfile.alpine).
FILEBEAT ?= elastic
# How long make faults runs.
FAULTS_FOR ?= 1h
# More for go test: make test TESTFLAGS='-run TestLoad -v'
TESTFLAGS ?=

ifndef VERSION
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
endif

REVISION := $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)

PACKAGE := ./cmd/container-manager
CLI := github.com/ZPascal/container-manager/pkg/cli
BINARY := $(BUILD)/bin/container-manager
# Static, and the same bytes wherever and from whatever kind of checkout it is built:
# the commit is handed over, because go finds none in an unpacked archive and fails
# for a checkout of another user.
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags '-s -w -X $(CLI).version=$(VERSION) -X $(CLI).revision=$(REVISION)'

# sudo and minimal images leave these out.
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin

.PHONY: help run build quick test test-slow lint fuzz faults bench image dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

run: build ## run the example app below build/run until Ctrl-C: http://127.0.0.1:8080, or APP_PORT=...
	@test/install.sh run
	@exec test/run-example.sh '$(BINARY)' '$(BUILD)/run'

build: ## build the static binary: build/bin/container-manager
	@command -v go >/dev/null || { echo 'make: Go is missing: see https://go.dev/dl' >&2; exit 1; }
	@mkdir -p '$(BUILD)/bin' && test -w '$(BUILD)/bin' || { \
		echo 'make: $(BUILD)/bin cannot be written: sudo make clean, or make $(or $(firstword $(MAKECMDGOALS)),build) BUILD=DIR' >&2; exit 1; }
	$(GOBUILD) -o '$(BINARY)' $(PACKAGE)

# -vet=off: make lint runs all of it.
quick: ## the inner loop: the tests of pkg/ that need neither root nor an installed program
	go test -short -vet=off $(TESTFLAGS) ./pkg/...

test: ## install and make what the tests need, lint, and run all tests
	@test/install.sh run lint test
	@status=0; \
	test/lint.sh || status=1; \
	CGO_ENABLED=1 go run ./test/all $(TESTFLAGS) || status=1; \
	exit $$status

test-slow: ## make test with half a CPU (test/slow.sh)
	@test/slow.sh $(MAKE) test

lint: ## format, vet, staticcheck, modules, vulnerabilities, shellcheck
	@test/install.sh lint
	@test/lint.sh

fuzz: ## run each fuzz target for a minute, or FUZZTIME=...
	@test/fuzz.sh

faults: ## inject faults at random for an hour, or FAULTS_FOR=...; SEED=... again
	@test/install.sh run
	@go build -o '$(BUILD)/bin/faults' ./test/faults
	@'$(BUILD)/bin/faults' -for '$(FAULTS_FOR)' $(if $(SEED),-seed '$(SEED)')

bench: ## measure, on this machine
	@test/install.sh run test bench
	go run ./test/bench

image: ## build the image with docker or podman, whichever is there
	@command -v docker >/dev/null || command -v podman >/dev/null || { echo 'make: docker or podman is needed' >&2; exit 1; }
	$$(command -v docker || command -v podman) build -f Dockerfile.alpine -t '$(IMAGE)' \
		--build-arg FILEBEAT='$(FILEBEAT)' --build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' .

dist: ## static binaries, the files, and archives of both to unpack at /, with checksums: build/dist
	@rm -rf '$(BUILD)/dist' && mkdir -p '$(BUILD)/dist'
	GOARCH=amd64 $(GOBUILD) -o '$(BUILD)/dist/container-manager-linux-amd64' $(PACKAGE)
	GOARCH=arm64 $(GOBUILD) -o '$(BUILD)/dist/container-manager-linux-arm64' $(PACKAGE)
	go run ./test/dist files >'$(BUILD)/dist/container-manager-files-$(VERSION).tar.gz'
	for arch in amd64 arm64; do \
		go run ./test/dist files '$(BUILD)/dist/container-manager-linux-'$$arch >'$(BUILD)/dist/container-manager-$(VERSION)-linux-'$$arch.tar.gz || exit 1; \
	done
	cd '$(BUILD)/dist' && sha256sum container-manager-* >SHA256SUMS

clean: ## remove what was made
	@chmod -R u+w '$(BUILD)' 2>/dev/null || true # the example's tree is locked down
	rm -rf '$(BUILD)'

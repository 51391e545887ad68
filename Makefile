# make help lists the targets. run, test, lint and bench install what they need
# and the machine lacks (test/install.sh says what, and does it).

# Everything that is made goes here; make BUILD=/elsewhere where that is not writable.
BUILD ?= $(CURDIR)/build
IMAGE ?= container-manager
# Where the image takes filebeat from: elastic or compiled (see Dockerfile.alpine).
FILEBEAT ?= elastic
# What builds the image: the first that answers, because docker may be there without its daemon.
ENGINE ?= $(shell for engine in docker podman; do $$engine info >/dev/null 2>&1 && echo $$engine && break; done)
# How long make faults runs.
FAULTS_FOR ?= 1h
# More for go test: make test TESTFLAGS='-run TestLoad -v'
TESTFLAGS ?=

# What make dist builds for, named as platforms of container images are.
PLATFORMS ?= linux/amd64 linux/arm64 linux/arm/v7 linux/ppc64le linux/s390x linux/riscv64

ifndef VERSION
VERSION := $(shell test/version.sh)
endif

REVISION := $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)
# The only time in a release: when its commit was made.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
endif

PACKAGE := ./cmd/container-manager
CLI := github.com/ZPascal/container-manager/pkg/cli
BINARY := $(BUILD)/bin/container-manager
# Static, and the same bytes wherever and from whatever kind of checkout it is built:
# the commit is handed over, because go finds none in an unpacked archive and fails
# for a checkout of another user.
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags '-s -w -X $(CLI).version=$(VERSION) -X $(CLI).revision=$(REVISION)'

BENCHSTAT := go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
MICROBENCHED := ./pkg/cron ./pkg/schedule ./pkg/supervisorconf ./pkg/render ./pkg/backup/archive

# sudo and minimal images leave these out.
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin

.PHONY: help run build quick test test-slow lint fuzz faults bench bench-peers microbench image dist pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

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

lint: ## format, vet, staticcheck, modules, vulnerabilities, shellcheck, workflows
	@test/install.sh lint
	@test/lint.sh

fuzz: ## run each fuzz target for a minute, or FUZZTIME=...
	@test/fuzz.sh

faults: ## inject faults at random for an hour, or FAULTS_FOR=...; SEED=... again
	@test/install.sh run test
	@go build -o '$(BUILD)/bin/faults' ./test/faults
	@'$(BUILD)/bin/faults' -for '$(FAULTS_FOR)' $(if $(SEED),-seed '$(SEED)')

bench: ## measure, on this machine
	@test/install.sh run test bench
	go run ./test/bench

bench-peers: ## measure beside other tools, and write doc/benchmarks.md: a quarter of an hour
	@test/install.sh run test bench
	go run ./test/bench peers

microbench: ## compare parts of the code with their recorded times, or RECORD=1 to record them
	@mkdir -p '$(BUILD)'
	go test -run '^$$' -bench . -count 6 $(MICROBENCHED) >'$(BUILD)/microbench.txt'
	$(if $(RECORD),cp '$(BUILD)/microbench.txt' test/bench/microbench.txt,$(BENCHSTAT) test/bench/microbench.txt '$(BUILD)/microbench.txt')

image: ## build the image with docker or podman, whichever answers, or ENGINE=...
	@test -n '$(ENGINE)' || { echo 'make: neither docker nor podman answers: start or install one, or name it: make image ENGINE=podman' >&2; exit 1; }
	$(ENGINE) build -f Dockerfile.alpine -t '$(IMAGE)' \
		--build-arg FILEBEAT='$(FILEBEAT)' --build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' .

# The platform linux/arm/v7 is GOARCH=arm GOARM=7, and armv7 in names of files.
dist: ## static binaries, archives with the files to unpack at /, SBOMs and checksums: build/dist, or PLATFORMS=...
	@rm -rf '$(BUILD)/dist' && mkdir -p '$(BUILD)/dist'
	set -e; for platform in $(PLATFORMS); do \
		arch=$${platform#linux/} variant=; \
		case $$arch in */*) variant=$${arch#*/} arch=$${arch%/*} ;; esac; \
		binary='$(BUILD)/dist/container-manager-linux-'$$arch$$variant; \
		GOOS=linux GOARCH=$$arch GOARM=$${variant#v} $(GOBUILD) -o "$$binary" $(PACKAGE); \
		go run ./test/dist archive files "$$binary" >'$(BUILD)/dist/container-manager-$(VERSION)-linux-'$$arch$$variant.tar.gz; \
		go run ./test/dist sbom "$$binary" '$(VERSION)' $(SOURCE_DATE_EPOCH) >"$$binary.spdx.json"; \
	done
	go run ./test/dist archive files >'$(BUILD)/dist/container-manager-files-$(VERSION).tar.gz'
	cd '$(BUILD)/dist' && sha256sum container-manager-* >SHA256SUMS

pictures: build ## draw doc/images: run the example, and show what a terminal and a browser show
	@test/install.sh run pictures
	go run ./test/pictures capture

release-check: ## as root: make a release twice, install it in an empty Debian, start it there, also for arm64
	@test/install.sh release
	go run ./test/release '$(VERSION)' '$(REVISION)' '$(SOURCE_DATE_EPOCH)' '$(PLATFORMS)'

clean: ## remove what was made
	@chmod -R u+w '$(BUILD)' 2>/dev/null || true # the example's tree is locked down
	rm -rf '$(BUILD)'

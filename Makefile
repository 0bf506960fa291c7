# One command checks everything: make check. CI runs the same (.ci/run).
GO       ?= go
PACKAGES ?= ./...
FUZZTIME ?= 10s
BENCH    ?= .

.DEFAULT_GOAL := build
.PHONY: build check test fmt fmt-check vet lint imports fuzz bench clean

# The binary, ./hone.
build:
	$(GO) build -o hone .

# Cheap checks first; the tests' own summary comes last.
check: fmt-check vet lint imports test

test:
	$(GO) test $(PACKAGES)

# Repairs what fmt-check reports.
fmt:
	$(GO) tool gofumpt -w .

fmt-check:
	@files=$$($(GO) tool gofumpt -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted, run make fmt:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet $(PACKAGES)

lint:
	$(GO) tool staticcheck $(PACKAGES)

# Import directions between rooms, one configuration a room in .depguard/.
imports:
	@GO="$(GO)" bash internal/scripts/imports.sh

# Every fuzz target for FUZZTIME, one after the other.
fuzz:
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" bash internal/scripts/fuzz.sh

bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES)

clean:
	rm -f hone

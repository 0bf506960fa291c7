# One command checks everything on this machine: make check. CI runs it and make cross (.ci/run).
GO       ?= go
PACKAGES ?= ./...
FUZZTIME ?= 10s
BENCH    ?= .

.DEFAULT_GOAL := build
.PHONY: build check cross test fmt fmt-check vet lint imports fuzz bench bench-go builtin-model exports clean

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

# Other platforms: compiled and vetted, and the arithmetic of arm64 tested under qemu, where that is installed.
cross:
	@GO="$(GO)" bash internal/scripts/cross.sh

# Every fuzz target for FUZZTIME, one after the other.
fuzz:
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" bash internal/scripts/fuzz.sh

# Speed and memory on this machine, with PEERS= alternately of peers (docs/performance.md).
bench:
	@GO="$(GO)" bash internal/scripts/bench.sh

# The micro-benchmarks of the packages.
bench-go:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES)

# Pretrains the built-in model in OUT=, a directory outside the repository, and puts it into data/builtin/model (docs/builtin-model.md).
builtin-model:
	@GO="$(GO)" bash internal/scripts/builtin-model.sh

# What a run's exports write in the programs they are for, against Hone (docs/exports.md): RUN= a run's directory, PYTHON= one with peft and
# xllamacpp, or several as in PATH; ROWS= of the test split, ONLY= a format.
exports:
	HONE_EXPORT_RUN="$(abspath $(RUN))" HONE_EXPORT_PYTHON="$(PYTHON)" HONE_EXPORT_ROWS="$(ROWS)" $(GO) test ./experiments -count=1 -timeout 4h -v -run 'TestExportWrites$$/$(ONLY)'

clean:
	rm -f hone

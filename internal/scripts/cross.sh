#!/usr/bin/env bash
# Compiles the program, and vets it with all its tests, for platforms other than this one; then runs the
# tests of the arithmetic for arm64 under an emulator, so that its kernels run where no such CPU is.
set -euo pipefail
cd "$(dirname "$0")/../.."
go="${GO:-go}"

for platform in linux/arm64 darwin/arm64 windows/amd64; do
	echo "== $platform"
	export GOOS="${platform%/*}" GOARCH="${platform#*/}" CGO_ENABLED=0
	"$go" build -o /dev/null .
	"$go" vet ./...
done

emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [ -z "$emulator" ]; then
	echo "the tests for arm64 were not run: they need qemu-aarch64-static, of the package qemu-user-static" >&2
	# Like the figures beside the clone: where everything is to be tested, nothing may be left out.
	[ "${HONE_REQUIRE_SHARED:-}" != 1 ]
	exit
fi

# The figures of the real model are left out, too much work for an emulator; those of the toy models are the same
# arithmetic, and all else takes a minute or two.
echo "== linux/arm64, emulated"
GOOS=linux GOARCH=arm64 "$go" test -exec "$emulator" -timeout 10m -skip '^TestGolden' \
	./engine ./engine/kernel ./engine/ops ./engine/loss

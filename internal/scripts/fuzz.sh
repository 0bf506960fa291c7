#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME (default 10s), one after the other.
# Go fuzzes one target of one package at a time, so they are found by name.
set -euo pipefail
cd "$(dirname "$0")/../.."
go="${GO:-go}"

found=0
while IFS=: read -r file name; do
	package="./$(dirname "$file")"
	echo "== $package $name"
	"$go" test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "$package"
	found=$((found + 1))
done < <(git ls-files --cached --others --exclude-standard -- '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*' | sed 's/:func /:/')

if [ "$found" -eq 0 ]; then
	echo "no fuzz target found" >&2
	exit 1
fi
echo "$found fuzz targets ran for ${FUZZTIME:-10s} each"

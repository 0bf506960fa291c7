#!/usr/bin/env bash
# Records the runs that `hone replay demo` and `hone replay demo:masked` play, and packs them into runs/demo,
# where the next build embeds them: the built-in story, and one whose labels are all masked in a late step, on the
# small model of engine/testdata.
#
#   OUT   directory for program and runs, outside the repository; default a temporary one
set -euo pipefail
cd "$(dirname "$0")/../.."
go=${GO:-go}
temporary=""
if [ -z "${OUT:-}" ]; then
	OUT=$(mktemp -d)
	temporary=$OUT
fi
trap '[ -z "$temporary" ] || rm -rf "$temporary"' EXIT
mkdir -p "$OUT"
out=$(cd "$OUT" && pwd -P)
case $out/ in "$(pwd -P)"/*)
	echo "demo: $out is in the repository; OUT has to be outside" >&2
	exit 2
	;;
esac

"$go" build -o "$out/hone" .
"$out/hone" train --compare --run-dir "$out/demo"
# Its labels are masked by the test that says what such a run leaves behind.
HONE_KEEP_MASKED="$out/demo-masked" "$go" test -count=1 -run '^TestMaskedBatchEndsTheRun$' ./experiments

for name in demo demo-masked; do
	"$go" run ./internal/recording -run "$out/$name" -name "$name" -out "runs/demo/$name.tar.gz"
done

#!/usr/bin/env bash
# Records the runs that `hone replay demo` and `hone replay demo:masked` play, and packs them into runs/demo,
# where the next build embeds them: the built-in story, and one whose labels are all masked in a late step.
#
#   OUT   directory for program and runs, outside the repository; default a temporary one
#   MASK  step whose labels are masked, default 300
#   TOY   1 = with the small model of engine/testdata, whose outputs are noise: for builds without a built-in model
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
if [ "${TOY:-}" = 1 ]; then
	story=(--model engine/testdata/toy/tied --data engine/testdata/toy/events --set train.epochs=20 --set train.eval_every=10)
	"$out/hone" train "${story[@]}" --run-dir "$out/demo"
	# Its labels are masked by the test that says what such a run leaves behind.
	HONE_KEEP_MASKED="$out/demo-masked" "$go" test -count=1 -run '^TestMaskedBatchEndsTheRun$' ./experiments
else
	"$out/hone" train --run-dir "$out/demo"
	# The masked step ends the run, and with it the command.
	if "$out/hone" train --run-dir "$out/demo-masked" --inject "MASK-ALL@${MASK:-300}"; then
		echo "demo: the run with masked labels did not fail" >&2
		exit 1
	fi
fi
"$out/hone" compare --run-dir "$out/demo" --quiet >"$out/compare.txt"

for name in demo demo-masked; do
	"$go" run ./internal/recording -run "$out/$name" -name "$name" -out "runs/demo/$name.tar.gz"
done

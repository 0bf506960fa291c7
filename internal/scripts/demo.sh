#!/usr/bin/env bash
# Records the runs that `hone replay demo` and `hone replay demo:masked` play, and packs them into runs/demo,
# where the next build embeds them: the built-in story, and the same with a fault planted: the rows of step 60 come
# one token long, so all their labels are masked, as in the run that Hone was made for.
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
if "$out/hone" train --inject COLLATE-EMPTY@60 --run-dir "$out/demo-masked"; then
	echo "demo: a run with a masked step did not end there" >&2
	exit 1
fi

for name in demo demo-masked; do
	"$go" run ./internal/recording -run "$out/$name" -name "$name" -out "runs/demo/$name.tar.gz"
done

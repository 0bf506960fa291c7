#!/usr/bin/env bash
# Pretrains the built-in model and puts it into the repository, where the next build embeds it.
# docs/builtin-model.md says what it is. Stopped at any moment, the same command goes on.
#
#   OUT        directory for corpus, program and run, outside the repository; needed
#   DOCUMENTS  to train on first, default 90000; another number is another model
#   LATE       documents of the second run, default 50000
#   TERSE      documents of the third, default 26000
#   TURNS      documents of the fourth, default 60000
#   INTO       directory that gets the model, default data/builtin/model
set -euo pipefail
cd "$(dirname "$0")/../.."
go=${GO:-go}
documents=${DOCUMENTS:-90000}
late=${LATE:-50000}
terse=${TERSE:-26000}
turns=${TURNS:-60000}
into=${INTO:-data/builtin/model}

if [ -z "${OUT:-}" ]; then
	echo "builtin-model: name a directory outside the repository with OUT=DIR" >&2
	exit 2
fi
mkdir -p "$OUT"
out=$(cd "$OUT" && pwd -P)
case $out/ in "$(pwd -P)"/*)
	echo "builtin-model: $out is in the repository; OUT has to be outside" >&2
	exit 2
	;;
esac
if [ "$documents $late $terse $turns" != "90000 50000 26000 60000" ] && [ -z "${INTO:-}" ]; then
	echo "builtin-model: the built-in model is trained on 90000, 50000, 26000 and 60000 documents; with other numbers name another place with INTO=DIR" >&2
	exit 2
fi

"$go" build -o "$out/hone" .

# stage NAME RECIPE MODEL FLAGS...: a corpus, which has its name only when it is whole, and a run on it.
# A run that was stopped ends with an exit code of its own, and so does this script.
stage() {
	local corpus=$out/corpus-$1 recipe=$2 model=$3
	local run=$out/run-$1
	shift 3
	if [ ! -d "$corpus" ]; then
		rm -rf "$corpus.part"
		"$go" run ./data/builtin/pretrain/cmd -seed 1 -out "$corpus.part" "$@"
		mv "$corpus.part" "$corpus"
	fi
	"$out/hone" train --config "data/builtin/pretrain/$recipe" --model "$model" --data "$corpus" --run-dir "$run"
}
stage "$documents" recipe.toml "$out/corpus-$documents/model" -n "$documents"
stage "late-$late" recipe-late.toml "$out/run-$documents/model" -n "$late" -late 1
stage "terse-$terse" recipe-late.toml "$out/run-late-$late/model" -n "$terse" -late 2
stage "turns-$turns" recipe-late.toml "$out/run-terse-$terse/model" -n "$turns" -late 3
corpus=$out/corpus-$documents
run=$out/run-turns-$turns

# Configuration and tokenizer as the corpus has them: a test holds them against the generator.
# The weights come last: with them the model is there.
mkdir -p "$into"
for file in "$corpus/model/config.json" "$corpus/model/tokenizer.json" "$run/model/model.safetensors"; do
	cp "$file" "$into/$(basename "$file").part"
	mv "$into/$(basename "$file").part" "$into/$(basename "$file")"
done
ls -l "$into"

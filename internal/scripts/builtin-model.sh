#!/usr/bin/env bash
# Pretrains the built-in model and puts it into the repository, where the next build embeds it.
# docs/builtin-model.md says what it is. Stopped at any moment, the same command goes on.
#
#   OUT        directory for corpus, program and run, outside the repository; needed
#   DOCUMENTS  to train on, default 90000; another number is another model
#   INTO       directory that gets the model, default data/builtin/model
set -euo pipefail
cd "$(dirname "$0")/../.."
go=${GO:-go}
documents=${DOCUMENTS:-90000}
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
if [ "$documents" != 90000 ] && [ -z "${INTO:-}" ]; then
	echo "builtin-model: the built-in model is trained on 90000 documents; with DOCUMENTS=$documents name another place with INTO=DIR" >&2
	exit 2
fi

# The corpus has its name only when it is whole.
corpus=$out/corpus-$documents
if [ ! -d "$corpus" ]; then
	rm -rf "$corpus.part"
	"$go" run ./data/builtin/pretrain/cmd -n "$documents" -seed 1 -out "$corpus.part"
	mv "$corpus.part" "$corpus"
fi

# A run that was stopped ends with an exit code of its own, and so does this script.
run=$out/run-$documents
"$go" build -o "$out/hone" .
"$out/hone" train --config data/builtin/pretrain/recipe.toml --model "$corpus/model" --data "$corpus" --run-dir "$run"

# Configuration and tokenizer as the corpus has them: a test holds them against the generator.
# The weights come last: with them the model is there.
mkdir -p "$into"
for file in "$corpus/model/config.json" "$corpus/model/tokenizer.json" "$run/model/model.safetensors"; do
	cp "$file" "$into/$(basename "$file").part"
	mv "$into/$(basename "$file").part" "$into/$(basename "$file")"
done
ls -l "$into"

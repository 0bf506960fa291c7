#!/usr/bin/env bash
# Measures Hone, and peers in turn with it, and prints a table of medians and ratios.
# docs/performance.md says what is measured and how to read it.
#
#   MODEL     model of Hone's runs; default the GGUF beside the clone
#   SHAPE     a shape with random weights instead (hone bench train --help)
#   DATA      dataset; default the one beside the clone
#   ADAPTER   adapter or run whose evaluation of the test split is measured too
#   ROUNDS    default 3; STEPS a training run, default 8; THREADS default 2, as the peers' tools have
#   DTYPES    default "f32 bf16"
#   PEERS     a Python with torch, transformers and peft, and llama_cpp where generation is compared
#   HF_MODEL  the same model as a Hugging Face directory, or 360m, for the peers' training
#   OUT       directory for results.jsonl; default a new temporary one
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=../shared
data=${DATA:-$shared/data}
threads=${THREADS:-2}
steps=${STEPS:-8}
out=${OUT:-$(mktemp -d)}

if [ -n "${SHAPE:-}" ]; then
	subject=(--shape "$SHAPE" --tokenizer "$shared/models/SmolLM-tokenizer.json")
	gguf=
else
	model=${MODEL:-$shared/models/SmolLM2-135M-Instruct-Q4_1.gguf}
	subject=(--model "$model")
	case $model in *.gguf) gguf=$model ;; *) gguf= ;; esac
	[ -e "$model" ] || { echo "no model at $model: name one with MODEL=, or a shape with SHAPE=" >&2; exit 1; }
fi
if [ -n "${PEERS:-}" ] && [ -z "${HF_MODEL:-}" ]; then
	echo "PEERS needs HF_MODEL: the model as a Hugging Face directory, or 360m" >&2
	exit 1
fi

mkdir -p "$out"
"${GO:-go}" build -o "$out/hone" .

hone() {
	echo "hone bench $*" >&2
	"$out/hone" bench "$@" --set threads="$threads" --json >>"$out/results.jsonl"
}

peer() {
	echo "peer $*" >&2
	"$PEERS" "$@" >>"$out/results.jsonl"
}

for round in $(seq "${ROUNDS:-3}"); do
	echo "round $round" >&2
	for dtype in ${DTYPES:-f32 bf16}; do
		hone train "${subject[@]}" --data "$data" --steps "$steps" --set model.dtype="$dtype"
		if [ -n "${PEERS:-}" ]; then
			peer "$shared/tools/bench_train.py" --model "$HF_MODEL" --dtype "$dtype" --steps "$steps" --threads "$threads"
		fi
	done
	for dtype in ${DTYPES:-f32 bf16}; do
		hone decode "${subject[@]}" --data "$data" --set model.dtype="$dtype"
	done
	if [ -n "${PEERS:-}" ] && [ -n "$gguf" ] && "$PEERS" -c 'import llama_cpp' 2>/dev/null; then
		peer "$shared/tools/bench_generate.py" --gguf "$gguf"
	fi
	if [ -n "${ADAPTER:-}" ]; then
		for dtype in ${DTYPES:-f32 bf16}; do
			hone eval "${subject[@]}" --data "$data" --adapter "$ADAPTER" --set model.dtype="$dtype"
		done
	fi
done
echo "results in $out/results.jsonl" >&2
"${GO:-go}" run ./internal/bench/cmd "$out/results.jsonl"

#!/usr/bin/env bash
# Draws the pictures of the documentation from recorded runs: frames of the workbench, as SVG in docs/pictures.
#
#   RUN  the run to draw, as `hone replay` takes it; default demo
set -euo pipefail
cd "$(dirname "$0")/../.."
go=${GO:-go}
run=${RUN:-demo}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$go" build -o "$out/hone" .
"$go" build -o "$out/ansisvg" ./internal/ansisvg
mkdir -p docs/pictures/screens

# picture NAME TITLE RUN FRAME SIZE [FLAG ..]
picture() {
	local name=$1 title=$2 what=$3 frame=$4 size=$5
	shift 5
	local look=()
	case " $* " in *" --light "*) look=(-light) ;; esac
	env -u NO_COLOR "$out/hone" replay "$what" --frame "$frame" --size "$size" "$@" >"$out/frame"
	"$out/ansisvg" -title "$title" "${look[@]}" <"$out/frame" >"$out/picture.svg"
	mv "$out/picture.svg" "docs/pictures/$name.svg"
	echo "docs/pictures/$name.svg"
}

picture train "The Train screen during a run: loss, gradient norm, learning rate, evaluations and watched examples" "$run" train@60% 120x40
picture trace "The Trace screen: why a run came to nothing, and what the step consumed" demo:masked trace 120x40
picture heat "The gradient norms by layer and module, during a run" "$run" train@60% 120x40 --press g
picture data "The Data screen: a row as it is trained" "$run" data 120x40
picture experiment "The Experiment screen: every value and what it costs" "$run" experiment 120x40
picture compare "The Compare screen: target, base and tuned output, field by field" "$run" compare 120x40
picture masked "A run that ended because every label of a batch was masked" demo:masked train 120x40

# Every screen, small, large and on a light background (docs/screens.md).
for screen in data experiment train trace compare runs; do
	for size in 80x24 200x60; do
		picture "screens/$screen-$size" "The screen $screen in $size" "$run" "$screen" "$size"
	done
	picture "screens/$screen-light" "The screen $screen on a light background" "$run" "$screen" 120x40 --light
done
picture screens/sweep "A sweep of the learning rate: the loss at each rate, and the one that is suggested" "$run" experiment 120x40 --press f

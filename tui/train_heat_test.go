package tui

import (
	"errors"
	"strings"
	"testing"

	"hone/runs"
)

// soundTail is the end of a trace in which nothing is wrong.
func soundTail(string, int) (runs.GradientTail, error) {
	return runs.GradientTail{Steps: []runs.Gradients{gradients(142, 30), gradients(143, 30)}}, nil
}

// heatBench opens Train with the gradients that read brings.
func heatBench(t *testing.T, state string, width, height int, read func(string, int) (runs.GradientTail, error)) (*bench, *trainScreen) {
	t.Helper()
	b := trainBench(t, story(143, state), "", width, height)
	s := b.screens[trainScreenID].(*trainScreen)
	s.heat.read = read
	b.press("g")
	return b, s
}

// One key shows the gradients by layer and module of a finished run and of a live
// one, which are the same lines as on Trace.
func TestGradientsOnTrain(t *testing.T) {
	for _, state := range []string{runs.Finished, runs.Running} {
		b, s := heatBench(t, state, 120, 40, soundTail)
		b.sees("gradient norm, layers x modules", "step 143", "q_proj", "down_proj", "layer 0 self_attn.q_proj", "exactly zero", "g charts")
		b.lacks("⠒⠒ train")
		b.press("right", "right", "down")
		b.sees("layer 2 self_attn.k_proj")
		trace := b.screens[traceScreenID].(*traceScreen)
		trace.layer, trace.module, trace.view = 2, 1, &stepView{grads: s.heat.grads}
		m := gradMatrix{gradView: s.heat.grads, layer: 2, module: 1, legendBelow: true}
		if mine, theirs := strings.Join(m.lines(s.t, 80, 11), "\n"), strings.Join(trace.matrixLines(80, 11), "\n"); mine != theirs {
			t.Errorf("on Train:\n%s\non Trace:\n%s", mine, theirs)
		}
		b.press("esc")
		b.sees("⠒⠒ train")
		b.lacks("layers x modules")
	}
}

// Shown, the gradients are read anew with every step; not shown, not at all.
func TestGradientsOnTrainAreLive(t *testing.T) {
	step, reads := 143, 0
	b, s := heatBench(t, runs.Running, 120, 40, func(string, int) (runs.GradientTail, error) {
		reads++
		return runs.GradientTail{Steps: []runs.Gradients{gradients(step, 30)}}, nil
	})
	more := func() {
		step++
		snap := *s.snap
		snap.Version++
		b.send(snapshotMsg{gen: b.polls, snap: &snap, changed: true})
	}
	more()
	b.sees("step 144")
	for name, away := range map[string]string{"another screen": "1", "the charts": "g"} {
		b.press(away)
		before := reads
		more()
		if reads != before {
			t.Errorf("read while %s are shown", name)
		}
		b.press("3", "g")
		if !s.heat.on {
			b.press("g")
		}
	}
	b.sees("step 146")
}

func TestGradientsOnTrainThatAreOdd(t *testing.T) {
	b, _ := heatBench(t, runs.Failed, 80, 24, func(string, int) (runs.GradientTail, error) { return oddTail(), nil })
	b.sees("tensors not finite", "not finite   0 exactly zero", "layer 0 self_attn.q_proj")
	b, _ = heatBench(t, runs.Finished, 80, 24, func(string, int) (runs.GradientTail, error) { return runs.GradientTail{}, nil })
	b.sees("no gradients were recorded yet")
	b, _ = heatBench(t, runs.Finished, 80, 24, func(string, int) (runs.GradientTail, error) {
		return runs.GradientTail{}, errors.New("the trace\x1b is gone")
	})
	b.sees("the trace", "is gone")
}

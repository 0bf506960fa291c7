package runs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// tracedRun is a trace of so many steps in two passes each, the last one failed,
// then taken again after a rewind.
func tracedRun(t testing.TB, steps int) []byte {
	records := []any{TraceHead{V: 1, K: "head"}}
	step := func(n int, loss Number) {
		for micro := range 2 {
			records = append(records, TraceBatch{K: "batch", Step: n, Micro: micro, Rows: []int{n, micro}}, TraceLoss{K: "loss", Step: n, Micro: micro, NLLSum: loss})
		}
		records = append(records, TraceGrad{K: "grad", Step: n, Norm: loss, Norms: map[string]Number{"a": loss}}, TraceOpt{K: "opt", Step: n, RNG: TraceRNG{Step: n - 1}, Applied: true})
	}
	for n := 1; n <= steps; n++ {
		step(n, Number(n))
	}
	records = append(records, TraceAlert{K: "alert", Step: steps, ID: "SPIKE"}, TraceTokens{K: "tokens", Step: steps, Row: 3, IDs: []int32{5, 6}, Targets: []int{1}, NLL: []Number{0.5}})
	records = append(records, TraceAct{K: "act", Step: steps, Action: ActionRewind, To: steps - 2}, TraceHead{V: 1, K: "head", From: steps - 2})
	step(steps-1, 77)
	return traceOf(t, records...)
}

func recordsOf(s StepRecords) string {
	var out []string
	for _, r := range s.Records {
		switch r := r.(type) {
		case TraceBatch:
			out = append(out, fmt.Sprintf("batch %d.%d", r.Step, r.Micro))
		case TraceLoss:
			out = append(out, fmt.Sprintf("loss %v", float64(r.NLLSum)))
		case TraceGrad:
			out = append(out, "grad")
		case TraceOpt:
			out = append(out, "opt")
		case TraceAlert:
			out = append(out, r.ID)
		case TraceTokens:
			out = append(out, fmt.Sprintf("tokens %v %v %v", r.IDs, r.Targets, r.NLL))
		case TraceAct:
			out = append(out, r.Action)
		}
	}
	return strings.Join(out, ", ")
}

// The last attempt at a step is found, also one that was undone, with what was
// found about it and the gradients before it.
func TestReadStep(t *testing.T) {
	dir := t.TempDir()
	if s, err := ReadStep(dir, 0, 4); err != nil || s.Step != 0 {
		t.Fatalf("a run without a trace: %+v, %v", s, err)
	}
	if err := os.WriteFile(TracePath(dir), tracedRun(t, 12), 0o644); err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]string{
		0:  "batch 11.0, loss 77, batch 11.1, loss 77, grad, opt",
		11: "batch 11.0, loss 77, batch 11.1, loss 77, grad, opt",
		12: "batch 12.0, loss 12, batch 12.1, loss 12, grad, opt, SPIKE, tokens [5 6] [1] [0.5], rewind",
		1:  "batch 1.0, loss 1, batch 1.1, loss 1, grad, opt",
		2:  "batch 2.0, loss 2, batch 2.1, loss 2, grad, opt",
		13: "",
	} {
		s, err := ReadStep(dir, step, 4)
		if err != nil || recordsOf(s) != want || len(s.Notes) > 0 {
			t.Errorf("step %d: %s %q %v", step, recordsOf(s), s.Notes, err)
		}
	}
	s, err := ReadStep(dir, 12, 4)
	if err != nil || stepsOf(s.Gradients) != "9 10 11 12" {
		t.Errorf("gradients of %s: %v", stepsOf(s.Gradients), err)
	}
	if s, err = ReadStep(dir, 0, 2); err != nil || stepsOf(s.Gradients) != "10 11" || s.Gradients.Steps[1].Norm != 77 {
		t.Errorf("gradients of the newest: %+v: %v", s.Gradients, err)
	}
}

// Blocks of the file end anywhere; so does the file.
func TestReadStepOverBlocks(t *testing.T) {
	long := traceOf(t, TraceHead{K: "head", Names: strings.Fields(strings.Repeat("layers.0.self_attn.q_proj ", traceBlock/20))})
	text := append(tracedRun(t, 5), long...)
	text = append(text, traceOf(t, TraceBatch{K: "batch", Step: 9}, TraceOpt{K: "opt", Step: 9})...)
	for _, step := range []int{0, 9, 5, 1} {
		s, err := stepRecords(bytes.NewReader(text), int64(len(text)), step, 3)
		want := step
		if step == 0 {
			want = 9
		}
		if err != nil || s.Step != want {
			t.Errorf("step %d: %+v, %v", step, s, err)
		}
	}
	for n := len(text) - 400; n < len(text); n++ {
		s, err := stepRecords(bytes.NewReader(text[:n]), int64(n), 5, 3)
		if err != nil || s.Step != 5 {
			t.Fatalf("cut at %d: %+v, %v", n, s, err)
		}
	}
}

func FuzzReadStep(f *testing.F) {
	f.Add([]byte(`{"k":"batch","step":3,"micro":0}`+"\n"+`{"k":"opt","step":3}`+"\n"), 3)
	f.Add([]byte(`{"k":"opt","step":0}`), 0)
	f.Add([]byte("\n\n{\"k\":\"tokens\",\"step\":1,\"ids\":[1e99]}\n"), 1)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		s, err := stepRecords(bytes.NewReader(text), int64(len(text)), step, 3)
		if err != nil {
			t.Fatal(err)
		}
		if s.Step == 0 && len(s.Records) > 0 || step > 0 && s.Step > 0 && s.Step != step || len(s.Gradients.Steps) > 3 {
			t.Errorf("step %d: %+v", step, s)
		}
	})
}

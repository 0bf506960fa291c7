package doctor

import (
	"bytes"
	"testing"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/internal/lookalike"
	"hone/runs"
)

func TestHistory(t *testing.T) {
	for _, run := range []*lookalike.Run{lookalike.MaskedMPS(), lookalike.Healthy(1)} {
		l, err := foreign.ReadTrainerState(bytes.NewReader(run.TrainerState(0)), "trainer_state.json")
		if err != nil {
			t.Fatal(err)
		}
		h := History(l)
		losses := l.Series[trace.Loss]
		if len(h.Steps) != len(losses) {
			t.Fatalf("%s: %d steps of %d", run.Name, len(h.Steps), len(losses))
		}
		for i, s := range h.Steps {
			if s.Step != losses[i].Step || float64(s.Loss) != losses[i].Value || s.LR != runs.Number(l.Series[trace.LearningRate][i].Value) || !s.Epoch.Finite() || s.JSON.Finite() {
				t.Errorf("%s: %+v", run.Name, s)
			}
		}
		if len(h.Evals) != len(l.Series[trace.EvalLoss]) {
			t.Errorf("%s: %d evaluations", run.Name, len(h.Evals))
		}
		if run.Cause != "" {
			if a, ok := h.Events[0].Record.(runs.Alert); !ok || a.ID != run.Cause || a.Message == "" {
				t.Errorf("%s: %+v", run.Name, h.Events)
			}
		}
	}
}

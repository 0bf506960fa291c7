package foreign

import (
	"bytes"
	"testing"

	"hone/engine/trace"
	"hone/internal/lookalike"
)

func TestPrint(t *testing.T) {
	runs := lookalike.Failing()
	for i := range uint64(20) {
		runs = append(runs, lookalike.Healthy(i))
	}
	for _, r := range runs {
		for _, ev := range []bool{false, true} {
			var l *trace.Log
			var err error
			if ev {
				l, err = ReadEvents(bytes.NewReader(r.Events()), "events")
			} else {
				l, err = ReadTrainerState(bytes.NewReader(r.TrainerState(0)), "ts.json")
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Log("=====", r.Name, ev, r.Cause, l.Notes)
			law, ok := l.FitLaw()
			t.Log(law, ok)
			c, ok := l.CountTokens()
			t.Logf("%+v %v", c, ok)
			for _, f := range trace.Diagnose(l) {
				t.Logf("%+v", f)
			}
		}
	}
}

package experiments

import (
	"math"
	"testing"
)

func TestPairRuns(t *testing.T) {
	a, b := queried(), queried()
	c := b.Config.Clone()
	c.LoRA.R = 8
	a.Loss, b.Loss, b.Exact, b.Config = 0.5, 0.25, 0.5, &c
	p := PairRuns(a, b)
	if len(p.Settings) != 1 || p.Settings[0] != (Change{"lora.r", "16", "8"}) || p.Problem != "" {
		t.Errorf("%+v", p)
	}
	want := map[string]ScoreDifference{
		"loss": {"loss", 0.5, 0.25, -0.25, 1}, "exact": {"exact", 0.62, 0.5, -0.12, -1}, "valid": {"valid", 1, 1, 0, 0},
		"fields": {"fields", 0.95, 0.95, 0, 0}, "steps": {"steps", 41, 41, 0, 0}, "minutes": {"minutes", 10, 10, 0, 0},
	}
	for _, s := range p.Scores {
		w := want[s.Name]
		if s.A != w.A || s.B != w.B || math.Abs(s.Diff-w.Diff) > 1e-12 || s.Better != w.Better {
			t.Errorf("%+v, want %+v", s, w)
		}
	}
	a.Loss, a.Config = math.NaN(), nil
	p = PairRuns(a, b)
	if p.Scores[0].Better != 0 || p.Scores[0].Diff == p.Scores[0].Diff || p.Problem == "" || p.Settings != nil {
		t.Errorf("%+v", p)
	}
}

package experiments

// ScoreDifference is a figure of two runs; NaN where a run does not have it.
type ScoreDifference struct {
	Name       string
	A, B, Diff float64 // Diff is B-A
	Better     int     // of B: 1 better, -1 worse, 0 equal, unknown or neither
}

// RunPair is how two runs differ, in settings and in what came of them.
type RunPair struct {
	Scores   []ScoreDifference
	Settings []Change
	Problem  string // why Settings are not known
}

// PairRuns compares two runs.
func PairRuns(a, b RunFacts) RunPair {
	p := RunPair{}
	for _, s := range []struct {
		name string
		want int // 1: more is better
		of   func(*RunFacts) float64
	}{
		{"loss", -1, func(f *RunFacts) float64 { return f.Loss }},
		{"exact", 1, func(f *RunFacts) float64 { return f.Exact }},
		{"valid", 1, func(f *RunFacts) float64 { return f.Valid }},
		{"fields", 1, func(f *RunFacts) float64 { return f.Fields }},
		{"steps", 0, func(f *RunFacts) float64 { return f.Step }},
		{"minutes", 0, func(f *RunFacts) float64 { return f.Seconds / 60 }},
	} {
		d := ScoreDifference{Name: s.name, A: s.of(&a), B: s.of(&b)}
		d.Diff = d.B - d.A
		switch {
		case d.Diff > 0:
			d.Better = s.want
		case d.Diff < 0:
			d.Better = -s.want
		}
		p.Scores = append(p.Scores, d)
	}
	switch {
	case a.Config == nil:
		p.Problem = "the experiment of " + a.ID + " cannot be read"
	case b.Config == nil:
		p.Problem = "the experiment of " + b.ID + " cannot be read"
	default:
		p.Settings = Diff(*a.Config, *b.Config)
	}
	return p
}

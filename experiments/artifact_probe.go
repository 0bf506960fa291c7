package experiments

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"hone/data"
	"hone/engine/decode"
	"hone/engine/llama"
)

// LogitCheck is how far the logits of an exported model are from those of the run, both
// computed in float32 on a few rows of the dataset.
type LogitCheck struct {
	Split     string  `json:"split"`
	Rows      int     `json:"rows"`
	Positions int     `json:"positions"` // that logits were compared at
	Largest   float64 `json:"largest"`   // largest absolute difference of two logits
	Range     float64 `json:"range"`     // of the run's logits, from the least to the greatest
	Tolerance float64 `json:"tolerance"` // what Largest may be
	SameBest  float64 `json:"same_best"` // share of positions with the same likeliest token
}

// Sentence says it in words.
func (l *LogitCheck) Sentence() string {
	return fmt.Sprintf("largest difference %.3g (at most %.3g) of a range of %.3g, the same likeliest token at %.1f %% of %d positions (%s, %s split)",
		l.Largest, l.Tolerance, l.Range, 100*l.SameBest, l.Positions, counted(l.Rows, "row"), l.Split)
}

// probePositions is how many positions of a row are compared: its last, which are those
// of the completion.
const probePositions = 24

// probe is what two models are compared on.
type probe struct {
	split  string
	ids    [][]int32
	from   []int
	logits [][]float32 // of the run, [positions, vocab] a row
}

// probeRows takes the first rows of the split that nothing was trained on, if there are
// any.
func (s *artifactSource) probeRows(rows int) *probe {
	p := &probe{}
	for _, split := range []string{data.Eval, data.Test, data.Train} {
		if list := s.work.Encoded[split].Examples; len(list) > 0 {
			p.split = split
			for _, e := range list[:min(rows, len(list))] {
				p.ids = append(p.ids, e.IDs)
				p.from = append(p.from, max(0, len(e.IDs)-probePositions))
			}
			break
		}
	}
	return p
}

// run computes the logits of the probe.
func (p *probe) run(ctx context.Context, m *decode.Model) ([][]float32, error) {
	out := make([][]float32, len(p.ids))
	for i, ids := range p.ids {
		var err error
		if out[i], err = m.Logits(ctx, ids, p.from[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// longest is the longest row of the probe.
func (p *probe) longest() int {
	n := 0
	for _, ids := range p.ids {
		n = max(n, len(ids))
	}
	return n
}

// logitsOf computes the probe's logits with the model at path and an adapter. The model is
// gone afterwards: two are never in memory.
func (s *artifactSource) logitsOf(ctx context.Context, p *probe, path string, adapter *llama.Adapter) ([][]float32, error) {
	w := *s.work
	w.Config.Model.Path, w.Config.Model.DType = path, string(llama.F32)
	l, err := w.load(ctx, llama.Frozen)
	if err != nil {
		return nil, err
	}
	out, err := p.run(ctx, l.decoder(adapter, p.longest()))
	l.close()
	l = nil
	runtime.GC() // the weights, before the next ones are read
	return out, err
}

// reference computes what the run's own model says.
func (s *artifactSource) reference(ctx context.Context, rows int) (*probe, error) {
	p := s.probeRows(rows)
	if len(p.ids) == 0 {
		return nil, fmt.Errorf("no rows to compare logits on: %w", data.ErrNoRows)
	}
	var adapter *llama.Adapter
	var err error
	if s.adapter != nil {
		if adapter, err = llama.FromFile(s.base.Config, s.adapter); err != nil {
			return nil, err
		}
	}
	p.logits, err = s.logitsOf(ctx, p, s.base.Path, adapter)
	return p, err
}

// compare opens what was written as its users do and compares its logits.
func (s *artifactSource) compare(ctx context.Context, m artifactModel, path string, p *probe) (*LogitCheck, error) {
	model := s.base.Path
	if m.model != nil {
		model = m.model(path)
		config, err := OpenModelConfig(model)
		if err != nil {
			return nil, err
		}
		if fmt.Sprint(config.EOS) != fmt.Sprint(s.work.EOS) {
			return nil, fmt.Errorf("%w: its texts end with the tokens %v, the run's with %v", ErrArtifactDiffers, config.EOS, s.work.EOS)
		}
		t, err := OpenTokenizer(model)
		if err != nil {
			return nil, err
		}
		for _, ids := range p.ids { // a vocabulary may be longer than the tokenizer, so hashes may differ
			text := s.work.Tokenizer.Decode(ids)
			if fmt.Sprint(t.Encode(text)) != fmt.Sprint(s.work.Tokenizer.Encode(text)) {
				return nil, fmt.Errorf("%w: its tokenizer gives other tokens", ErrArtifactDiffers)
			}
		}
	}
	var adapter *llama.Adapter
	if m.adapter != nil {
		var err error
		if adapter, err = m.adapter(path, s.base.Config); err != nil {
			return nil, err
		}
	}
	got, err := s.logitsOf(ctx, p, model, adapter)
	if err != nil {
		return nil, err
	}
	r := p.differences(got, s.base.Config.Vocab)
	r.Tolerance = m.tolerance * r.Range
	if !(r.Largest <= r.Tolerance) {
		return nil, fmt.Errorf("%w: on %d positions of the %s split its logits differ by up to %.3g, this format by no more than %.3g", ErrArtifactDiffers, r.Positions, r.Split, r.Largest, r.Tolerance)
	}
	return r, nil
}

// differences measures the logits of another model against those of the run.
func (p *probe) differences(got [][]float32, vocab int) *LogitCheck {
	r := &LogitCheck{Split: p.split, Rows: len(p.ids)}
	least, greatest, same := math.Inf(1), math.Inf(-1), 0
	for i, want := range p.logits {
		for at := 0; at+vocab <= len(want); at += vocab {
			a, b := want[at:at+vocab], got[i][at:at+vocab]
			bestA, bestB := 0, 0
			for j := range a {
				d := math.Abs(float64(a[j]) - float64(b[j]))
				if d != d {
					d = math.Inf(1)
				}
				r.Largest = max(r.Largest, d)
				least, greatest = min(least, float64(a[j])), max(greatest, float64(a[j]))
				if a[j] > a[bestA] {
					bestA = j
				}
				if b[j] > b[bestB] {
					bestB = j
				}
			}
			if bestA == bestB {
				same++
			}
			r.Positions++
		}
	}
	r.Range = greatest - least
	r.SameBest = float64(same) / float64(max(r.Positions, 1))
	return r
}

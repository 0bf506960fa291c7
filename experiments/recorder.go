package experiments

import (
	"fmt"
	"math"
	"strconv"

	"hone/data"
	"hone/engine"
	"hone/engine/batch"
	"hone/runs"
)

// recorder writes what every step consumed and did to the run's trace.
type recorder struct {
	t      *training
	source map[int]uint64 // hash of each train row as it was encoded, by row
	told   bool           // about rows that are not the dataset's
}

// newRecorder takes the hashes of the encoded rows, before the engine has them.
func newRecorder(t *training, examples []batch.Example) *recorder {
	r := &recorder{t: t, source: make(map[int]uint64, len(examples))}
	for _, e := range examples {
		r.source[e.Row] = batch.Hash(e.IDs)
	}
	return r
}

// head begins the records of this session.
func (r *recorder) head() error {
	info := r.t.writer.Info()
	return r.t.writer.AppendTrace(runs.TraceHead{
		V: 1, K: "head", Version: info.Version, Hashes: info.Hashes, Resolved: info.Resolved,
		Seed: r.t.config.Seed, From: r.t.trainer.Done(), Names: r.t.names,
	})
}

// step records a step, applied or not.
func (r *recorder) step(s engine.Step) error {
	var records []any
	var mismatch []int
	for i, p := range s.Passes {
		b := r.batch(s.Number, i, p)
		mismatch = append(mismatch, b.Mismatch...)
		l := passLoss(s.Number, i, p)
		if i == len(s.Passes)-1 {
			x := s.Terms
			l.Terms = &runs.TraceTerms{Loss: runs.Number(x.Loss), CE: runs.Number(x.CE), JSON: runs.Number(x.JSON), Field: runs.Number(x.Field), Confidence: runs.Number(x.Confidence)}
		}
		records = append(records, b, l)
	}
	if s.Norms != nil {
		records = append(records, r.gradients(s))
	}
	if err := r.t.writer.AppendTrace(append(records, r.optimizer(s))...); err != nil {
		return err
	}
	if len(mismatch) == 0 || r.told {
		return nil
	}
	r.told = true
	return r.t.writer.Append(runs.Alert{
		Step: s.Number, ID: "COLLATE-EMPTY", Severity: data.SeverityError, Confidence: 1,
		Message: fmt.Sprintf("step %d consumed other tokens than rows %v of the dataset have", s.Number, mismatch),
		Advice:  "what was trained on is not your data: do not trust this run, and report it",
	})
}

// batch describes a pass: rows, hashes, lengths and targets as they were consumed.
func (r *recorder) batch(step, micro int, p engine.Pass) runs.TraceBatch {
	b := runs.TraceBatch{K: "batch", Step: step, Micro: micro, EOSOK: true}
	var ids, source []int32
	for _, row := range p.Rows {
		want := r.source[row.Row]
		if row.Hash != want {
			b.Mismatch = append(b.Mismatch, row.Row)
		}
		ids, source = append(ids, int32(row.Hash), int32(row.Hash>>32)), append(source, int32(want), int32(want>>32))
		b.Rows, b.Len, b.Targets = append(b.Rows, row.Row), append(b.Len, row.Tokens), append(b.Targets, row.Loss.Targets)
		b.First, b.Last = append(b.First, r.target(row.First)), append(b.Last, r.target(row.Last))
		b.EOSOK = b.EOSOK && row.Loss.Targets > 0 && row.Last.ID == r.t.model.EOS[0]
	}
	b.IDsHash, b.SrcHash = hex(batch.Hash(ids)), hex(batch.Hash(source))
	return b
}

func hex(hash uint64) string { return fmt.Sprintf("%016x", hash) }

func (r *recorder) target(t engine.Target) runs.TraceTarget {
	return runs.TraceTarget{ID: t.ID, Text: r.t.model.Tokenizer.Decode([]int32{t.ID}), At: t.Position}
}

func passLoss(step, micro int, p engine.Pass) runs.TraceLoss {
	l := runs.TraceLoss{K: "loss", Step: step, Micro: micro, NLLSum: runs.Number(p.Sums.NLL)}
	for _, row := range p.Rows {
		l.Count += row.Loss.Targets
		l.PerRow = append(l.PerRow, runs.Number(row.Loss.NLL))
	}
	l.Mean = runs.Number(p.Sums.NLL / float64(l.Count)) // 0/0 is NaN, and is meant to be
	return l
}

func (r *recorder) gradients(s engine.Step) runs.TraceGrad {
	g := runs.TraceGrad{
		K: "grad", Step: s.Number, Norms: make(map[string]runs.Number, len(s.Norms)),
		Norm: runs.Number(s.GradNorm), Clip: runs.Number(clipFactor(s, r.t.config.Train.Clip)),
	}
	for i, n := range s.Norms {
		g.Norms[r.t.names[i]] = runs.Number(n)
		if n == 0 {
			g.Zero = append(g.Zero, r.t.names[i])
		}
	}
	for _, b := range s.BadGradients {
		g.NonFinite = append(g.NonFinite, runs.NonFinite{Tensor: b.Tensor, Count: b.Count, First: b.First})
	}
	return g
}

func (r *recorder) optimizer(s engine.Step) runs.TraceOpt {
	t := r.t.trainer
	epoch, at := t.Place(s.Number - 1)
	o := runs.TraceOpt{
		K: "opt", Step: s.Number, LR: runs.Number(s.LR), LRExpected: runs.Number(t.ScheduledLR(s.Number - 1)), Applied: s.Applied, Skipped: s.Skipped,
		RNG:    runs.TraceRNG{Seed: t.Seed, Step: s.Number - 1},
		Cursor: runs.TraceCursor{Epoch: epoch, At: at},
	}
	if s.Problem != nil {
		o.Reason = firstLine(s.Problem)
	}
	if s.Changes != nil {
		o.UpdRatio = make(map[string]runs.Number, len(s.Changes))
	}
	for i, c := range s.Changes {
		if ratio, ok := c.Ratio(); ok {
			o.UpdRatio[r.t.names[i]] = runs.Number(rounded(ratio))
		}
		if o.Values += c.Values; c.Values > 0 {
			o.Changed++
		}
	}
	return o
}

// rounded keeps four digits: what a ratio is looked at for.
func rounded(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	if err != nil {
		return x
	}
	return y
}

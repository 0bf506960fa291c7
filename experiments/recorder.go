package experiments

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/llama"
	"hone/engine/trace/steprules"
	"hone/runs"
)

// recorder writes what every step consumed and did to the run's trace, and has the
// rules look at it.
type recorder struct {
	t      *trainee
	writer *runs.Writer      // nil where nothing is written: of a replay
	names  []string          // of the trained tensors, once they are known
	source map[int]sourceRow // each train row as it was encoded, by row
	rules  *steprules.Rules
}

// sourceRow is a row as it was encoded.
type sourceRow struct {
	hash            uint64
	tokens, targets int
	first, last     engine.Target
}

// newRecorder takes down the encoded rows, before the engine has them.
func newRecorder(t *trainee, w *runs.Writer, examples []batch.Example) *recorder {
	r := &recorder{t: t, writer: w, source: make(map[int]sourceRow, len(examples))}
	for _, e := range examples {
		r.source[e.Row] = sourceOf(e)
	}
	return r
}

func sourceOf(e batch.Example) sourceRow {
	s := sourceRow{hash: batch.Hash(e.IDs), tokens: len(e.IDs)}
	for at := 1; at < len(e.IDs); at++ { // the first token has nothing that predicts it
		if e.Class[at] == batch.NotTarget {
			continue
		}
		s.last = engine.Target{Position: at, ID: e.IDs[at]}
		if s.targets++; s.targets == 1 {
			s.first = s.last
		}
	}
	return s
}

// head begins the records of this session.
func (r *recorder) head() error {
	info := r.writer.Info()
	return r.writer.AppendTrace(runs.TraceHead{
		V: 1, K: "head", Version: info.Version, Hashes: info.Hashes, Resolved: info.Resolved,
		Seed: r.t.config.Seed, From: r.t.trainer.Done(), Names: r.tensors(),
	})
}

// step records a step, applied or not.
func (r *recorder) step(s engine.Step) error {
	records := r.records(s)
	if err := r.writer.AppendTrace(records...); err != nil {
		return err
	}
	found, err := r.judge(s, records)
	if err != nil || !found && s.Problem == nil && s.Terms.Loss != 0 {
		return err
	}
	return r.writer.AppendTrace(tokensOf(s)...) // it will be asked about
}

// maxRecordedTokens bounds what is recorded of the tokens of one step.
const maxRecordedTokens = 1 << 15

// tokensOf are the rows of a step as they were consumed, token by token.
func tokensOf(s engine.Step) []any {
	var records []any
	left := maxRecordedTokens
	for i, p := range s.Passes {
		for _, row := range p.Rows {
			x := runs.TraceTokens{K: "tokens", Step: s.Number, Micro: i, Row: row.Row, IDs: row.IDs, Targets: row.Supervised}
			for _, nats := range row.NLL {
				x.NLL = append(x.NLL, runs.Number(rounded(nats)))
			}
			if left -= len(row.IDs); left < 0 {
				return records
			}
			records = append(records, x)
		}
	}
	return records
}

// tensors are the names of the trained tensors.
func (r *recorder) tensors() []string {
	if r.names == nil {
		r.names = r.t.trainer.Names()
	}
	return r.names
}

// records are those of a step.
func (r *recorder) records(s engine.Step) []any {
	var records []any
	for i, p := range s.Passes {
		records = append(records, r.batch(s.Number, i, p))
		if engine.Refused(s.Problem) {
			continue // nothing was computed on it
		}
		l := passLoss(s.Number, i, p)
		if i == len(s.Passes)-1 {
			l.Terms = traceTerms(s)
		}
		records = append(records, l)
	}
	if s.Norms != nil {
		records = append(records, r.gradients(s))
	}
	return append(records, r.optimizer(s))
}

// traceTerms are the terms of a step, and what was differentiated where that is
// something else.
func traceTerms(s engine.Step) *runs.TraceTerms {
	x, of := s.Terms, s.Differentiated()
	t := &runs.TraceTerms{Loss: runs.Number(x.Loss), CE: runs.Number(x.CE), JSON: runs.Number(x.JSON), Field: runs.Number(x.Field), Confidence: runs.Number(x.Confidence)}
	const rounding = 1e-9
	if math.Abs(of.Loss-x.Loss) > rounding*max(1, math.Abs(x.Loss)) || math.Abs(of.CE-x.CE) > rounding*max(1, math.Abs(x.CE)) {
		loss, ce := runs.Number(of.Loss), runs.Number(of.CE)
		t.Of, t.OfCE = &loss, &ce
	}
	return t
}

// batch describes a pass: rows, hashes, lengths and targets as they were consumed.
func (r *recorder) batch(step, micro int, p engine.Pass) runs.TraceBatch {
	b := runs.TraceBatch{K: "batch", Step: step, Micro: micro, EOSOK: true, Distinct: p.Distinct, NoDropout: p.Evaluate}
	var consumed, sources []uint64
	for _, row := range p.Rows {
		source := r.source[row.Row]
		want := source.hash
		if row.Hash != want {
			b.Mismatch = append(b.Mismatch, row.Row)
		}
		if row.Tokens != source.tokens || row.Loss.Targets != source.targets || row.First != source.first || row.Last != source.last {
			b.Source = append(b.Source, runs.TraceSource{Row: row.Row, Len: source.tokens, Targets: source.targets, First: r.target(source.first), Last: r.target(source.last)})
		}
		consumed, sources = append(consumed, row.Hash), append(sources, want)
		b.Rows, b.Len, b.Targets = append(b.Rows, row.Row), append(b.Len, row.Tokens), append(b.Targets, row.Loss.Targets)
		b.First, b.Last = append(b.First, r.target(row.First)), append(b.Last, r.target(row.Last))
		b.EOSOK = b.EOSOK && row.Loss.Targets > 0 && row.Last.ID == r.t.model.EOS[0]
	}
	b.IDsHash, b.SrcHash = rowsHash(consumed), rowsHash(sources)
	return b
}

// rowsHash is the hash of a pass, of those of its rows.
func rowsHash(rows []uint64) string {
	var halves []int32
	for _, h := range rows {
		halves = append(halves, int32(h), int32(h>>32))
	}
	return fmt.Sprintf("%016x", batch.Hash(halves))
}

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
	names := r.tensors()
	for i, n := range s.Norms {
		g.Norms[names[i]] = runs.Number(n)
		if n == 0 {
			g.Zero = append(g.Zero, names[i])
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
	if s.Factor != 1 {
		factor := runs.Number(s.Factor)
		o.LRFactor = &factor
	}
	if turn := r.turn(s); !slices.Equal(turn, s.Rows) {
		o.Order = turn
	}
	if s.Problem != nil {
		o.Reason = firstLine(s.Problem)
	}
	if s.Changes != nil {
		o.UpdRatio = make(map[string]runs.Number, len(s.Changes))
	}
	names := r.tensors()
	for i, c := range s.Changes {
		if ratio, ok := c.Ratio(); ok {
			o.UpdRatio[names[i]] = runs.Number(rounded(ratio))
		}
		if o.Values += c.Values; c.Values > 0 {
			o.Changed++
		}
	}
	return o
}

// How many operations before and after the first bad one are recorded.
const opsBefore, opsAfter = 8, 2

// operations records what the operations around the first bad one of a failed step
// computed. Its update was not applied, so it is executed again from the state at
// hand.
func (r *recorder) operations(ctx context.Context, s engine.Step, failure error) error {
	if engine.Refused(failure) {
		return nil
	}
	traced, err := r.t.trainer.TraceStep(ctx)
	if err != nil || traced.First < 0 {
		return nil // cancelled, or the update alone was not finite: the records say what is known
	}
	var records []any
	for _, o := range traced.Ops[max(0, traced.First-opsBefore):min(len(traced.Ops), traced.First+1+opsAfter)] {
		x := o.Stats
		records = append(records, runs.TraceOp{
			K: "op", Step: s.Number, Micro: o.Pass, Seq: o.Seq, Op: o.Name, Phase: o.Phase, Layer: llama.LayerOf(o.Name), Shape: o.Shape,
			AbsMin: runs.Number(x.AbsMin), AbsMax: runs.Number(x.AbsMax), RMS: runs.Number(x.RMS),
			Zero: x.Zero, Subnormal: x.Subnormal, PosInf: x.PosInf, NegInf: x.NegInf, NaN: x.NaN, BadIndex: x.First,
		})
	}
	return r.writer.AppendTrace(records...)
}

// turn are the rows whose turn it is at a step.
func (r *recorder) turn(s engine.Step) []int {
	rows := []int{}
	for _, e := range r.t.trainer.Batch(s.Number - 1) {
		if !slices.Contains(s.Skipped, e.Row) {
			rows = append(rows, e.Row)
		}
	}
	return rows
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

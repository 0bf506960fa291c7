package experiments

import (
	"fmt"
	"math"

	"hone/engine"
	"hone/runs"
)

// ReplayedStep is what one execution of a step did.
type ReplayedStep struct {
	Without []int    `json:"without,omitempty"`
	Set     []string `json:"set,omitempty"`

	Rows       []int         `json:"rows"`
	PerRow     []ReplayedRow `json:"per_row"`
	Loss       runs.Number   `json:"loss"`
	CE         runs.Number   `json:"ce"`
	JSON       runs.Number   `json:"json"`
	Field      runs.Number   `json:"field"`
	Confidence runs.Number   `json:"confidence"`
	GradNorm   runs.Number   `json:"grad_norm"`
	Clip       runs.Number   `json:"clip"` // the factor
	LR         runs.Number   `json:"lr"`
	Update     runs.Number   `json:"update"` // L2 norm of what was added to the weights; NaN where nothing was
	Applied    bool          `json:"applied"`
	Problem    string        `json:"problem,omitempty"`

	Ops      []ReplayedOp `json:"ops,omitempty"`
	FirstBad *ReplayedOp  `json:"first_bad"` // the first operation with a value that is not finite
}

// ReplayedRow is one row of a step.
type ReplayedRow struct {
	Row     int         `json:"row"`
	Tokens  int         `json:"tokens"`
	Targets int         `json:"targets"`
	NLL     runs.Number `json:"nll"` // nats, summed
	// PerToken are its tokens as they were consumed, with their loss.
	PerToken []StepToken `json:"per_token,omitempty"`
}

// ReplayedOp is what one operation computed.
type ReplayedOp struct {
	Seq       int         `json:"seq"`
	Pass      int         `json:"pass"`
	Name      string      `json:"name"`
	Phase     string      `json:"phase"`
	Shape     [2]int      `json:"shape"`
	AbsMin    runs.Number `json:"absmin"`
	AbsMax    runs.Number `json:"absmax"`
	RMS       runs.Number `json:"rms"`
	Zero      int         `json:"zero,omitempty"`
	Subnormal int         `json:"subnormal,omitempty"`
	PosInf    int         `json:"pos_inf,omitempty"`
	NegInf    int         `json:"neg_inf,omitempty"`
	NaN       int         `json:"nan,omitempty"`
	Bad       *BadPlace   `json:"bad,omitempty"`
}

// BadPlace is the first value of an operation that is not finite.
type BadPlace struct {
	Part   string      `json:"part"` // of a fused operation
	Index  int         `json:"index"`
	Row    int         `json:"row"`
	Col    int         `json:"col"`
	Value  runs.Number `json:"value"`
	Data   *int        `json:"dataset_row"` // null where the output is not one a token
	Token  int32       `json:"token,omitempty"`
	At     int         `json:"at,omitempty"` // position of the token in its row, from 0
	Tokens int         `json:"tokens,omitempty"`
}

func (b BadPlace) String() string {
	text := fmt.Sprintf("%s: %v at element %d (row %d, column %d)", b.Part, float64(b.Value), b.Index, b.Row, b.Col)
	if b.Data != nil {
		text += fmt.Sprintf(", dataset row %d, token %d of %d, id %d", *b.Data, b.At+1, b.Tokens, b.Token)
	}
	return text
}

// Bisection is a failed step narrowed down to rows, layer, operation, element and
// token.
type Bisection struct {
	Probes []Probe     `json:"probes"`
	Rows   []int       `json:"rows"` // that make it fail; empty where no row is to blame
	NotRow bool        `json:"not_rows,omitempty"`
	Layer  *int        `json:"layer"`
	Op     *ReplayedOp `json:"op"` // null where all operations are finite
}

// Probe is one execution on some of the rows.
type Probe struct {
	Rows   []int `json:"rows"`
	Finite bool  `json:"finite"`
}

func newBisection(b engine.Bisection) *Bisection {
	out := &Bisection{Rows: append([]int{}, b.Rows...), NotRow: b.NotRow, Probes: []Probe{}}
	for _, p := range b.Probes {
		out.Probes = append(out.Probes, Probe(p))
	}
	if b.Op != nil {
		op := newReplayedOp(*b.Op)
		out.Op = &op
		if b.Layer >= 0 {
			layer := b.Layer
			out.Layer = &layer
		}
	}
	return out
}

func newReplayedOp(o engine.OpTrace) ReplayedOp {
	s := o.Stats
	out := ReplayedOp{
		Seq: o.Seq, Pass: o.Pass, Name: o.Name, Phase: o.Phase, Shape: o.Shape,
		AbsMin: runs.Number(s.AbsMin), AbsMax: runs.Number(s.AbsMax), RMS: runs.Number(s.RMS),
		Zero: s.Zero, Subnormal: s.Subnormal, PosInf: s.PosInf, NegInf: s.NegInf, NaN: s.NaN,
	}
	if p := o.Bad; p != nil {
		out.Bad = &BadPlace{Part: p.Part, Index: p.Index, Row: p.Row, Col: p.Col, Value: runs.Number(p.Value)}
		if p.Dataset >= 0 {
			row := p.Dataset
			out.Bad.Data, out.Bad.Token, out.Bad.At, out.Bad.Tokens = &row, p.Token, p.Position, p.Tokens
		}
	}
	return out
}

func newReplayedStep(s engine.Step, traced engine.Traced, t *trainee) ReplayedStep {
	x := s.Terms
	out := ReplayedStep{
		Rows: append([]int{}, s.Rows...), PerRow: []ReplayedRow{},
		Loss: runs.Number(x.Loss), CE: runs.Number(x.CE), JSON: runs.Number(x.JSON), Field: runs.Number(x.Field), Confidence: runs.Number(x.Confidence),
		GradNorm: runs.Number(s.GradNorm), Clip: runs.Number(clipFactor(s, t.config.Train.Clip)), LR: runs.Number(s.LR), Update: runs.Number(math.NaN()), Applied: s.Applied,
	}
	for _, p := range s.Passes {
		for _, r := range p.Rows {
			out.PerRow = append(out.PerRow, ReplayedRow{
				Row: r.Row, Tokens: r.Tokens, Targets: r.Loss.Targets, NLL: runs.Number(r.Loss.NLL), PerToken: t.perToken(r),
			})
		}
	}
	if s.Applied {
		sum := 0.0
		for _, c := range s.Changes {
			sum += c.Update * c.Update
		}
		out.Update = runs.Number(math.Sqrt(sum))
	}
	if s.Problem != nil {
		out.Problem = firstLine(s.Problem)
	}
	for _, o := range traced.Ops {
		out.Ops = append(out.Ops, newReplayedOp(o))
	}
	if o := traced.FirstBad(); o != nil {
		op := newReplayedOp(*o)
		out.FirstBad = &op
	}
	return out
}

// Leave drops what was not asked for: the operations, the tokens.
func (s *ReplayedStep) Leave(ops, tokens bool) {
	if !ops {
		s.Ops = nil
	}
	for i := range s.PerRow {
		if !tokens {
			s.PerRow[i].PerToken = nil
		}
	}
}

// perToken are the tokens of a row that was consumed.
func (t *trainee) perToken(r engine.RowRecord) []StepToken {
	var nll []runs.Number
	for _, nats := range r.NLL {
		nll = append(nll, runs.Number(nats))
	}
	b := stepBuilder{w: t.model.Workspace}
	encoded, _ := b.encoded(r.Row)
	return t.model.tokens(r.IDs, r.Supervised, nll, encoded)
}

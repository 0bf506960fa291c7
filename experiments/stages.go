package experiments

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hone/engine/ops"
	"hone/engine/trace"
	"hone/runs"
)

// Stage is one link of the chain from the rows of a step to its update.
type Stage struct {
	Name    string
	Verdict Verdict
	Text    string
	ID      string // of the finding that is about it; "" = none
	First   bool   // the first that went wrong: what follows may follow from it
}

// Verdict says how a stage went.
type Verdict int

// The verdicts.
const (
	NotReached Verdict = iota
	WentWell
	WentWrong
)

// The stages of a step, in the order in which causes precede effects.
const (
	StageData     = "data"
	StageMask     = "mask"
	StageForward  = "forward"
	StageLoss     = "loss"
	StageGradient = "gradient"
	StageUpdate   = "update"
)

// stageOf says which stage a failure mode is about.
var stageOf = map[string]string{
	trace.OOVLabel: StageData, trace.CollateEmpty: StageData, trace.ConstExample: StageData, trace.LengthOne: StageData, trace.EmptyExample: StageData,
	trace.CorruptRow: StageData, trace.Order: StageData, trace.DupLeak: StageData, trace.TruncTarget: StageData,
	trace.MaskAll: StageMask, trace.ShiftTwice: StageMask, "SHIFT-NONE": StageMask, trace.MaskEarly: StageMask, trace.MaskLate: StageMask, trace.EOSMasked: StageMask,
	trace.WeightNaNFile: StageForward, trace.ActInf: StageForward, trace.MaskedNaNLeak: StageForward, trace.ModeWrong: StageForward, trace.ModelWiring: StageForward,
	trace.AccumNorm: StageLoss, trace.PenaltyConst: StageLoss, trace.Spike: StageLoss,
	trace.Log0: StageGradient, trace.Sqrt0: StageGradient, trace.ClipSpread: StageGradient, trace.LoRABoth0: StageGradient, "DETACHED": StageGradient,
	trace.OptPoison: StageUpdate, trace.LRDiverge: StageUpdate, trace.SchedSilent: StageUpdate, "FROZEN": StageUpdate,
}

// stages are how far the step came.
func (b *stepBuilder) stages() []Stage {
	out := []Stage{b.dataStage(), b.maskStage(), b.forwardStage(), b.lossStage(), b.gradientStage(), b.updateStage()}
	for i := range out {
		for _, a := range b.alerts {
			if stageOf[a.ID] != out[i].Name || a.Severity == string(trace.Note) || out[i].ID != "" {
				continue
			}
			out[i].Verdict, out[i].ID = WentWrong, a.ID
			if len(a.Evidence) > 0 {
				out[i].Text = strings.TrimPrefix(a.Evidence[0], fmt.Sprintf("step %d: ", b.r.Step))
			}
		}
	}
	if i := slices.IndexFunc(out, func(s Stage) bool { return s.Verdict == WentWrong }); i >= 0 {
		out[i].First = true
	}
	return out
}

func (b *stepBuilder) dataStage() Stage {
	n := len(b.r.Rows)
	if b.foreign > 0 {
		return Stage{Name: StageData, Verdict: WentWrong, Text: fmt.Sprintf("%d of %d rows were consumed as other tokens than the dataset has", b.foreign, n)}
	}
	if n == 0 {
		return Stage{Name: StageData, Text: notRecorded}
	}
	text := counted(n, "row")
	if b.distinct > 0 {
		text += fmt.Sprintf(", %d distinct", b.distinct)
	}
	return Stage{Name: StageData, Verdict: WentWell, Text: text + ", tokens as in the dataset"}
}

// notRecorded is what is known of a stage of a step that was traced by an earlier
// version, or of which every row was left out.
const notRecorded = "not recorded"

func (b *stepBuilder) maskStage() Stage {
	if len(b.r.Rows) == 0 {
		return Stage{Name: StageMask, Text: notRecorded}
	}
	s := Stage{Name: StageMask, Verdict: WentWell, Text: fmt.Sprintf("%d of %d tokens supervised", b.r.Targets, b.r.Tokens)}
	var none []string
	for _, x := range b.r.Rows {
		if x.Targets == 0 {
			none = append(none, strconv.Itoa(x.Row))
		}
	}
	if n := len(none); n > 0 {
		s.Verdict = WentWrong
		s.Text += fmt.Sprintf("; none in row %s", strings.Join(none[:min(n, 5)], ", "))
	}
	return s
}

func (b *stepBuilder) forwardStage() Stage {
	s := Stage{Name: StageForward}
	switch {
	case len(b.r.Rows) == 0:
		s.Text = notRecorded
	case b.losses == 0:
		s.Text = "not computed: the batch was refused"
	case b.bad != nil && b.bad.Phase == ops.Forward:
		s.Verdict, s.Text = WentWrong, badOpText(b.bad)
	case finite(b.r.Loss):
		s.Verdict, s.Text = WentWell, fmt.Sprintf("%d tokens in %s", b.r.Tokens, passes(b.losses))
	default:
		s.Text = "not looked at: a replay traces every operation"
	}
	return s
}

func passes(n int) string {
	if n == 1 {
		return "1 pass"
	}
	return fmt.Sprintf("%d passes", n)
}

// badOpText says what an operation computed.
func badOpText(o *runs.TraceOp) string {
	return fmt.Sprintf("%s %s: the first value that is not finite is %d of %dx%d (%d NaN, %d Inf)", o.Op, o.Phase, o.BadIndex, o.Shape[0], o.Shape[1], o.NaN, o.PosInf+o.NegInf)
}

func (b *stepBuilder) lossStage() Stage {
	s := Stage{Name: StageLoss}
	if b.losses == 0 {
		s.Text = "not computed: it would be 0/0"
		switch {
		case len(b.r.Rows) == 0:
			s.Text = notRecorded
		case b.r.Targets > 0:
			s.Text = "not computed"
		}
		return s
	}
	s.Verdict, s.Text = WentWell, fmt.Sprintf("%.4g", b.r.Loss)
	if b.terms != nil {
		s.Text += fmt.Sprintf("  ce %.4g  json %.4g  field %.4g  conf %.4g", float64(b.terms.CE), float64(b.terms.JSON), float64(b.terms.Field), float64(b.terms.Confidence))
	}
	bad := 0
	for _, x := range b.r.Rows {
		if !finite(x.NLL) {
			bad++
		}
	}
	switch {
	case !finite(b.r.Loss):
		s.Verdict = WentWrong
		s.Text = fmt.Sprintf("%v over %d targets", runs.Number(b.r.Loss), b.r.Targets)
		if bad > 0 {
			s.Text += fmt.Sprintf("; not finite in %d of %d rows", bad, len(b.r.Rows))
		}
	case b.r.Loss == 0:
		s.Verdict, s.Text = WentWrong, "exactly 0: nothing was supervised, or the model is certain"
	}
	return s
}

func (b *stepBuilder) gradientStage() Stage {
	s := Stage{Name: StageGradient}
	if b.grad == nil {
		s.Text = "not computed"
		return s
	}
	s.Verdict, s.Text = WentWell, fmt.Sprintf("norm %.4g of %s", b.r.GradNorm, counted(len(b.grad.Norms), "tensor"))
	if c := float64(b.grad.Clip); finite(c) && c < 1 {
		s.Text += fmt.Sprintf(", scaled by %.3g", c)
	}
	switch n := len(b.grad.NonFinite); {
	case n > 0:
		x := b.grad.NonFinite[0]
		s.Verdict, s.Text = WentWrong, fmt.Sprintf("%d of %d tensors not finite, %s first: %s from element %d on", n, len(b.grad.Norms), x.Tensor, counted(x.Count, "value"), x.First)
	case !finite(b.r.GradNorm):
		s.Verdict = WentWrong
	case b.r.GradNorm == 0 && len(b.grad.Norms) > 0:
		s.Verdict, s.Text = WentWrong, fmt.Sprintf("exactly 0 for all %d tensors", len(b.grad.Norms))
	}
	return s
}

func (b *stepBuilder) updateStage() Stage {
	s := Stage{Name: StageUpdate}
	switch o := b.opt; {
	case o == nil:
		s.Text = "not reached"
	case !o.Applied:
		s.Text = "not applied: the weights are as they were"
	default:
		s.Verdict, s.Text = WentWell, fmt.Sprintf("lr %.4g, %s changed in %s", float64(o.LR), counted(o.Values, "value"), counted(o.Changed, "tensor"))
		if len(o.Skipped) > 0 {
			s.Text += fmt.Sprintf("; taken without rows %v", o.Skipped)
		}
		if o.Changed == 0 && float64(o.LR) > 0 {
			s.Verdict, s.Text = WentWrong, "applied, and no value has changed"
		}
	}
	return s
}

// counted writes a number with its noun.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// FailureTitle says in a few words what a failure mode of the catalogue is, ""
// where the catalogue has none of that id; symptom says that it is what is seen of
// some other cause.
func FailureTitle(id string) (title string, symptom bool) {
	m, ok := trace.ByID(id)
	if !ok {
		return "", false
	}
	return m.Title, m.Artefact || m.ID == trace.NonFinite
}

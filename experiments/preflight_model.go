package experiments

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"hone/engine"
	"hone/engine/trace"
	"hone/engine/trace/steprules"
)

// laterStages are those that need the model: on a few short examples of the step
// that the trainer would take next. An error is about what could not be done.
func (t *trainee) laterStages(ctx context.Context, p *Preflight, r *recorder) error {
	x, err := t.trainer.Preflight(ctx)
	if err != nil {
		return err
	}
	l := look{Preflight: x, t: t}
	l.rules(r)
	for _, stage := range []func() (string, []trace.Finding){l.weights, l.single, l.batch, l.loop, l.terms} {
		text, findings := stage()
		if !p.add(text, findings...) {
			break
		}
	}
	return nil
}

// look judges what the engine has seen of the next step.
type look struct {
	engine.Preflight
	t     *trainee
	found []trace.Finding // by the rules about steps
}

// termIDs are the findings of the rules about steps that belong to the last stage,
// the others are about the loop.
var termIDs = []string{"LORA-B0", "LORA-BOTH0", "DETACHED", "PENALTY-CONST"}

// rules has the rules that look at every step of a run look at the one that would
// be next: at its batch as it would be consumed, and at what was computed.
func (l *look) rules(r *recorder) {
	run := ruleRun(l.t.config, l.t.trainer.Steps(), l.t.model.Model.Vocab)
	run.Dropout = 0 // it was off on purpose
	steps := []engine.Step{l.Consumed}
	if len(l.Loop.Passes) > 0 {
		steps = append(steps, l.Loop)
	}
	for i, s := range steps {
		step := ruleStep(r.records(s), causeOf(s))
		if i > 0 {
			step.Order = nil // it is a part of the batch
		}
		for _, f := range steprules.New(run).Step(step) {
			if f.ID == trace.ModelWiring && f.Severity == trace.Note {
				continue // it is about the first loss, which has a stage of its own
			}
			if !slices.ContainsFunc(l.found, func(g trace.Finding) bool { return g.ID == f.ID }) {
				l.found = append(l.found, f)
			}
		}
	}
}

// byRules are the findings of the rules that satisfy a condition.
func (l *look) byRules(of func(id string) bool) []trace.Finding {
	var out []trace.Finding
	for _, f := range l.found {
		if of(f.ID) {
			out = append(out, f)
		}
	}
	return out
}

// fatal is a finding that keeps a run from beginning. Its advice is the catalogue's
// where there is no other.
func fatal(id, advice, format string, args ...any) trace.Finding {
	if m, ok := trace.ByID(id); ok && advice == "" {
		advice = m.Do
	}
	return trace.Finding{ID: id, Severity: trace.Error, Confidence: 0.9, Evidence: []string{fmt.Sprintf(format, args...)}, Advice: advice}
}

func (l *look) weights() (string, []trace.Finding) {
	m := l.t.model
	findings := m.found(stageWeights)
	if l.Tensor != "" {
		findings = append(findings, fatal(trace.WeightNaNFile, "", "%s holds a value that is not finite at %d, before the first step", l.Tensor, l.Element))
	}
	head := "a head of its own"
	if m.Model.Tied {
		head = "head tied to the embedding"
	}
	return fmt.Sprintf("every weight read and all %d trained tensors are finite; vocabulary %d, %s", len(l.t.trainer.Names()), m.Model.Vocab, head), findings
}

// Share of a nat that the first loss of random weights may be off guessing.
const randomSpread = 1.0

func (l *look) single() (string, []trace.Finding) {
	if len(l.Rows) == 0 {
		findings := l.byRules(func(id string) bool { return !slices.Contains(termIDs, id) })
		if len(findings) == 0 {
			findings = []trace.Finding{fatal(trace.MaskAll, "", "no row of the first batch has a supervised token")}
		}
		return "", findings
	}
	guess := math.Log(float64(l.t.model.Model.Vocab))
	nats := 0.0
	var texts []string
	for _, r := range l.Rows {
		if !finite(r.Alone) {
			return "", l.notFinite("row %d alone has the loss %v over %d targets", r.Row, r.Alone, r.Targets)
		}
		nats += r.Alone * float64(r.Targets)
		texts = append(texts, fmt.Sprintf("row %d alone %.4f nats a target over %d", r.Row, r.Alone, r.Targets))
	}
	mean := nats / float64(l.Targets)
	text := strings.Join(texts, ", ") + fmt.Sprintf("; guessing is %.2f", guess)
	random := ruleRun(l.t.config, 0, 0).Random
	wiring := "The model is not computed as it was trained: check rope_theta and scaling, norm eps, tied embeddings and the tokenizer."
	switch {
	case !l.Again:
		return text, []trace.Finding{fatal(trace.SDC, "", "row %d, computed twice, gave two losses; the first was %.9g", l.Rows[0].Row, l.Rows[0].Alone)}
	case nats == 0:
		return text, []trace.Finding{fatal(trace.ModelWiring, wiring, "the loss is exactly 0 over %d targets: no model is that certain before it is trained", l.Targets)}
	case l.Constant:
		return text, []trace.Finding{fatal(trace.ModelWiring, wiring, "all %d targets have the same loss of %.6g nats: what the model says does not depend on what it reads", l.Targets, mean)}
	case mean > 2*guess:
		return text, []trace.Finding{fatal(trace.ModelWiring, wiring, "the loss is %.3f nats a target; guessing among %d tokens is %.3f", mean, l.t.model.Model.Vocab, guess)}
	case random && math.Abs(mean-guess) > randomSpread:
		f := fatal(trace.ModelWiring, "", "random weights begin at %.3f nats a target, not near the %.3f of guessing", mean, guess)
		f.Severity, f.Confidence = trace.Warning, 0.5
		return text, []trace.Finding{f}
	case mean > guess+1:
		f := fatal(trace.ModelWiring, wiring, "the loss is %.3f nats a target, above the %.3f of guessing among %d tokens", mean, guess, l.t.model.Model.Vocab)
		f.Severity, f.Confidence = trace.Note, 0.3
		return text, []trace.Finding{f}
	}
	return text, nil
}

// notFinite is the finding of a loss that is no number: where it arose, if the loop
// met it too.
func (l *look) notFinite(format string, args ...any) []trace.Finding {
	if l.Loop.Problem != nil {
		if found := l.byRules(func(id string) bool { return !slices.Contains(termIDs, id) }); len(found) > 0 {
			found[0].Evidence = append(found[0].Evidence, fmt.Sprintf(format, args...))
			return found
		}
	}
	return []trace.Finding{fatal(trace.NonFinite, "Look at the row, and at the weights it meets: hone doctor MODEL.", format, args...)}
}

func (l *look) batch() (string, []trace.Finding) {
	worst := 0.0
	for _, r := range l.Rows {
		if !finite(r.Batch) {
			return "", l.notFinite("row %d has the loss %.4f alone and %v packed", r.Row, r.Alone, r.Batch)
		}
		worst = max(worst, engine.Apart(r.Alone, r.Batch))
		switch agree := l.t.trainer.Agree; {
		case agree(r.Alone, r.Batch):
		case agree(r.Alone, r.Graph):
			return "", []trace.Finding{fatal(trace.AttnLeak, "Packed examples see each other: this is a mistake in Hone, please report it. With train.batch_size = 1 nothing is packed.",
				"row %d has the loss %.6g alone and %.6g packed behind another row; by the graph of training alone %.6g: the packed batch is off", r.Row, r.Alone, r.Batch, r.Graph)}
		default:
			return "", []trace.Finding{fatal(trace.ModelWiring, "Evaluations and training compute two models: this is a mistake in Hone, please report it with the model's config.json.",
				"row %d has the loss %.6g by the forward pass of evaluations and %.6g by the graph of training, packed or not (alone %.6g): the two compute different models", r.Row, r.Alone, r.Batch, r.Graph)}
		}
	}
	how := fmt.Sprintf("%d rows packed, the last first", len(l.Rows))
	if len(l.Rows) == 1 {
		how = "a batch of one row"
	}
	return fmt.Sprintf("%s: off by %.1e, %.0e is allowed", how, worst, l.t.trainer.Tolerance()), nil
}

func (l *look) loop() (string, []trace.Finding) {
	findings := l.byRules(func(id string) bool { return !slices.Contains(termIDs, id) })
	if w, _ := trace.Worst(findings); w == trace.Error {
		return "", findings
	}
	s := l.Loop
	worst := engine.Apart(l.BatchLoss, s.Terms.Loss)
	for _, r := range l.Rows {
		if !l.t.trainer.Agree(r.Batch, r.Loop) {
			id, text := trace.SDC, "the tokens and their targets are the same"
			if l.Counted != l.Targets {
				id, text = trace.MaskGap, fmt.Sprintf("the loop has %d targets of %d", l.Counted, l.Targets)
			}
			return "", append(findings, fatal(id, "", "row %d has the loss %.6g packed by hand and %.6g in the training step: the step is off; %s", r.Row, r.Batch, r.Loop, text))
		}
		worst = max(worst, engine.Apart(r.Batch, r.Loop))
	}
	if !l.t.trainer.Agree(l.BatchLoss, s.Terms.Loss) {
		return "", append(findings, fatal(trace.AccumNorm, "", "the weighted loss of the rows is %.6g packed by hand and %.6g in the training step, although each row's is the same", l.BatchLoss, s.Terms.Loss))
	}
	return fmt.Sprintf("the first step consumes its %d rows as they were encoded; its own loss on the rows above is %.6g, off by %.1e, gradient norm %.3g", len(l.Consumed.Rows), s.Terms.Loss, worst, s.GradNorm), findings
}

func (l *look) terms() (string, []trace.Finding) {
	findings := l.byRules(func(id string) bool { return slices.Contains(termIDs, id) })
	var texts []string
	dead := slices.ContainsFunc(findings, func(f trace.Finding) bool { return f.ID == "LORA-BOTH0" })
	for _, g := range l.Terms {
		text := fmt.Sprintf("%s %.2g", g.Name, g.Norm)
		switch {
		case g.Fed == 0 && !g.Anyone:
			text = g.Name + " none (no completion has anything for it)"
		case g.Fed == 0:
			text = g.Name + " not asked (no row looked at feeds it)"
		case !finite(g.Norm):
			findings = append(findings, fatal(trace.NonFinite, "", "the gradient of the %s term, weight %g, has the norm %v; the term itself is %.6g", g.Name, g.Weight, g.Norm, g.Value))
		case g.Reaches(), dead:
		case g.Saturated():
			text = g.Name + " none yet"
			f := fatal(trace.PenaltyConst, "It gets a gradient as soon as the other terms have moved the model; if it stays so, set its weight to 0.", "the %s term is %.9g, so near its end that nothing of its gradient is left in float32", g.Name, g.Value)
			f.Severity, f.Confidence = trace.Note, 0.9
			findings = append(findings, f)
		default:
			findings = append(findings, fatal(trace.PenaltyConst, "", "the %s term, weight %g, is %.6g on row %d and has no gradient at all in %d trained tensors", g.Name, g.Weight, g.Value, l.Rows[0].Row, g.Of))
		}
		texts = append(texts, text)
	}
	if c := l.t.config.Loss; !l.t.model.Dataset.JSON() && (c.JSON > 0 || c.Field > 0) {
		texts = append(texts, "json and field off (completions are not JSON objects)")
	}
	text := "gradient norms on row " + fmt.Sprint(l.Rows[0].Row) + ": " + strings.Join(texts, ", ")
	if slices.ContainsFunc(findings, func(f trace.Finding) bool { return f.ID == "LORA-B0" }) {
		text += "; on B, as it should be: A has none while B is zero"
	}
	return text, findings
}

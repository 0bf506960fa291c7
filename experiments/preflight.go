package experiments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hone/data"
	"hone/engine"
	"hone/engine/trace"
)

// ErrPreflight is wrapped by the error of a run that preflight refuses.
var ErrPreflight = errors.New("preflight refuses the run")

// States of a stage, and of a preflight: that of its worst stage.
const (
	PreflightPassed  = "passed"
	PreflightWarning = "warning" // results will be worse, or look better, than they are
	PreflightFailed  = "failed"  // the run cannot do what is meant
	PreflightSkipped = "skipped" // not looked at
)

// Preflight is the verdict on an experiment before its first step, by the stages
// of the diagnosis flow. What comes after the first failure is not looked at.
type Preflight struct {
	Verdict string           `json:"verdict"` // a state
	Stages  []PreflightStage `json:"stages"`
	Seconds float64          `json:"seconds"` // that it took
}

// PreflightStage is one stage of a preflight.
type PreflightStage struct {
	Number   int             `json:"stage"`
	Name     string          `json:"name"`
	State    string          `json:"state"`
	Text     string          `json:"text"` // what was looked at and what came out, or why not
	Findings []trace.Finding `json:"findings"`
}

// stageNames are the stages of the flow that come before a run.
var stageNames = []string{"triage", "data", "mask", "weights", "single loss", "batch loss", "loop loss", "loss terms"}

// Stages of which more is told than of the others.
const (
	stageWeights = 3
	stageSingle  = 4
)

// add judges the next stage by its findings, and reports whether the flow goes on.
func (p *Preflight) add(text string, findings ...trace.Finding) bool {
	n := len(p.Stages)
	s := PreflightStage{Number: n, Name: stageNames[n], State: PreflightPassed, Text: text, Findings: append([]trace.Finding{}, findings...)}
	trace.Sort(s.Findings)
	switch worst, found := trace.Worst(s.Findings); {
	case !found || worst == trace.Note:
	case worst == trace.Error:
		s.State = PreflightFailed
	default:
		s.State = PreflightWarning
	}
	p.Stages = append(p.Stages, s)
	return s.State != PreflightFailed
}

// skip passes over the stages that are left.
func (p *Preflight) skip(reason string) {
	for n := len(p.Stages); n < len(stageNames); n++ {
		p.Stages = append(p.Stages, PreflightStage{Number: n, Name: stageNames[n], State: PreflightSkipped, Text: reason, Findings: []trace.Finding{}})
	}
}

// end completes the verdict.
func (p *Preflight) end(began time.Time) Preflight {
	if f, ok := p.Failure(); ok {
		p.skip(fmt.Sprintf("not looked at: stage %d failed", f.Number))
	}
	p.Verdict = PreflightPassed
	for _, state := range []string{PreflightWarning, PreflightSkipped, PreflightFailed} {
		for _, s := range p.Stages {
			if s.State == state {
				p.Verdict = state
			}
		}
	}
	p.Seconds = time.Since(began).Seconds()
	return *p
}

// Failure is the stage that failed; false where none did.
func (p Preflight) Failure() (PreflightStage, bool) {
	for _, s := range p.Stages {
		if s.State == PreflightFailed {
			return s, true
		}
	}
	return PreflightStage{}, false
}

// Err is the error of a run that is refused; nil for one that may begin.
func (p Preflight) Err() error {
	if _, failed := p.Failure(); failed {
		return &PreflightError{Preflight: p}
	}
	return nil
}

// Line is the verdict in one line.
func (p Preflight) Line() string {
	took := fmt.Sprintf("%.1f s", p.Seconds)
	if s, failed := p.Failure(); failed {
		return "preflight: " + s.failure()
	}
	warnings, looked, why := 0, 0, ""
	var first string
	for _, s := range p.Stages {
		switch s.State {
		case PreflightSkipped:
			why = s.Text
			continue
		case PreflightWarning:
			for _, f := range s.Findings {
				if f.Severity == trace.Warning {
					if warnings++; warnings == 1 {
						first = fmt.Sprintf("stage %d, %s: %s", s.Number, f.ID, f.Evidence[0])
					}
				}
			}
		}
		looked++
	}
	text := fmt.Sprintf("preflight: stages 0 to %d passed in %s", looked-1, took)
	switch {
	case looked == 0:
		text = "preflight: nothing was looked at"
	case warnings == 0 && len(p.Stages) == len(stageNames) && looked == len(stageNames):
		text += "; " + p.Stages[stageSingle].Text
	case warnings == 1:
		text += ", 1 warning: " + first
	case warnings > 1:
		text += fmt.Sprintf(", %d warnings, the first: %s", warnings, first)
	}
	if why != "" {
		text += "; the others were skipped: " + why
	}
	return text
}

// failure says which stage failed, and why.
func (s PreflightStage) failure() string {
	f := s.Findings[0]
	title := f.ID
	if m, ok := trace.ByID(f.ID); ok {
		title += " (" + m.Title + ")"
	}
	return fmt.Sprintf("stage %d, %s: %s: %s", s.Number, s.Name, title, f.Evidence[0])
}

// PreflightError is why a run does not begin. It wraps ErrPreflight.
type PreflightError struct {
	Preflight Preflight
	cause     error // of what could not be read; nil otherwise
}

func (e *PreflightError) Error() string {
	s, _ := e.Preflight.Failure()
	lines := append([]string{ErrPreflight.Error() + " at " + s.failure()}, s.Findings[0].Evidence[1:]...)
	return strings.Join(lines, "\n")
}

// Unwrap returns ErrPreflight, and the cause where there is one.
func (e *PreflightError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrPreflight}
	}
	return []error{ErrPreflight, e.cause}
}

// Advice is what to do about it.
func (e *PreflightError) Advice() []string {
	s, _ := e.Preflight.Failure()
	return []string{s.Findings[0].Advice, "hone inspect shows all stages; train.preflight = false trains all the same"}
}

// Preflight looks at the experiment as a run of it would begin: it reads the weights
// and computes a few short examples. An error is about what could not be done; what
// is wrong with the run is in the verdict.
func (w *Workspace) Preflight(ctx context.Context) (Preflight, error) {
	began := time.Now()
	var p Preflight
	if !w.firstStages(&p) {
		return p.end(began), nil
	}
	if err := w.ready(); err != nil {
		p.skip("the model cannot be used: " + firstLine(err))
		return p.end(began), nil
	}
	train := w.Encoded[data.Train].Examples
	if len(train) == 0 {
		return p, fmt.Errorf("nothing to train on: every train row is longer than data.max_length %d", w.Config.Data.MaxLength)
	}
	_, peak, err := w.microBatch()
	if errors.Is(err, ErrMemory) {
		p.skip(firstLine(err))
		return p.end(began), nil
	}
	if err != nil {
		return p, err
	}
	defer LimitGarbage(peak)()
	t := &trainee{config: w.Config}
	defer t.close()
	recorder := newRecorder(t, nil, train)
	if t.model, err = w.load(ctx, use(w.Config)); err == nil {
		err = t.build(engine.MaxTokens(train, 1, 0)) // as few rows a pass as there can be
	}
	if err != nil {
		return p.unread(began, err)
	}
	if err := t.laterStages(ctx, &p, recorder); err != nil {
		return p, err
	}
	return p.end(began), nil
}

// unread is the verdict where weights could not be read, or the error where that
// says nothing of them.
func (p *Preflight) unread(began time.Time, err error) (Preflight, error) {
	if missing(err) {
		p.skip("there are no weights: " + firstLine(err))
		return p.end(began), nil
	}
	f, ok := unreadable(err)
	if !ok {
		return *p, err
	}
	p.add("", f)
	return p.end(began), nil
}

// unloadable says of weights that cannot be used which stage they fail.
func (t *training) unloadable(w *Workspace, err error) error {
	began := time.Now()
	f, ok := unreadable(err)
	if !ok || !t.config.Train.Preflight || len(t.faults) > 0 {
		return err
	}
	var p Preflight
	if w.firstStages(&p) {
		p.add("", f)
	}
	return &PreflightError{Preflight: p.end(began), cause: err}
}

// preflight looks at a run before its first step. One that goes on after a step is
// past it, and one with planted failures is meant to fail.
func (t *training) preflight(ctx context.Context) error {
	if !t.config.Train.Preflight || t.trainer.Done() > 0 || len(t.faults) > 0 {
		return nil
	}
	if t.options.spoil != nil {
		t.options.spoil(t.trainer)
	}
	began := time.Now()
	var p Preflight
	if t.model.firstStages(&p) {
		if err := t.laterStages(ctx, &p, t.recorder); err != nil {
			return fmt.Errorf("preflight: %w", err)
		}
	}
	p = p.end(began)
	for _, s := range p.Stages {
		if s.State == PreflightFailed || s.State == PreflightWarning && s.Number >= stageWeights {
			if _, err := t.recorder.tell(0, s.Findings); err != nil {
				return err
			}
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	return t.log("info", p.Line())
}

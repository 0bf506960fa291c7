package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hone/data"
	"hone/engine"
	"hone/engine/kernel"
	"hone/engine/loss"
	"hone/engine/trace/inject"
	"hone/engine/weights"
	"hone/runs"
)

// ErrNotRecorded is wrapped by the error of a step that a run's trace does not have.
var ErrNotRecorded = errors.New("the step is not in the run's trace")

// ErrReplay is wrapped by the error of a step that cannot be executed again as it
// was, or as it was asked for.
var ErrReplay = errors.New("the step cannot be replayed")

// ReplayOptions say which step of a run to execute again, and what to change in a
// second execution beside it.
type ReplayOptions struct {
	Step    int      // from 1
	Without []int    // dataset rows that the second execution leaves out
	Set     []string // its settings, as train.lr=1e-5; see ReplayKeys

	// Progress hears what is being done, and how much of it; nil = nobody.
	Progress func(what string, done, total int)
}

// ReplayKeys are the settings that a replay may change: what decides a step but not
// which weights and rows it is of.
func ReplayKeys() []string {
	return []string{
		"loss.ce", "loss.json", "loss.field", "loss.confidence", "lora.dropout", "model.dtype", "threads",
		"train.clip", "train.lr", "train.micro_batch", "train.schedule", "train.warmup", "train.weight_decay",
	}
}

// Replay is a recorded step, executed again.
type Replay struct {
	RunDir   string `json:"run_dir"`
	Step     int    `json:"step"`
	From     int    `json:"from"` // the checkpoint that was gone on from; 0 = the beginning
	Injected bool   `json:"injected,omitempty"`

	// Reproduced says that everything recorded of the step, and of those since the
	// checkpoint, came out with the same bits.
	Reproduced  bool       `json:"reproduced"`
	Differences []Mismatch `json:"differences,omitempty"`
	Notes       []string   `json:"notes,omitempty"`

	Base    ReplayedStep  `json:"base"`
	Variant *ReplayedStep `json:"variant,omitempty"` // nil where nothing was to be changed

	Bisection *Bisection `json:"bisection,omitempty"` // of a step that is not finite
}

// ReplayStep executes a recorded step of a run again, from the newest checkpoint
// before it, with every operation looked at. The run directory is only read.
func ReplayStep(ctx context.Context, dir string, o ReplayOptions) (*Replay, error) {
	config, err := LoadRun(dir)
	if err != nil {
		return nil, err
	}
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	changed, err := replayConfig(config, o.Set)
	if err != nil {
		return nil, err
	}
	steps, err := recordedSteps(dir, 1, o.Step)
	if err != nil {
		return nil, err
	}
	recorded := steps[o.Step]
	if recorded == nil {
		return nil, fmt.Errorf("step %d: %w", o.Step, ErrNotRecorded)
	}
	faults, err := injected(info)
	if err != nil {
		return nil, err
	}
	p := replayer{dir: dir, info: info, options: o, recorded: recorded, steps: steps, faults: faults}
	p.out = &Replay{RunDir: dir, Step: o.Step, Injected: len(faults) > 0}
	state, err := p.base(ctx, config)
	if err != nil || state == nil || len(o.Without) == 0 && len(o.Set) == 0 {
		return p.out, err
	}
	return p.out, p.variant(ctx, changed, state)
}

// replayConfig is the experiment with what a replay changes.
func replayConfig(c Config, set []string) (Config, error) {
	changed := c.Clone()
	for _, assignment := range set {
		if err := changed.Set(assignment); err != nil {
			return c, err
		}
	}
	for _, d := range Diff(c, changed) {
		if !slices.Contains(ReplayKeys(), d.Key) {
			return c, fmt.Errorf("%w with another %s: that is another run; what can be changed is %s", ErrReplay, d.Key, strings.Join(ReplayKeys(), ", "))
		}
	}
	return changed, changed.Validate()
}

// replayer carries out a replay.
type replayer struct {
	dir      string
	info     runs.RunInfo
	options  ReplayOptions
	recorded *recordedStep
	steps    map[int]*recordedStep
	faults   []inject.Fault
	out      *Replay
}

// report tells how far the replay is.
func (p *replayer) report(what string, done, total int) {
	if p.options.Progress != nil {
		p.options.Progress(what, done, total)
	}
}

func (p *replayer) note(format string, args ...any) {
	p.out.Notes = append(p.out.Notes, fmt.Sprintf(format, args...))
}

// open loads a run's model and data as they were and builds a trainee on them.
func (p *replayer) open(ctx context.Context, c Config, micro int) (*trainee, *recorder, error) {
	p.report("loading the model and the data", 0, 0)
	w, err := openWorkspace(ctx, c, p.faults)
	if err != nil {
		return nil, nil, err
	}
	t := &trainee{config: c, progress: p.report}
	if t.model, err = w.load(ctx, use(c)); err != nil {
		return nil, nil, err
	}
	hashes, err := t.hashes()
	if err != nil {
		t.close()
		return nil, nil, err
	}
	for what, hash := range hashes {
		if was := p.info.Hashes[what]; was != hash && was != "" {
			t.close()
			return nil, nil, fmt.Errorf("%w: the run's %s has changed since it began", ErrReplay, what)
		}
	}
	r := newRecorder(t, nil, w.Encoded[data.Train].Examples)
	if err = t.build(micro); err == nil {
		err = t.plantForReplay(p.faults, p.options.Step)
	}
	if err != nil {
		t.close()
		return nil, nil, err
	}
	return t, r, nil
}

// micro is the number of tokens of a forward pass of the run.
func (p *replayer) micro(c Config) (int, error) {
	if c.Train.MicroBatch > 0 {
		return c.Train.MicroBatch, nil
	}
	if n, ok := p.info.Resolved["micro_batch"].(float64); ok && n >= 1 && n < 1<<30 {
		return int(n), nil
	}
	return 0, fmt.Errorf("%w: %s does not say how its batches were cut", ErrReplay, runs.InfoName)
}

// stateBefore is a copy of the state before the step.
type stateBefore struct {
	tensors [][]float32
	moments []weights.Tensor
	state   engine.State
}

func snapshot(t *engine.Trainer) *stateBefore {
	s := &stateBefore{state: t.State()}
	for i := range t.Names() {
		s.tensors = append(s.tensors, slices.Clone(t.Tensor(i)))
	}
	for _, m := range t.Moments() {
		m.Data = slices.Clone(m.Data)
		s.moments = append(s.moments, m)
	}
	return s
}

// base executes the step as it was recorded. It returns the state before it; nil
// where a step before it came out otherwise.
func (p *replayer) base(ctx context.Context, c Config) (*stateBefore, error) {
	micro, err := p.micro(c)
	if err != nil {
		return nil, err
	}
	t, r, err := p.open(ctx, c, micro)
	if err != nil {
		return nil, err
	}
	defer t.close()
	p.resolved(t)
	at, err := t.reach(ctx, p.dir, p.options.Step-1, p.steps, r)
	if err != nil {
		return nil, err
	}
	p.out.From = at.from
	if len(at.unrecorded) > 0 {
		p.note("steps %v are not in the trace: they were executed and not compared", at.unrecorded)
	}
	if p.out.Differences = at.differences; len(at.differences) > 0 {
		p.note("step %d came out other than it was recorded: not reproducible, so not your data; suspect hardware, another build or other settings", at.differences[0].Step)
		return nil, nil
	}
	t.asOrdered(at.orders[p.options.Step-1])
	if p.options.Step > t.trainer.Steps() {
		return nil, fmt.Errorf("%w: the run has steps 1 to %d", ErrReplay, t.trainer.Steps())
	}
	t.asRecorded(p.options.Step, p.recorded)
	before := snapshot(t.trainer)
	if err := p.bisect(ctx, t); err != nil {
		return nil, err
	}
	var s engine.Step
	if p.out.Base, s, err = p.execute(ctx, t, r); err != nil {
		return nil, err
	}
	p.out.Differences, err = compare(p.options.Step, p.recorded.records, r.records(s))
	if p.out.Reproduced = len(p.out.Differences) == 0; !p.out.Reproduced {
		p.note("the step came out other than it was recorded: not reproducible, so not your data; suspect hardware, another build or other settings")
	}
	return before, err
}

// resolved notes what the run was computed with and this machine does not have.
func (p *replayer) resolved(t *trainee) {
	now := map[string]string{"kernels": kernel.Active(), "dtype": string(DType(t.config))}
	for _, what := range []string{"kernels", "dtype"} {
		if was, ok := p.info.Resolved[what].(string); ok && was != now[what] {
			p.note("recorded with %s %s, replayed with %s: the bits will differ", what, was, now[what])
		}
	}
}

// bisect narrows the step down if it was not finite: with all its rows, also those
// that it was taken without in the end.
func (p *replayer) bisect(ctx context.Context, t *trainee) error {
	if p.recorded.opt.Reason == "" {
		return nil
	}
	skipped := p.recorded.opt.Skipped
	p.report("bisecting its rows", 0, 0)
	t.trainer.Unskip(p.options.Step)
	b, err := t.trainer.Bisect(ctx)
	t.asRecorded(p.options.Step, p.recorded)
	switch {
	case engine.Refused(err) || errors.Is(err, engine.ErrAllSkipped):
		return nil // its batch says it all
	case err != nil:
		return err
	}
	if len(skipped) > 0 {
		p.note("bisected with rows %v, which the step was taken without", skipped)
	}
	p.out.Bisection = newBisection(b)
	return nil
}

// execute traces the step and takes it.
func (p *replayer) execute(ctx context.Context, t *trainee, r *recorder) (ReplayedStep, engine.Step, error) {
	p.report("tracing every operation", 0, 0)
	traced, err := t.trainer.TraceStep(ctx)
	if err != nil && !engine.Refused(err) && !errors.Is(err, engine.ErrAllSkipped) {
		return ReplayedStep{}, engine.Step{}, err
	}
	s, err := t.trainer.Step(ctx)
	if err != nil && !engine.Refused(err) && !errors.Is(err, engine.ErrNonFinite) {
		return ReplayedStep{}, s, err
	}
	if err != nil && s.Problem == nil {
		s.Problem = err
	}
	return newReplayedStep(s, traced, t), s, nil
}

// variant executes the step with something changed, from the state before it.
func (p *replayer) variant(ctx context.Context, c Config, before *stateBefore) error {
	micro, err := p.micro(c)
	if err != nil {
		return err
	}
	t, r, err := p.open(ctx, c, micro)
	if err != nil {
		return err
	}
	defer t.close()
	for i, data := range before.tensors {
		copy(t.trainer.Tensor(i), data)
	}
	if err := t.trainer.Restore(before.state, before.moments); err != nil {
		return err
	}
	t.trainer.SetLoss(p.lossWeights(t.trainer.Loss, LossWeights(c, t.model.Dataset.JSON())))
	t.asRecorded(p.options.Step, p.recorded)
	in := p.out.Base.Rows
	for _, row := range p.options.Without {
		if !slices.Contains(in, row) {
			return fmt.Errorf("%w without row %d: the rows of step %d are %v", ErrReplay, row, p.options.Step, in)
		}
	}
	t.trainer.Skip(p.options.Step, p.options.Without)
	v, _, err := p.execute(ctx, t, r)
	v.Without, v.Set = p.options.Without, p.options.Set
	p.out.Variant = &v
	return err
}

// lossWeights are those of the step, but where the replay sets others.
func (p *replayer) lossWeights(was, set loss.Weights) loss.Weights {
	for _, assignment := range p.options.Set {
		switch key, _, _ := strings.Cut(assignment, "="); strings.TrimSpace(key) {
		case "loss.ce":
			was.CE = set.CE
		case "loss.json":
			was.JSON = set.JSON
		case "loss.field":
			was.Field = set.Field
		case "loss.confidence":
			was.Confidence = set.Confidence
		}
	}
	return was
}

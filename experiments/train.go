package experiments

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hone/data"
	"hone/engine"
	"hone/engine/kernel"
	"hone/engine/loss"
	"hone/engine/trace/inject"
	"hone/internal/provoke"
	"hone/runs"
)

// training is one session of a run: it connects the engine's session to the run
// directory.
type training struct {
	trainee
	run     *Run
	options StartOptions
	writer  *runs.Writer
	resumed bool
	before  runs.RunInfo   // of a run that is resumed, as it was found
	rewinds int            // how often the run has gone back
	faults  []inject.Fault // that are planted on purpose

	recorder *recorder
	best     *runs.Eval
	early    earlyStop
	last     int    // step of the last evaluation
	saved    int    // step of the last checkpoint
	asked    bool   // whether the next checkpoint was asked for
	changed  bool   // whether a setting was since the last checkpoint
	state    string // final state of the session
	problem  error
	recorded time.Duration // that records, rules and the guard took in this session

	restoreGC func() // gives the collector its settings back
}

// execute loads, restores, trains.
func (t *training) execute(ctx context.Context) (err error) {
	if err := t.writer.Update(func(i *runs.RunInfo) {
		i.Name, i.State, i.Error, i.Version, i.Machine = t.config.Name, runs.Running, "", t.options.Version, machine()
		i.BestBy, i.Early = t.config.Train.BestBy, ""
	}); err != nil {
		return err
	}
	if err := t.openFaults(); err != nil {
		return err
	}
	t.restoreGC = func() {}
	defer func() { t.restoreGC() }()
	defer t.close()
	if err := t.load(ctx); err != nil {
		return err
	}
	switch {
	case t.options.Rewind != nil:
		err = t.rewindTo(ctx, *t.options.Rewind)
	case t.resumed:
		err = t.restore()
	}
	if err != nil {
		return err
	}
	c := t.config.Train
	if err := t.recorder.head(); err != nil {
		return err
	}
	if err := t.preflight(ctx); err != nil {
		return err
	}
	if err := t.plantFaults(); err != nil {
		return err
	}
	if provoke.Step != nil {
		t.trainer.Plant(engine.Faults{Before: provoke.Step})
	}
	if t.options.inject != nil {
		t.options.inject(t.trainer)
	}
	session := engine.Start(ctx, t.trainer, engine.Schedule{
		EvalEvery: c.EvalEvery, CheckpointEvery: c.CheckpointEvery, MaxSteps: t.options.MaxSteps, Evaluated: t.last, Rewinds: t.rewinds, Enough: t.early.reason() != "",
	}, engine.Hooks{
		Step: t.onStep, Failed: t.onFailed, Rewind: t.onRewind,
		Evaluate: t.onEvaluate, Checkpoint: t.onCheckpoint, Intervention: t.onIntervention, State: t.onState,
	})
	t.run.attach(session, t.model.Dataset.JSON())
	err = session.Wait()
	t.state = session.State()
	if err != nil || t.best != nil || t.trainer.Done() == 0 {
		return err
	}
	return t.saveBest() // without evaluations the last is the best
}

// load opens model and data, builds the trainer and records what was resolved.
func (t *training) load(ctx context.Context) (err error) {
	w, err := openWorkspace(ctx, t.config, t.faults)
	if err != nil {
		return err
	}
	plan, err := w.Plan() // before anything large is read: a run that cannot fit does not begin
	if err != nil {
		return err
	}
	forgetPlanned()
	t.restoreGC = LimitGarbage(*plan.MemoryBytes)
	t.recorder = newRecorder(&t.trainee, t.writer, w.Encoded[data.Train].Examples)
	if t.model, err = w.load(ctx, use(t.config)); err != nil {
		return t.unloadable(w, err)
	}
	micro := *plan.MicroBatch
	if before, ok := t.writer.Info().Resolved["micro_batch"].(float64); ok && t.resumed {
		micro = int(before) // another would give other bits
	}
	if err := t.build(micro); err != nil {
		return t.unloadable(w, err)
	}
	return t.record(micro, plan)
}

// record writes what was resolved to run.json. A resumed run that cannot have
// the same bits says so.
func (t *training) record(micro int, plan Plan) error {
	resolved := map[string]any{
		"kernels": kernel.Active(), "threads": t.model.pool.Workers(), "dtype": string(DType(t.config)), "micro_batch": float64(micro),
		"eos": *plan.EOS, "trainable_params": float64(plan.TrainableParams), "total_params": float64(plan.TotalParams),
		"memory_bytes": float64(*plan.MemoryBytes),
	}
	hashes, err := t.hashes()
	if err != nil {
		return err
	}
	before := t.writer.Info()
	if t.resumed {
		for what, hash := range before.Hashes {
			if hashes[what] != hash {
				return fmt.Errorf("the run cannot go on: its %s has changed since it began", what)
			}
		}
		for _, what := range []string{"kernels", "dtype"} {
			if was, ok := before.Resolved[what].(string); ok && was != resolved[what] {
				if err := t.log("warning", fmt.Sprintf("resumed with %s %v after %s: the bits will differ from an uninterrupted run", what, resolved[what], was)); err != nil {
					return err
				}
			}
		}
	}
	if err := t.writer.Update(func(i *runs.RunInfo) {
		i.Resolved, i.Hashes, i.Steps = resolved, hashes, t.trainer.Steps()
		if t.model.Dataset.Format == data.Text { // texts have no other score
			i.BestBy = runs.ScoreLoss
		}
	}); err != nil {
		return err
	}
	for _, n := range append(plan.Notes, "kernels "+kernel.Describe()) {
		if err := t.log("info", n); err != nil {
			return err
		}
	}
	return nil
}

func (t *training) log(level, message string) error {
	step := 0
	if t.trainer != nil {
		step = t.trainer.Done()
	}
	return t.writer.Append(runs.Log{Step: step, Level: level, Message: message})
}

// restore continues from the newest checkpoint, or from the beginning if the
// run was cut off before its first.
func (t *training) restore() error {
	from := 0
	var err error
	if t.rewinds, err = t.recall(); err != nil {
		return err
	}
	checkpoint, ok, err := runs.LatestCheckpoint(t.writer.Dir())
	if err != nil {
		return err
	}
	if ok {
		if err := t.backTo(checkpoint.Path); err != nil {
			return fmt.Errorf("resuming from %s: %w", checkpoint.Path, err)
		}
		from = checkpoint.Step
	}
	return t.writer.Append(runs.Resume{From: from})
}

// backTo continues from a checkpoint, with what was the best then, and with what
// the evaluations before it say about stopping early.
func (t *training) backTo(dir string) error {
	state, err := t.restoreFrom(dir)
	t.best, t.last = state.Best, state.Evaluated
	if err != nil {
		return err
	}
	h, err := runs.ReadHistory(t.writer.Dir())
	if err != nil {
		return err
	}
	t.early.again(h.Evals, data.Eval, state.Step)
	return t.countSteps()
}

// onStep records a step: its figures, and what it consumed and did.
func (t *training) onStep(s engine.Step) error {
	start := time.Now()
	defer func() { t.recorded += time.Since(start) + time.Duration(s.RecordSeconds*float64(time.Second)) }()
	line := runs.Step{
		Step: s.Number, Epoch: runs.Number(s.Epoch),
		Loss: runs.Number(s.Terms.Loss), CE: runs.Number(s.Terms.CE), JSON: runs.Number(s.Terms.JSON), Field: runs.Number(s.Terms.Field), Confidence: runs.Number(s.Terms.Confidence),
		GradNorm: runs.Number(s.GradNorm), LR: runs.Number(s.LR), Tokens: s.Counts.Tokens, TargetTokens: s.Counts.Targets, Seconds: runs.Number(s.Seconds),
	}
	if err := t.writer.Append(line); err != nil {
		return err
	}
	if err := t.happened(s.Number); err != nil {
		return err
	}
	if err := t.recorder.step(s); err != nil {
		return err
	}
	if s.Problem != nil && !errors.Is(s.Problem, engine.ErrAllSkipped) {
		if err := t.onGuarded(s); err != nil {
			return err
		}
	}
	return t.writer.Progress(s.Number)
}

func clipFactor(s engine.Step, clip float64) float64 {
	if !s.Clipped {
		return 1
	}
	return clip / (s.GradNorm + 1e-6)
}

// onEvaluate measures the eval split and says whether the run is trained enough.
func (t *training) onEvaluate(ctx context.Context, step int) (enough bool, err error) {
	if len(t.model.Encoded[data.Eval].Examples) == 0 {
		return false, nil
	}
	line, err := t.evaluate(ctx, step)
	if err != nil {
		return false, err
	}
	t.last = step
	t.early.see(line)
	if t.early.reason() == "" || step >= t.trainer.Steps() {
		return false, nil
	}
	return true, t.endEarly(step)
}

// evaluate measures the eval split, records it and keeps the best.
func (t *training) evaluate(ctx context.Context, step int) (line runs.Eval, err error) {
	start := time.Now()
	eval := t.model.Encoded[data.Eval]
	m := t.model.decoder(t.adapter, t.model.positions())
	terms, _, err := m.Loss(ctx, eval.Examples, LossWeights(t.config, t.model.Dataset.JSON()))
	if err != nil {
		return line, err
	}
	rows := t.evalRows()
	outputs, err := t.model.outputs(ctx, m, data.Eval, rows, nil)
	if err != nil {
		return line, err
	}
	counted := outputs[:min(t.config.Train.EvalExamples, len(eval.Examples), len(outputs))]
	scores := t.model.scores(counted)
	line = runs.Eval{
		Step: step, Split: data.Eval, Loss: runs.Number(terms.Loss), N: len(counted), Seconds: runs.Number(time.Since(start).Seconds()),
		ExactMatch: runs.Number(scores.ExactMatch), JSONValidity: runs.Number(scores.JSONValidity), FieldAccuracy: runs.Number(scores.FieldAccuracy),
		Fields: map[string]runs.Number{},
	}
	if line.N == 0 { // nothing was scored: that is no 0
		line.ExactMatch, line.JSONValidity, line.FieldAccuracy = runs.Number(math.NaN()), runs.Number(math.NaN()), runs.Number(math.NaN())
	}
	for f, share := range scores.Fields {
		line.Fields[f] = runs.Number(share)
	}
	line.Type = "eval"
	if err := t.writer.Append(line); err != nil {
		return line, err
	}
	for _, o := range outputs {
		if !slices.Contains(t.watched(), o.Row) {
			continue
		}
		if err := t.writer.Append(runs.Sample{
			Step: step, Split: data.Eval, Row: o.Row, Text: o.Text, Tokens: o.Tokens, StoppedBy: o.StoppedBy,
			Valid: o.Output.Valid, Exact: o.Output.Exact, FieldAccuracy: runs.Number(o.Output.FieldAccuracy),
		}); err != nil {
			return line, err
		}
	}
	if t.best == nil || line.Better(*t.best, t.config.Train.BestBy) {
		t.best = &line
		return line, t.saveBest()
	}
	return line, nil
}

// evalRows are the rows to generate: the first eval_examples, then what is
// watched beyond them.
func (t *training) evalRows() []int {
	if t.model.Dataset.Format == data.Text {
		return nil
	}
	n, _ := t.model.Dataset.Split(data.Eval)
	rows := []int{}
	for i := range min(t.config.Train.EvalExamples, len(n)) {
		rows = append(rows, i)
	}
	for _, r := range t.watched() {
		if r >= len(rows) && r < len(n) && !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

func (t *training) watched() []int {
	t.run.mu.Lock()
	defer t.run.mu.Unlock()
	return t.run.watched
}

// saveBest replaces the run's adapter, or with method Full its model.
func (t *training) saveBest() error {
	if t.config.Method == Full {
		return t.writer.WriteModel(func(dir string) error { return t.model.writeModel(dir, safetensorsType[t.config.Train.Save]) })
	}
	return t.writer.WriteAdapter(t.writeTrained)
}

// onCheckpoint saves all that a resumed run needs to go on bit for bit.
func (t *training) onCheckpoint(_ context.Context, step int) error {
	reason := "every"
	switch {
	case t.asked:
		reason = "asked"
	case t.changed && t.saved == step:
		reason = "settings"
	case step == 0:
		reason = "start"
	case step == t.trainer.Steps() || t.early.reason() != "":
		reason = "end"
	case t.config.Train.CheckpointEvery == 0 || step%t.config.Train.CheckpointEvery != 0:
		reason = "stopped"
	}
	t.asked, t.changed, t.saved = false, false, step
	return t.checkpoint(step, reason)
}

func (t *training) checkpoint(step int, reason string) error {
	best := ""
	if t.best != nil {
		best = runs.CheckpointName(t.best.Step)
	}
	path, err := t.writer.SaveCheckpoint(step, func(dir string) error {
		return t.saveTo(dir, t.best, t.last)
	}, t.config.Train.KeepCheckpoints, best)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(t.writer.Dir(), path)
	if err != nil {
		relative = path
	}
	return t.writer.Append(runs.Checkpoint{Step: step, Path: filepath.ToSlash(relative), Best: t.best != nil && t.best.Step == step, Reason: reason})
}

func (t *training) onIntervention(i engine.Intervention) error {
	note := runs.Intervention{Step: i.Step, Action: i.Action, By: byUser, Value: runs.Number(i.New), Previous: runs.Number(i.Old)}
	if i.Again {
		note.Reason = "it stands after going back"
	}
	t.asked = t.asked || i.Action == engine.ActionCheckpoint
	switch i.Action {
	case engine.ActionSetLR:
		t.changed = true
	case engine.ActionSetLoss:
		t.changed = true
		note.PreviousWeights, note.Weights = weightsOf(i.OldLoss), weightsOf(i.NewLoss)
	case engine.ActionSetBatchSize:
		t.changed = true
		if err := t.countSteps(); err != nil {
			return err
		}
	}
	return t.writer.Append(note)
}

func weightsOf(w loss.Weights) *runs.LossWeights {
	return &runs.LossWeights{CE: runs.Number(w.CE), JSON: runs.Number(w.JSON), Field: runs.Number(w.Field), Confidence: runs.Number(w.Confidence)}
}

// countSteps records how many steps the run has: another batch size changes it.
func (t *training) countSteps() error {
	if t.writer.Info().Steps == t.trainer.Steps() {
		return nil
	}
	return t.writer.Update(func(i *runs.RunInfo) { i.Steps = t.trainer.Steps() })
}

func (t *training) onState(state string) error {
	switch state {
	case engine.Paused:
		return t.writer.Update(func(i *runs.RunInfo) { i.State = runs.Paused })
	case engine.Running:
		return t.writer.Update(func(i *runs.RunInfo) { i.State = runs.Running })
	}
	return nil
}

// finish writes the final state to run.json and sums the run up.
func (t *training) finish(err error) Result {
	r := Result{State: t.state, RunDir: t.run.dir, Resumed: t.resumed}
	switch {
	case errors.Is(err, context.Canceled):
		r.State = engine.Stopped
	case err != nil || r.State == "":
		r.State = engine.Failed
	}
	if h, err := runs.ReadHistory(t.writer.Dir()); err == nil {
		r.summarize(h, t.config.Train.BestBy)
	}
	if t.trainer != nil {
		r.Step, r.Steps = t.trainer.Done(), t.trainer.Steps()
	}
	if r.State == engine.Finished && r.Step < r.Steps {
		r.Early = t.early.reason()
	}
	if t.resumed && (errors.Is(err, ErrRewind) || errors.Is(err, ErrInjected)) {
		// Nothing was done: the run is what it was.
		if r.State, r.Step = t.before.State, t.before.Step; t.before.Live() {
			r.State = runs.Stopped
		}
		t.problem = t.writer.Update(func(i *runs.RunInfo) { i.State, i.Step, i.Error = r.State, r.Step, t.before.Error })
		return r
	}
	reason, logged := "", error(nil)
	if err != nil && r.State == engine.Failed {
		reason = firstLine(err)
		if errors.Is(err, engine.ErrPanic) {
			if logged = runs.WriteFile(runs.PanicFile(r.RunDir), []byte(err.Error()+"\n")); logged == nil {
				reason += "; " + runs.PanicName + " of the run has the trace"
			}
		}
	}
	t.problem = errors.Join(logged, t.writer.Update(func(i *runs.RunInfo) {
		i.RecordSeconds += runs.Number(t.recorded.Seconds())
		i.State, i.Step, i.Early = r.State, r.Step, r.Early
		if reason != "" {
			i.Error = reason
		}
		i.Summary = map[string]any{"loss": float64(r.Loss)}
		if r.Eval != nil {
			i.Summary["best_step"] = r.BestStep
			i.Summary["exact_match"] = float64(r.Eval.ExactMatch)
			i.Summary["field_accuracy"] = float64(r.Eval.FieldAccuracy)
			i.Summary["json_validity"] = float64(r.Eval.JSONValidity)
		}
	}))
	return r
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

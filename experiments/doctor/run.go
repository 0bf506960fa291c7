package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"hone/engine/trace"
	"hone/experiments"
	"hone/runs"
)

// run diagnoses a run directory of Hone: its records, its alerts, its data, its
// adapter and its newest checkpoint.
func (e *examination) run(ctx context.Context) error {
	info, infoErr := runs.ReadInfo(e.path)
	history, err := runs.ReadHistory(e.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	c, configErr := experiments.Load(runs.ConfigFile(e.path))
	if infoErr != nil && configErr != nil && len(history.Steps) == 0 {
		return fmt.Errorf("%w: %w", ErrUnreadable, errors.Join(infoErr, configErr))
	}
	for _, problem := range []error{infoErr, configErr} {
		if problem != nil && !errors.Is(problem, os.ErrNotExist) {
			e.find(trace.Unreadable, trace.Warning, 1, "", plain(problem))
		}
	}
	log := RunLog(info, history)
	if configErr == nil {
		log.Args = runArgs(c)
	}
	a := trace.Analyze(log)
	e.add(a.Findings...)
	e.could(a.Checked...)
	e.could(trace.NonFinite)
	e.alerts(history)
	if info.State == runs.Failed && info.Error != "" {
		e.find(trace.NonFinite, trace.Note, 0.3, "See the findings above, and the run's last records.", "the run failed: "+firstLine(info.Error))
	}
	for _, n := range history.Notes[:min(len(history.Notes), 4)] {
		e.find(trace.Unreadable, trace.Note, 1, "Nothing, if the run was killed: a torn last line loses one record.", runs.MetricsName+": "+n)
	}
	if configErr == nil {
		e.runData(ctx, c)
		e.firstPrompt(c)
		e.runTemplate(c, info)
	}
	e.runWeights()
	return ctx.Err()
}

// RunLog is a run's history as rules see it.
func RunLog(info runs.RunInfo, h *runs.History) *trace.Log {
	l := &trace.Log{
		Tool: trace.Hone, Files: []string{runs.MetricsName}, Series: map[string][]trace.Sample{},
		State: map[string]float64{trace.LoggingSteps: 1}, Totals: map[string]float64{},
	}
	if info.Steps > 0 {
		l.State[trace.MaxSteps] = float64(info.Steps)
	}
	add := func(name string, step int, x float64) {
		l.Series[name] = append(l.Series[name], trace.Sample{Step: step, Value: x})
	}
	for _, s := range h.Steps {
		add(trace.Loss, s.Step, float64(s.Loss))
		add(trace.GradNorm, s.Step, float64(s.GradNorm))
		add(trace.LearningRate, s.Step, float64(s.LR))
		add(trace.Epoch, s.Step, float64(s.Epoch))
		add(trace.Tokens, s.Step, float64(s.Tokens))
		add(trace.Targets, s.Step, float64(s.TargetTokens))
	}
	for _, ev := range h.Evals {
		if ev.Split == "eval" {
			add(trace.EvalLoss, ev.Step, float64(ev.Loss))
		}
	}
	l.Order()
	return l
}

// runArgs are a run's settings by the names that rules know.
func runArgs(c experiments.Config) trace.Args {
	a := trace.Args{
		trace.LearningRate: c.Train.LR, "lr_scheduler_type": c.Train.Schedule, "warmup_ratio": c.Train.Warmup, "fp16": false,
		"eval_strategy": "no",
	}
	if c.Train.Schedule == "constant" && c.Train.Warmup > 0 {
		a["lr_scheduler_type"] = "constant_with_warmup"
	}
	if c.Train.EvalEvery > 0 {
		a["eval_strategy"], a[trace.EvalSteps] = "steps", float64(c.Train.EvalEvery)
	}
	return a
}

// alerts takes over what the run found itself.
func (e *examination) alerts(h *runs.History) {
	for _, event := range h.Events {
		a, ok := event.Record.(runs.Alert)
		if !ok || event.Undone {
			continue
		}
		severity := trace.Severity(a.Severity)
		if severity != trace.Error && severity != trace.Warning {
			severity = trace.Note
		}
		confidence := float64(a.Confidence)
		if !(confidence > 0 && confidence <= 1) {
			confidence = 0.8
		}
		evidence := []string{fmt.Sprintf("step %d: %s", a.Step, firstLine(a.Message))}
		e.find(a.ID, severity, confidence, a.Advice, append(evidence, a.Evidence...)...)
	}
}

// runData runs preflight on the data of a run, where they are still there.
func (e *examination) runData(ctx context.Context, c experiments.Config) {
	w, err := experiments.OpenWorkspace(ctx, c)
	if err != nil {
		if ctx.Err() == nil {
			e.find(trace.DataNote, trace.Note, 1, "", "the run's dataset was not looked at: "+firstLine(err.Error()))
		}
		return
	}
	e.workspace(w, "data: ")
}

// firstPrompt compares a run's prompt with that of the run whose adapter it began
// with.
func (e *examination) firstPrompt(c experiments.Config) {
	if c.LoRA.InitAdapter == "" {
		return
	}
	before := e.options.Prompt
	e.options.Prompt = c.Data.Prompt
	e.drift(c.LoRA.InitAdapter)
	e.options.Prompt = before
}

// runWeights examines the adapter that a run keeps and its newest checkpoint.
func (e *examination) runWeights() {
	look := func(dir, prefix string) {
		if !isFile(dir + "/adapter_config.json") {
			return
		}
		if err := e.adapter(dir, prefix); err != nil {
			e.find(trace.Unreadable, trace.Warning, 1, "", plain(err))
		}
	}
	look(runs.AdapterDir(e.path), "adapter: ")
	all, err := runs.Checkpoints(e.path)
	if err != nil {
		return // a run without checkpoints
	}
	for _, c := range all {
		if c.Problem != "" {
			e.find(trace.Unreadable, trace.Warning, 1, "", fmt.Sprintf("%s: %s", e.shown(c.Path), c.Problem))
		}
	}
	if n := len(all); n > 0 && all[n-1].Problem == "" {
		look(all[n-1].Path, e.shown(all[n-1].Path)+": ")
	}
}

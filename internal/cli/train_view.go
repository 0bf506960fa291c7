package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"hone/experiments"
	"hone/runs"
)

// trainView shows a run to people: a progress line, and what is worth a line of
// its own. With --json it passes the records on.
type trainView struct {
	*app
	dir   string
	goal  int // --max-steps, 0 = all
	steps int // of this run, 0 = not known yet
	first int // step this session began after
	began time.Time
}

func (v *trainView) begin() {
	v.began = time.Now()
	if !v.json && !v.quiet {
		v.out.printf("run %s\n", relative(v.dir))
		v.progress.show("loading the model", 0, 0, 0)
	}
}

// record shows one record of metrics.jsonl.
func (v *trainView) record(line []byte) error {
	if v.json {
		_, err := v.out.Write(append(line[:len(line):len(line)], '\n'))
		if err == nil {
			v.line(line)
		}
		return err
	}
	v.line(line)
	return v.out.err
}

// line decodes a record by its type. A line that cannot be decoded was written
// by nobody here: it is left to those who read the file.
func (v *trainView) line(line []byte) {
	var kind struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(line, &kind) != nil {
		return
	}
	switch kind.Type {
	case "step":
		var s runs.Step
		if json.Unmarshal(line, &s) == nil {
			v.step(s)
		}
	case "eval":
		var e runs.Eval
		if json.Unmarshal(line, &e) != nil {
			break
		}
		if e.N == 0 {
			v.print("%s  %s loss %.4g\n", v.at(e.Step), e.Split, float64(e.Loss))
		} else {
			v.print("%s  %s loss %.4g  exact %.3f  valid %.3f  fields %.3f  (%s)\n", v.at(e.Step), e.Split, float64(e.Loss),
				float64(e.ExactMatch), float64(e.JSONValidity), float64(e.FieldAccuracy), plural(e.N, "row"))
		}
	case "resume":
		var r runs.Resume
		if json.Unmarshal(line, &r) == nil {
			v.first, v.began = r.From, time.Now()
			v.print("%s  resumed\n", v.at(r.From))
		}
	case "alert":
		var r runs.Alert
		if json.Unmarshal(line, &r) == nil {
			v.print("%s  %s: %s\n", v.at(r.Step), r.Severity, r.Message)
		}
	case "log":
		var r runs.Log
		if json.Unmarshal(line, &r) == nil {
			v.print("%s  %s\n", v.at(r.Step), r.Message)
		}
	}
}

// at begins a line about a step.
func (v *trainView) at(step int) string { return fmt.Sprintf("step %4d", step) }

// print writes a line for people.
func (v *trainView) print(format string, args ...any) {
	if !v.json && !v.quiet {
		v.out.printf(format, args...)
	}
}

// step moves the progress line. Where there is none, every twentieth of the run
// has a line on standard error.
func (v *trainView) step(s runs.Step) {
	if v.steps == 0 {
		if info, err := runs.ReadInfo(v.dir); err == nil {
			v.steps = info.Steps
		}
	}
	total := v.steps
	if v.goal > 0 {
		total = min(total, v.goal)
	}
	if total <= 0 {
		return
	}
	// Evaluations and checkpoints are in the mean, and come again.
	left := time.Duration(0)
	if done := s.Step - v.first; done > 0 {
		left = time.Since(v.began) / time.Duration(done) * time.Duration(total-s.Step)
	}
	text := fmt.Sprintf("step %d/%d  loss %.4f  grad %.3g  lr %.3g  %.0f tok/s", s.Step, total, float64(s.Loss), float64(s.GradNorm), float64(s.LR),
		float64(s.Tokens)/max(1e-9, float64(s.Seconds)))
	v.progress.show(text, s.Step, total, left)
	if !v.progress.on && !v.json && (s.Step == total || s.Step%max(1, total/20) == 0) {
		v.note("%s", text)
	}
}

// end says how the run ended and what may come next.
func (v *trainView) end(r experiments.Result) {
	how := r.State
	if r.AlreadyFinished {
		how = "already finished"
	}
	if r.Early != "" {
		how += ", early"
	}
	dir := relative(r.RunDir)
	v.out.printf("%s at step %d of %d, loss %.4f", how, r.Step, r.Steps, r.Loss)
	if !r.AlreadyFinished {
		v.out.printf(", %s", clock(seconds(r.Seconds)))
	}
	v.out.printf("\n")
	if r.Early != "" {
		v.out.printf("%s\n", r.Early)
	}
	if r.State != runs.Finished {
		if !v.quiet {
			v.out.printf("go on with: hone train --run-dir %s\n", dir)
		}
		return
	}
	what, kept := "adapter", runs.AdapterDir(r.RunDir)
	if model := runs.ModelDir(r.RunDir); isDir(model) {
		what, kept = "model", model
	}
	v.out.printf("%s %s", what, filepath.ToSlash(relative(kept)))
	switch {
	case r.Eval == nil:
	case r.Eval.N == 0:
		v.out.printf("  (step %d: loss %.4g)", r.BestStep, float64(r.Eval.Loss))
	default:
		v.out.printf("  (step %d: exact %.3f, fields %.3f, loss %.4g)", r.BestStep, float64(r.Eval.ExactMatch), float64(r.Eval.FieldAccuracy), float64(r.Eval.Loss))
	}
	v.out.printf("\n")
	switch {
	case v.quiet:
	case what == "model":
		v.out.printf("score it: hone eval --adapter %s\n", dir)
	default:
		v.out.printf("compare it with the base model: hone compare --run-dir %s\n", dir)
	}
}

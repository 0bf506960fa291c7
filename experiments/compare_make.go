package experiments

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hone/data"
	"hone/engine/decode"
	"hone/runs"
)

// Compare generates what a run lacks of base and tuned outputs on a split,
// keeps it in the run directory, and returns the comparison. progress counts
// rows over both models, once for the output and once for the loss of the
// target. A run from random weights is ErrNoBase.
func Compare(ctx context.Context, runDir, split string, progress func(done, total int)) (*Comparison, error) {
	return CompareSides(ctx, BaseOf(runDir), TunedOf(runDir), split, progress)
}

// CompareSides is Compare of any two models, see [ReadSides].
func CompareSides(ctx context.Context, left, right Side, split string, progress func(done, total int)) (*Comparison, error) {
	if left.Model == right.Model && sameDir(left.RunDir, right.RunDir) {
		return nil, fmt.Errorf("%s of %s: %w", right.Name(), right.RunDir, ErrSameSide)
	}
	for _, s := range []Side{left, right} {
		if _, err := s.trained(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.RunDir, err)
		}
	}
	sides := []Side{left, right}
	work := make([]evalWork, len(sides))
	var models *runModels
	opened := func(dir string) error {
		if models != nil && models.dir == dir {
			return nil
		}
		if models != nil {
			models.close() // two runs' weights are not held at a time
		}
		var err error
		models, err = openRunModels(ctx, dir)
		return err
	}
	defer func() {
		if models != nil {
			models.close()
		}
	}()
	total := 0
	for i, s := range sides {
		if err := opened(s.RunDir); err != nil {
			return nil, err
		}
		w, err := models.missing(s, split)
		if err != nil {
			return nil, err
		}
		work[i] = w
		total += w.steps()
	}
	before := 0
	for i, s := range sides {
		w := &work[i]
		if w.steps() == 0 {
			continue
		}
		if err := opened(s.RunDir); err != nil {
			return nil, err
		}
		l, m, err := models.open(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := l.evaluateTo(ctx, m, s, split, w, func(done int) {
			if progress != nil {
				progress(before+done, total)
			}
		}); err != nil {
			return nil, err
		}
		before += w.steps()
	}
	return ReadSides(left, right, split)
}

// evalWork is what a model's file of outputs lacks.
type evalWork struct {
	source   string
	rows     int
	texts    bool      // rows are texts: nothing is generated
	file     *evalFile // nil: everything is missing
	measured bool      // the losses are there too
}

// steps counts rows to generate and rows to measure.
func (w evalWork) steps() int {
	switch {
	case w.file == nil && !w.texts:
		return 2 * w.rows
	case w.file == nil || !w.measured:
		return w.rows
	}
	return 0
}

// missing says what a side lacks on a split.
func (r *runModels) missing(s Side, split string) (evalWork, error) {
	if s.Model == base && r.config.Model.Init == InitRandom {
		return evalWork{}, fmt.Errorf("%s: %w", r.dir, ErrNoBase)
	}
	rows, err := r.workspace.Dataset.Split(split)
	if err != nil {
		return evalWork{}, err
	}
	if len(rows) == 0 {
		return evalWork{}, fmt.Errorf("the %s split has no rows", split)
	}
	hash := fmt.Sprintf("random weights of seed %d", r.config.Seed)
	if r.config.Model.Init != InitRandom {
		if hash, err = modelHash(r.config.Model.Path); err != nil {
			return evalWork{}, err
		}
	}
	trained, err := s.trained()
	if err != nil {
		return evalWork{}, err
	}
	w := evalWork{rows: len(rows), texts: r.workspace.Dataset.Format == data.Text}
	w.source = fmt.Sprintf("%s %s %s max_new=%d", hash, r.workspace.Dataset.Hash, r.workspace.Tokenizer.Hash(), r.config.Eval.MaxNew)
	if tpl := r.workspace.Encoder.Chat(); tpl != nil {
		w.source += " chat=" + tpl.Hash()
	}
	if trained != "" {
		w.source += " " + trained
	}
	if f, err := s.readEval(split); err == nil && f.Source == w.source && len(f.Outputs) == len(rows) {
		w.file, w.measured = f, f.Measured
	}
	return w, nil
}

// evaluateTo fills in what a side's outputs of a whole split lack. Outputs are
// kept before their losses are measured: those can be made up for.
func (l *loaded) evaluateTo(ctx context.Context, m *decode.Model, s Side, split string, w *evalWork, progress func(done int)) error {
	rows, err := l.Dataset.Split(split)
	if err != nil {
		return err
	}
	f, done := w.file, 0
	if f == nil {
		indices := make([]int, len(rows))
		for i := range indices {
			indices[i] = i
		}
		outputs, err := l.outputs(ctx, m, split, indices, func(done, _ int) { progress(done) })
		if err != nil {
			return err
		}
		if !w.texts {
			done = len(rows)
		}
		f = &evalFile{Split: split, Model: s.Model, Source: w.source, Schema: l.Dataset.Schema, Scores: l.scores(outputs)}
		unseen := l.Dataset.Unseen(split)
		for i, o := range outputs {
			f.Outputs = append(f.Outputs, evalRow{Event: rows[i].Text(), Target: rows[i].Completion, Unseen: unseen[i], Generated: o})
		}
		if err := s.writeEval(split, f); err != nil {
			return err
		}
	}
	losses, err := l.targetLosses(ctx, m, split, len(rows), func(n int) { progress(done + n) })
	if err != nil {
		return err
	}
	for i := range f.Outputs {
		f.Outputs[i].Loss = losses[i]
	}
	f.Measured = true
	return s.writeEval(split, f)
}

func (s Side) writeEval(split string, f *evalFile) error {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	name := runs.EvalFile(s.RunDir, s.Model, split)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return runs.WriteFile(name, text)
}

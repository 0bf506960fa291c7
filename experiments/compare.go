package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/decode"
	"hone/runs"
)

// ErrNotCompared says that a run has no complete comparison of that split yet.
var ErrNotCompared = errors.New("not compared yet")

// ErrNoAdapter says that a run has nothing to compare: neither an adapter nor,
// with method Full, a model.
var ErrNoAdapter = errors.New("the run has no adapter or model yet")

// ErrNoBase says that a run began from random weights: there is no base model.
var ErrNoBase = errors.New("the run began from random weights: there is no base model to compare with")

// Comparison is the base model against the tuned one over a split.
type Comparison struct {
	RunDir   string   `json:"run_dir"`
	Split    string   `json:"split"`
	Schema   []string `json:"schema"`
	Base     Scores   `json:"base"`
	Tuned    Scores   `json:"tuned"`
	Examples []Pair   `json:"examples"`
}

// Pair is one row of a comparison.
type Pair struct {
	Row    int       `json:"row"`
	Event  string    `json:"event"`
	Target string    `json:"target"`
	Base   Generated `json:"base"`
	Tuned  Generated `json:"tuned"`
}

// evalFile is eval/base-test.json or eval/tuned-test.json: every output with
// its score, and what they are outputs of.
type evalFile struct {
	Split   string    `json:"split"`
	Model   string    `json:"model"`  // base or tuned
	Source  string    `json:"source"` // identity of model, data, settings and, if tuned, what was trained
	Schema  []string  `json:"schema"`
	Scores  Scores    `json:"scores"`
	Outputs []evalRow `json:"outputs"`
}

type evalRow struct {
	Event  string `json:"event"`
	Target string `json:"target"`
	Generated
}

const (
	base  = "base"
	tuned = "tuned"
)

// ReadComparison reads the outputs that a run has of both models. It is
// ErrNotCompared unless both are there; outputs of an adapter or model that
// training has since replaced count as absent.
func ReadComparison(runDir, split string) (*Comparison, error) {
	var files [2]*evalFile
	for i, model := range []string{base, tuned} {
		f, err := readEval(runDir, model, split)
		if err != nil {
			return nil, err
		}
		files[i] = f
	}
	if current, err := trainedIdentity(runDir); err == nil && files[1].Source != "" && !strings.HasSuffix(files[1].Source, current) {
		return nil, fmt.Errorf("%s, %s split: what was trained has changed since: %w", runDir, split, ErrNotCompared)
	}
	return pair(runDir, files[0], files[1])
}

func readEval(runDir, model, split string) (*evalFile, error) {
	name := runs.EvalFile(runDir, model, split)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no outputs of the %s model on the %s split: %w", runDir, model, split, ErrNotCompared)
	}
	if err != nil {
		return nil, err
	}
	var f evalFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &f, nil
}

func pair(runDir string, b, t *evalFile) (*Comparison, error) {
	if len(b.Outputs) != len(t.Outputs) {
		return nil, fmt.Errorf("%s: %d outputs of base, %d of tuned: %w", runDir, len(b.Outputs), len(t.Outputs), ErrNotCompared)
	}
	c := &Comparison{RunDir: runDir, Split: b.Split, Schema: b.Schema}
	var baseOut, tunedOut []Output
	for i, x := range b.Outputs {
		y := t.Outputs[i]
		// The scores are formed again from the texts: decoded values are not in the file.
		x.Output, y.Output = ScoreText(x.Text, x.Target, b.Schema), ScoreText(y.Text, y.Target, b.Schema)
		baseOut, tunedOut = append(baseOut, x.Output), append(tunedOut, y.Output)
		c.Examples = append(c.Examples, Pair{Row: x.Row, Event: x.Event, Target: x.Target, Base: x.Generated, Tuned: y.Generated})
	}
	c.Base, c.Tuned = Summarize(baseOut, b.Schema), Summarize(tunedOut, b.Schema)
	return c, nil
}

// Compare generates what a run lacks of base and tuned outputs on a split,
// keeps it in the run directory, and returns the comparison. progress counts
// rows over both models. A run from random weights is ErrNoBase.
func Compare(ctx context.Context, runDir, split string, progress func(done, total int)) (*Comparison, error) {
	trained, err := trainedIdentity(runDir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runDir, err)
	}
	r, err := openRunModels(ctx, runDir)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if r.config.Model.Init == InitRandom {
		return nil, fmt.Errorf("%s: %w", runDir, ErrNoBase)
	}
	rows, err := r.workspace.Dataset.Split(split)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("the %s split has no rows", split)
	}
	hash, err := modelHash(r.config.Model.Path)
	if err != nil {
		return nil, err
	}
	identity := fmt.Sprintf("%s %s %s max_new=%d", hash, r.workspace.Dataset.Hash, r.workspace.Tokenizer.Hash(), r.config.Eval.MaxNew)
	sources := map[string]string{base: identity, tuned: identity + " " + trained}
	missing := []string{}
	for _, model := range []string{base, tuned} {
		if f, err := readEval(runDir, model, split); err != nil || f.Source != sources[model] {
			missing = append(missing, model)
		}
	}
	for i, model := range missing {
		l, m, err := r.open(ctx, model)
		if err != nil {
			return nil, err
		}
		if err := l.evaluateTo(ctx, m, runDir, model, split, sources[model], func(done, total int) {
			if progress != nil {
				progress(i*total+done, len(missing)*total)
			}
		}); err != nil {
			return nil, err
		}
	}
	return ReadComparison(runDir, split)
}

// evaluateTo generates one model's outputs of a whole split into the run
// directory.
func (l *loaded) evaluateTo(ctx context.Context, m *decode.Model, runDir, model, split, source string, progress func(done, total int)) error {
	rows, err := l.Dataset.Split(split)
	if err != nil {
		return err
	}
	indices := make([]int, len(rows))
	for i := range indices {
		indices[i] = i
	}
	outputs, err := l.outputs(ctx, m, split, indices, progress)
	if err != nil {
		return err
	}
	f := evalFile{Split: split, Model: model, Source: source, Schema: l.Dataset.Schema, Scores: l.scores(outputs)}
	for i, o := range outputs {
		f.Outputs = append(f.Outputs, evalRow{Event: rows[i].Text(), Target: rows[i].Completion, Generated: o})
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	name := runs.EvalFile(runDir, model, split)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return runs.WriteFile(name, text)
}

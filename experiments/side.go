package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hone/engine/weights"
	"hone/runs"
)

// Side is one of the two models that a comparison puts side by side: what a run
// started from, what it keeps, or one of its checkpoints.
type Side struct {
	RunDir string `json:"run_dir"`
	Model  string `json:"model"` // base, tuned, or the name of a checkpoint, as step-000050
}

// BaseOf is the model that a run started from.
func BaseOf(runDir string) Side { return Side{runDir, base} }

// TunedOf is the adapter, or the model, that a run keeps.
func TunedOf(runDir string) Side { return Side{runDir, tuned} }

// CheckpointOf is what a run had after a step.
func CheckpointOf(runDir string, step int) Side { return Side{runDir, runs.CheckpointName(step)} }

// ParseSide reads which model of a run is meant: "base", "tuned" (also ""), or
// the step of a checkpoint, as "50" or "step-000050".
func ParseSide(runDir, model string) (Side, error) {
	switch model {
	case base:
		return BaseOf(runDir), nil
	case tuned, "":
		return TunedOf(runDir), nil
	}
	step, err := strconv.Atoi(strings.TrimPrefix(model, "step-"))
	if err != nil || step < 0 {
		return Side{}, fmt.Errorf("%q is no model of a run: it has base, tuned and the steps of its checkpoints", model)
	}
	s := CheckpointOf(runDir, step)
	if _, err := os.Stat(s.dir()); errors.Is(err, fs.ErrNotExist) {
		return Side{}, fmt.Errorf("%s has no checkpoint of step %d%s: %w", runDir, step, stepsOf(runDir), fs.ErrNotExist)
	}
	return s, nil
}

// stepsOf lists the checkpoints that there are.
func stepsOf(runDir string) string {
	list, err := runs.Checkpoints(runDir)
	if err != nil || len(list) == 0 {
		return ""
	}
	var steps []string
	for _, c := range list[max(len(list)-8, 0):] {
		steps = append(steps, strconv.Itoa(c.Step))
	}
	return " (it has " + strings.Join(steps, ", ") + ")"
}

// Sides are the models of a run that can be compared: the base model, unless the
// run began from random weights, every sound checkpoint, and what it keeps.
func Sides(runDir string) ([]Side, error) {
	c, err := LoadRun(runDir)
	if err != nil {
		return nil, err
	}
	var sides []Side
	if c.Model.Init != InitRandom {
		sides = append(sides, BaseOf(runDir))
	}
	list, err := runs.Checkpoints(runDir)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Problem == "" {
			sides = append(sides, CheckpointOf(runDir, k.Step))
		}
	}
	if _, ok := trainedDir(runDir); ok {
		sides = append(sides, TunedOf(runDir))
	}
	return sides, nil
}

// Name is the model's name within its run: base, tuned, step 50.
func (s Side) Name() string {
	if step, err := strconv.Atoi(strings.TrimPrefix(s.Model, "step-")); err == nil {
		return fmt.Sprintf("step %d", step)
	}
	return s.Model
}

// labels name two sides, with their runs where these are two.
func labels(left, right Side) [2]string {
	names := [2]string{left.Name(), right.Name()}
	if sameDir(left.RunDir, right.RunDir) {
		return names
	}
	for i, s := range []Side{left, right} {
		run := filepath.Base(s.RunDir)
		if names[i] = run; s.Model != tuned {
			names[i] = run + " " + s.Name()
		}
	}
	return names
}

func sameDir(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, err := filepath.Abs(a)
	if err != nil {
		return false
	}
	y, err := filepath.Abs(b)
	return err == nil && x == y
}

// dir is the directory of what was trained; "" of a base model, and of what a run
// keeps while there is nothing.
func (s Side) dir() string {
	switch s.Model {
	case base:
		return ""
	case tuned:
		dir, _ := trainedDir(s.RunDir)
		return dir
	}
	return filepath.Join(runs.CheckpointsDir(s.RunDir), s.Model)
}

// errNothingTrained is ErrNoAdapter with when there will be something.
var errNothingTrained = fmt.Errorf("%w: it is saved at the first evaluation or at the end", ErrNoAdapter)

// trainedDir is the directory of what a run has trained: its adapter, or its
// model.
func trainedDir(runDir string) (string, bool) {
	for _, dir := range []string{runs.AdapterDir(runDir), runs.ModelDir(runDir)} {
		if _, err := os.Stat(dir); err == nil {
			return dir, true
		}
	}
	return "", false
}

// trained changes whenever the contents of what was trained do; it is "" for a
// base model.
func (s Side) trained() (string, error) {
	dir := s.dir()
	switch {
	case s.Model == base:
		return "", nil
	case dir == "":
		return "", errNothingTrained
	}
	a, err := weights.ReadAdapter(dir)
	if err == nil {
		return a.Hash(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		return "", errNothingTrained
	}
	return modelHash(dir)
}

// modelHash is the identity of a model's weights.
func modelHash(path string) (string, error) {
	m, err := OpenModel(path)
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.Hash()
}

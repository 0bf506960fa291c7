package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hone/engine/trace"
	"hone/engine/trace/steprules"
	"hone/runs"
)

// StepFinding is what a rule found about a step of a run.
type StepFinding struct {
	Step int
	trace.Finding
}

// maxStepFindings is how many findings are returned of a run at most: a rule that
// goes on and off at every step of a long one says no more.
const maxStepFindings = 10_000

// StepFindings has the rules look at what a run's trace says of its steps, one at a
// time, those included that were undone later. What the guard saw in the values
// themselves is not in these records: the run's alerts have it. A run without a
// trace has no findings.
func StepFindings(dir string) (found []StepFinding, notes []string, err error) {
	c, err := LoadRun(dir)
	if err != nil {
		return nil, nil, err
	}
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(runs.TracePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the trace: %w", err)
	}
	defer f.Close()
	vocabulary := 0
	if model, err := OpenModelConfig(c.Model.Path); err == nil {
		vocabulary = model.Vocab
	} else {
		notes = append(notes, fmt.Sprintf("the model cannot be looked at, so its first loss is not judged: %v", err))
	}
	rules := steprules.New(ruleRun(c, info.Steps, vocabulary))
	var records []any // of the step that is being read
	more, err := runs.ScanTrace(f, func(record any) error {
		switch r := record.(type) {
		case runs.TraceBatch:
			if r.Micro == 0 {
				records = records[:0]
			}
			records = append(records, r)
		case runs.TraceLoss, runs.TraceGrad:
			records = append(records, r)
		case runs.TraceOpt:
			for _, x := range rules.Step(ruleStep(append(records, r), nil)) {
				if len(found) < maxStepFindings {
					found = append(found, StepFinding{r.Step, x})
				}
			}
			records = records[:0]
		}
		return nil
	})
	return found, append(notes, more...), err
}

// Package doctor diagnoses what lies at a path: a run directory, the logs of
// another trainer, a dataset, a model, an adapter. The formats are read by the
// packages that own them and the rules are those of engine/trace; here it is
// decided what a path is and what is to be looked at.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/runs"
)

// Kinds of what a path can be.
const (
	KindRun         = "run"
	KindState       = "trainer-state"
	KindOutput      = "output-directory" // of transformers
	KindTensorBoard = "tensorboard"
	KindDataset     = "dataset"
	KindModel       = "model"
	KindAdapter     = "adapter"
)

// Report is the diagnosis of one path.
type Report struct {
	Path     string          `json:"path"`
	Kind     string          `json:"kind"`
	Verdict  string          `json:"verdict"`
	Findings []trace.Finding `json:"findings"` // the likeliest cause first
	Checked  []string        `json:"checked"`  // ids that could have been found here, in the catalogue's order
}

// Worst is the worst severity of the findings; Note where there are none.
func (r Report) Worst() trace.Severity {
	worst, _ := trace.Worst(r.Findings)
	return worst
}

// Options are what the caller knows beyond the path.
type Options struct {
	// Model is the base model of a log, of an adapter or for a dataset's tokens: a
	// directory, a .gguf file or builtin; "" = not known, for a dataset the built-in one.
	Model string
	// Prompt is the template that the adapter is to be asked with; "" = not known.
	Prompt string
}

// ErrUnreadable is wrapped where there is nothing at a path that could be
// diagnosed.
var ErrUnreadable = errors.New("nothing that can be diagnosed")

// Diagnose looks at a path. An error means that it could not be read at all.
func Diagnose(ctx context.Context, path string, o Options) (Report, error) {
	kind, err := KindOf(path)
	if err != nil {
		return Report{}, err
	}
	e := &examination{path: path, options: o, checked: map[string]bool{}}
	switch kind {
	case KindRun:
		err = e.run(ctx)
	case KindState, KindTensorBoard:
		err = e.logs(kind == KindTensorBoard)
	case KindOutput:
		err = e.output()
	case KindDataset:
		err = e.dataset(ctx)
	case KindModel:
		err = e.model(ctx, path)
		e.ownTemplate(path)
	case KindAdapter:
		if err = e.adapter(path, ""); err != nil {
			err = fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		e.drift(path)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Report{}, err
	}
	trace.Sort(e.findings)
	e.findings = append(e.findings, e.limits...)
	for i, f := range e.findings {
		e.checked[f.ID] = true
		if f.Evidence == nil {
			e.findings[i].Evidence = []string{}
		}
	}
	r := Report{Path: path, Kind: kind, Verdict: trace.Verdict(e.findings), Findings: e.findings, Checked: trace.InOrder(e.checked)}
	if r.Findings == nil {
		r.Findings = []trace.Finding{}
	}
	return r, nil
}

// KindOf says what a path is; the error wraps ErrUnreadable where it is nothing
// that is known here.
func KindOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("looking at %s: %w", path, err)
	}
	if info.IsDir() {
		return kindOfDir(path)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w: it is neither a directory nor a regular file", path, ErrUnreadable)
	}
	base := strings.ToLower(filepath.Base(path))
	switch ext := filepath.Ext(base); {
	case foreign.KindOf(path) == foreign.Events:
		return KindTensorBoard, nil
	case base == "adapter_config.json", base == "adapter_model.safetensors":
		return KindAdapter, nil
	case ext == ".gguf", ext == ".safetensors", base == "config.json":
		return KindModel, nil
	case ext == ".jsonl":
		if sibling := filepath.Dir(path); base == runs.MetricsName && isFile(runs.InfoFile(sibling)) || base == runs.TraceFile {
			return "", fmt.Errorf("%s: %w: name the run's directory %s", path, ErrUnreadable, sibling)
		}
		return KindDataset, nil
	case foreign.KindOf(path) == foreign.TrainerState:
		return KindState, nil
	case foreign.IsPickle(base):
		return "", fmt.Errorf("%s: %w: reading Python's pickle format can run what is in it, so it is never read; name the directory, or the safetensors", path, ErrUnreadable)
	case startsWith(path, "GGUF"):
		return KindModel, nil
	}
	return "", fmt.Errorf("%s: %w: what works: a run directory, trainer_state.json or its directory, an event file, a .jsonl dataset, a model (directory or .gguf), an adapter directory", path, ErrUnreadable)
}

func kindOfDir(dir string) (string, error) {
	has := func(name string) bool { return isFile(filepath.Join(dir, name)) }
	matches := func(pattern string) bool {
		found, _ := filepath.Glob(filepath.Join(escape(dir), pattern))
		return len(found) > 0
	}
	switch {
	case has(runs.InfoName), has(runs.MetricsName), has(runs.ConfigName):
		return KindRun, nil
	case has("trainer_state.json"), matches("checkpoint-*/trainer_state.json"):
		return KindOutput, nil
	case has("adapter_config.json"):
		return KindAdapter, nil
	case has("config.json") && (matches("*.safetensors") || matches("*.safetensors.index.json") || matches("pytorch_model*.bin")):
		return KindModel, nil
	case has("train.jsonl"):
		return KindDataset, nil
	case matches("*tfevents*"):
		return KindTensorBoard, nil
	}
	found, err := foreign.OpenDir(dir)
	switch {
	case err == nil && len(found.Runs) > 0 && found.Runs[0].Tool == trace.Transformers:
		return KindOutput, nil
	case err == nil && len(found.Runs) > 0:
		return KindTensorBoard, nil
	case err == nil && len(found.Adapters) > 0:
		return KindOutput, nil
	case matches("*.jsonl"):
		return KindDataset, nil
	case has("config.json"):
		return KindModel, nil
	}
	return "", fmt.Errorf("%s: %w: it has no run, trainer_state.json, event file, dataset (train.jsonl), model (config.json) or adapter (adapter_config.json)", dir, ErrUnreadable)
}

// escape keeps a directory's name from being a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func startsWith(path, magic string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(magic))
	n, _ := f.Read(head)
	return string(head[:n]) == magic
}

// examination collects what is found at a path.
type examination struct {
	path     string
	options  Options
	findings []trace.Finding
	limits   []trace.Finding // what a log cannot tell, said last
	checked  map[string]bool
}

func (e *examination) add(findings ...trace.Finding) {
	e.findings = trace.Merge(e.findings, findings...)
}

func (e *examination) could(ids ...string) {
	for _, id := range ids {
		e.checked[id] = true
	}
}

// find adds a finding with the catalogue's advice, unless advice is given.
func (e *examination) find(id string, severity trace.Severity, confidence float64, advice string, evidence ...string) {
	if m, ok := trace.ByID(id); ok && advice == "" {
		advice = m.Do
	}
	e.add(trace.Finding{ID: id, Severity: severity, Confidence: confidence, Evidence: evidence, Advice: advice})
}

// plain is an error's text without the names of Go's errors in it.
func plain(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

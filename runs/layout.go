package runs

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
)

// Names of the files of a run directory.
const (
	ConfigName  = "config.toml"
	InfoName    = "run.json"
	MetricsName = "metrics.jsonl"
	PanicName   = "panic.log"
	lockName    = "writer.lock"
)

// ConfigFile is the path of the full experiment.
func ConfigFile(dir string) string { return filepath.Join(dir, ConfigName) }

// InfoFile is the path of the run's state.
func InfoFile(dir string) string { return filepath.Join(dir, InfoName) }

// MetricsFile is the path of the run's records.
func MetricsFile(dir string) string { return filepath.Join(dir, MetricsName) }

// PanicFile is the path of the trace of a panic that ended the run.
func PanicFile(dir string) string { return filepath.Join(dir, PanicName) }

// TracePath is the path of the recorder's records.
func TracePath(dir string) string { return filepath.Join(dir, TraceFile) }

// AdapterDir is the path of the best adapter, in PEFT's layout.
func AdapterDir(dir string) string { return filepath.Join(dir, "adapter") }

// ModelDir is the path of the best model where every weight was trained.
func ModelDir(dir string) string { return filepath.Join(dir, "model") }

// CheckpointsDir is the directory that holds the checkpoints.
func CheckpointsDir(dir string) string { return filepath.Join(dir, "checkpoints") }

// CheckpointName is the name of a checkpoint's directory, as "step-000050".
func CheckpointName(step int) string { return fmt.Sprintf("step-%06d", step) }

// EvalFile is the path of the outputs of a model ("base", "tuned") on a split,
// as eval/tuned-test.json.
func EvalFile(dir, model, split string) string {
	return filepath.Join(dir, "eval", cleanName(model)+"-"+cleanName(split)+".json")
}

// maxName is the longest name in a directory's name, in bytes.
const maxName = 60

// cleanName keeps letters, digits, '-', '_' and '.' of a name and turns runs of
// all else into one '-'. A name that has none of them becomes "run".
func cleanName(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		if b.Len()+len(string(r)) > maxName {
			break
		}
		b.WriteRune(r)
	}
	if s := strings.Trim(b.String(), "-."); s != "" {
		return s
	}
	return "run"
}

package trace

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Names of series that rules know, whatever the tool called them.
const (
	Loss         = "loss" // nats per target; of transformers the mean of a window of steps
	GradNorm     = "grad_norm"
	LearningRate = "learning_rate"
	Epoch        = "epoch" // epochs done, a fraction
	EvalLoss     = "eval_loss"
	Targets      = "target_tokens" // supervised tokens of a step
	Tokens       = "tokens"        // tokens of a step
)

// Names of numbers in State and Totals, those of transformers.
const (
	MaxSteps         = "max_steps" // of the whole schedule
	GlobalStep       = "global_step"
	NumEpochs        = "num_train_epochs"
	BatchSize        = "train_batch_size" // sequences of one forward pass
	LoggingSteps     = "logging_steps"
	EvalSteps        = "eval_steps"
	TotalFLOs        = "total_flos"
	TokensSeen       = "num_input_tokens_seen"
	TrainRuntime     = "train_runtime" // seconds
	SamplesPerSecond = "train_samples_per_second"
	TrainLoss        = "train_loss"
)

// Tools that a log can come from.
const (
	Transformers = "transformers"
	TensorBoard  = "tensorboard"
	Hone         = "hone"
)

// Ref is a place in one of a log's files.
type Ref struct {
	File   int32 // index in Log.Files
	Line   int32 // from 1; 0 where the file has no lines
	Offset int64 // bytes from the beginning
}

// Sample is one value of a series.
type Sample struct {
	Step  int
	Value float64 // as logged: may be NaN or infinite
	Wall  float64 // seconds since 1970; 0 where it is not known
	Ref   Ref
}

// Checkpoint is the state of a run at one of its steps.
type Checkpoint struct {
	Step   int
	FLOs   float64 // total_flos, 0 where it is not known
	Source string
}

// Log is what a run left behind, whichever tool left it. The zero Log knows
// nothing, and rules stay silent on what is not known.
type Log struct {
	Tool   string
	Files  []string // what the log was read from, the main file first
	Series map[string][]Sample
	State  map[string]float64 // of the trainer
	Totals map[string]float64 // of the whole run, as it ended
	Args   Args               // arguments of the trainer; nil where they are not known
	Model  Args               // the model's configuration; nil where it is not known
	// Checkpoints are those of this run, ascending by step, the newest included.
	Checkpoints []Checkpoint
	// Single says that numbers went through float32, as in event files.
	Single bool
	// AdapterValues counts the values of the adapter trained; 0 where it is not known.
	AdapterValues int64
	// BaseName is what the log calls the base model.
	BaseName string
	Notes    []string // what was left out in reading, and why
}

// At names a place for people: "trainer_state.json:41", "events.out@1024".
func (l *Log) At(r Ref) string {
	if int(r.File) >= len(l.Files) || r.File < 0 {
		return ""
	}
	name := l.Files[r.File]
	switch {
	case r.Line > 0:
		return fmt.Sprintf("%s:%d", name, r.Line)
	case r.Offset > 0:
		return fmt.Sprintf("%s@%d", name, r.Offset)
	}
	return name
}

// Number is a value of State, else of Totals, that is finite; false where there
// is none.
func (l *Log) Number(name string) (float64, bool) {
	for _, from := range []map[string]float64{l.State, l.Totals} {
		if x, ok := from[name]; ok && finite(x) {
			return x, true
		}
	}
	return 0, false
}

// LastStep is the last step that is known of; 0 where none is.
func (l *Log) LastStep() int {
	last := 0
	if x, ok := l.Number(GlobalStep); ok && x > 0 && x < 1e12 {
		last = int(x)
	}
	for _, name := range []string{Loss, LearningRate, GradNorm} {
		if s := l.Series[name]; len(s) > 0 {
			last = max(last, s[len(s)-1].Step)
		}
	}
	return last
}

// Args are a program's arguments or a model's configuration: strings, float64,
// bool, or nil.
type Args map[string]any

// Number is a numeric argument; false where there is none.
func (a Args) Number(name string) (float64, bool) {
	switch v := a[name].(type) {
	case float64:
		return v, finite(v)
	case string:
		x, err := strconv.ParseFloat(v, 64)
		return x, err == nil && finite(x)
	}
	return 0, false
}

// Bool is an argument that is on or off; known is false where there is none.
func (a Args) Bool(name string) (on, known bool) {
	switch v := a[name].(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}

// Text is an argument as text; "" where there is none. An enumeration of Python
// is written without its class.
func (a Args) Text(name string) string {
	switch v := a[name].(type) {
	case string:
		if i := strings.LastIndexByte(v, '.'); i >= 0 && strings.HasSuffix(v[:i], "Type") || i >= 0 && strings.HasSuffix(v[:i], "Strategy") {
			v = v[i+1:]
		}
		return strings.ToLower(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// String is an argument that is text, as it was written; "" where there is none.
func (a Args) String(name string) string {
	s, _ := a[name].(string)
	return s
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// row is one entry of a log: what was logged at a step.
type row struct {
	step                   int
	loss, norm, epoch      float64
	hasLoss, hasNorm, hasE bool
	ref                    Ref // of the loss
}

// rows joins loss, gradient norm and epoch by step.
func (l *Log) rows() []row {
	losses := l.Series[Loss]
	out := make([]row, 0, len(losses))
	norms, epochs := l.Series[GradNorm], l.Series[Epoch]
	j, k := 0, 0
	for _, s := range losses {
		r := row{step: s.Step, loss: s.Value, hasLoss: true, ref: s.Ref}
		for j < len(norms) && norms[j].Step < s.Step {
			j++
		}
		if j < len(norms) && norms[j].Step == s.Step {
			r.norm, r.hasNorm = norms[j].Value, true
		}
		for k < len(epochs) && epochs[k].Step < s.Step {
			k++
		}
		if k < len(epochs) && epochs[k].Step == s.Step && finite(epochs[k].Value) {
			r.epoch, r.hasE = epochs[k].Value, true
		}
		out = append(out, r)
	}
	return out
}

// Order sorts every series by step; of several values of a step the last stays.
func (l *Log) Order() {
	for name, s := range l.Series {
		if !slices.IsSortedFunc(s, func(a, b Sample) int { return a.Step - b.Step }) {
			slices.SortStableFunc(s, func(a, b Sample) int { return a.Step - b.Step })
		}
		out := s[:0]
		for i, x := range s {
			if i+1 < len(s) && s[i+1].Step == x.Step {
				continue
			}
			out = append(out, x)
		}
		l.Series[name] = out
	}
	slices.SortStableFunc(l.Checkpoints, func(a, b Checkpoint) int { return a.Step - b.Step })
}

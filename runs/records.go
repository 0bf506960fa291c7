package runs

import (
	"encoding/json"
	"fmt"
	"time"
)

// Step is the line of one optimizer step. Loss terms are unweighted means over
// the optimizer batch; Loss is their weighted sum.
type Step struct {
	Type         string `json:"type"` // "step"
	Step         int    `json:"step"` // from 1
	Epoch        Number `json:"epoch"`
	Loss         Number `json:"loss"`
	CE           Number `json:"ce"` // nats per target token
	JSON         Number `json:"json"`
	Field        Number `json:"field"`
	Confidence   Number `json:"confidence"`
	GradNorm     Number `json:"grad_norm"` // global L2 norm before clipping
	LR           Number `json:"lr"`
	Tokens       int    `json:"tokens"`        // tokens run forward in this step
	TargetTokens int    `json:"target_tokens"` // supervised tokens among them
	Seconds      Number `json:"seconds"`       // wall time of the step
}

// Eval is the line of one evaluation: its loss is over the whole split, its
// scores are shares from 0 to 1 over N generated rows.
type Eval struct {
	Type          string `json:"type"` // "eval"
	Step          int    `json:"step"` // optimizer steps done
	Split         string `json:"split"`
	Loss          Number `json:"loss"`
	ExactMatch    Number `json:"exact_match"`
	JSONValidity  Number `json:"json_validity"`
	FieldAccuracy Number `json:"field_accuracy"`
	N             int    `json:"n"`
	// Fields is the share of rows right in each field of the schema.
	Fields  map[string]Number `json:"fields,omitempty"`
	Seconds Number            `json:"seconds,omitempty"` // wall time of the evaluation
}

// Resume says that training goes on after step From: what later steps recorded
// before is undone.
type Resume struct {
	Type string    `json:"type"` // "resume"
	From int       `json:"from"` // the last step that still counts
	Time time.Time `json:"time,omitzero"`
}

// Checkpoint says that a checkpoint is complete on disk.
type Checkpoint struct {
	Type   string    `json:"type"` // "checkpoint"
	Step   int       `json:"step"` // optimizer steps in it
	Time   time.Time `json:"time"`
	Path   string    `json:"path"`             // relative to the run directory
	Best   bool      `json:"best,omitempty"`   // the best so far
	Reason string    `json:"reason,omitempty"` // "start", "every", "asked", "end", "stopped", "rewind", "settings"
}

// Actions of an Intervention.
const (
	ActionPause      = "pause"
	ActionResume     = "resume"
	ActionStep       = "step"
	ActionStop       = "stop"
	ActionCheckpoint = "checkpoint"
	ActionEvaluate   = "evaluate"
	ActionSetLR      = "set-lr"
	// These change the weights of the loss and the size of the batches.
	ActionSetLoss      = "set-loss-weights"
	ActionSetBatchSize = "set-batch-size"
	ActionWatch        = "watch"
	ActionSkipStep     = "skip-step"
	ActionSkipRow      = "skip-row"
	ActionRewind       = "rewind"
	ActionEarlyStop    = "early-stop" // by the rule of train.early_stopping: the run is finished
)

// Intervention is a change to a run from outside its schedule: by a person, or
// by the rule for non-finite updates. It takes effect after step Step; skip-row,
// skip-step and rewind are about that step itself.
type Intervention struct {
	Type     string    `json:"type"` // "intervention"
	Step     int       `json:"step"`
	Time     time.Time `json:"time"`
	Action   string    `json:"action"`             // one of the Action constants
	By       string    `json:"by,omitempty"`       // "user", "rule"
	Value    Number    `json:"value,omitempty"`    // set-lr: the new learning rate; set-batch-size: the new size
	Previous Number    `json:"previous,omitempty"` // what it was before
	// Weights and PreviousWeights are those of the loss (set-loss-weights).
	Weights         *LossWeights `json:"weights,omitempty"`
	PreviousWeights *LossWeights `json:"previous_weights,omitempty"`
	To              int          `json:"to,omitempty"`   // rewind: the last step that still counts
	Rows            []int        `json:"rows,omitempty"` // watch: rows of the eval split; skip-step: rows of the batch; skip-row, rewind: rows left out of step Step from then on
	Reason          string       `json:"reason,omitempty"`
}

// LossWeights are the factors of the terms of the loss.
type LossWeights struct {
	CE         Number `json:"ce"`
	JSON       Number `json:"json"`
	Field      Number `json:"field"`
	Confidence Number `json:"confidence"`
}

// Alert is a finding about the run, with an id of the doctor's rules.
type Alert struct {
	Type       string    `json:"type"` // "alert"
	Step       int       `json:"step"`
	Time       time.Time `json:"time"`
	ID         string    `json:"id"`       // as "MASK-ALL"
	Severity   string    `json:"severity"` // "note", "warning", "error"
	Message    string    `json:"message"`
	Advice     string    `json:"advice,omitempty"`
	Confidence Number    `json:"confidence,omitempty"` // 0 to 1; 0 = not given
	Evidence   []string  `json:"evidence,omitempty"`
}

// Log is a message for people.
type Log struct {
	Type    string    `json:"type"` // "log"
	Step    int       `json:"step"`
	Time    time.Time `json:"time"`
	Level   string    `json:"level"` // "info", "warning", "error"
	Message string    `json:"message"`
}

// Sample is the output of a watched row, regenerated as training goes.
type Sample struct {
	Type          string    `json:"type"` // "sample"
	Step          int       `json:"step"` // optimizer steps done
	Time          time.Time `json:"time"`
	Split         string    `json:"split"`
	Row           int       `json:"row"` // index in the split
	Text          string    `json:"text"`
	Tokens        int       `json:"tokens"`     // generated, EOS included
	StoppedBy     string    `json:"stopped_by"` // "eos", "closed", "max_new"
	Valid         bool      `json:"valid"`      // a JSON object
	Exact         bool      `json:"exact"`
	FieldAccuracy Number    `json:"field_accuracy"` // 0 to 1
}

// typed returns a record with its type set, and with the time where the record
// has one and it is not set.
func typed(record any, now time.Time) (any, error) {
	stamp := func(t *time.Time) {
		if t.IsZero() {
			*t = now
		}
		*t = t.Round(time.Millisecond)
	}
	switch r := record.(type) {
	case Step:
		r.Type = "step"
		return r, nil
	case Eval:
		r.Type = "eval"
		return r, nil
	case Resume:
		r.Type = "resume"
		return r, nil
	case Checkpoint:
		r.Type = "checkpoint"
		stamp(&r.Time)
		return r, nil
	case Intervention:
		r.Type = "intervention"
		stamp(&r.Time)
		return r, nil
	case Alert:
		r.Type = "alert"
		stamp(&r.Time)
		return r, nil
	case Log:
		r.Type = "log"
		stamp(&r.Time)
		return r, nil
	case Sample:
		r.Type = "sample"
		stamp(&r.Time)
		return r, nil
	case *Step:
		return typed(*r, now)
	case *Eval:
		return typed(*r, now)
	case *Resume:
		return typed(*r, now)
	case *Checkpoint:
		return typed(*r, now)
	case *Intervention:
		return typed(*r, now)
	case *Alert:
		return typed(*r, now)
	case *Log:
		return typed(*r, now)
	case *Sample:
		return typed(*r, now)
	}
	return nil, fmt.Errorf("%T is not a record of metrics.jsonl", record)
}

// parseRecord decodes one line. A type that this version does not know is
// returned as json.RawMessage: a later version may have written it.
func parseRecord(line []byte) (any, error) {
	if s, ok := parseStep(line); ok {
		return s, nil
	}
	var head struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	if head.Type == nil {
		return nil, fmt.Errorf("a record without a type")
	}
	switch *head.Type {
	case "step":
		return decode[Step](line)
	case "eval":
		return decode[Eval](line)
	case "resume":
		return decode[Resume](line)
	case "checkpoint":
		return decode[Checkpoint](line)
	case "intervention":
		return decode[Intervention](line)
	case "alert":
		return decode[Alert](line)
	case "log":
		return decode[Log](line)
	case "sample":
		return decode[Sample](line)
	}
	return json.RawMessage(append([]byte{}, line...)), nil
}

func decode[T any](line []byte) (any, error) {
	var record T
	err := json.Unmarshal(line, &record)
	return record, err
}

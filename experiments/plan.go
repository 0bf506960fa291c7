package experiments

import (
	"errors"
	"fmt"
	"runtime"

	"hone/data"
	"hone/engine"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// Plan is what a training run will cost. What cannot be known without a
// tokenizer or a dataset is nil.
type Plan struct {
	TrainableParams  int64    `json:"trainable_params"`
	TotalParams      int64    `json:"total_params"` // an adapter included
	TrainablePercent float64  `json:"trainable_percent"`
	Steps            *int     `json:"steps"`
	Tokens           *int     `json:"tokens"`       // over all epochs
	MemoryBytes      *int64   `json:"memory_bytes"` // estimated peak
	Seconds          *float64 `json:"seconds"`      // estimated, evaluations included
	StepSeconds      *float64 `json:"step_seconds"` // estimated, of one optimizer step without evaluations
	EOS              *string  `json:"eos"`          // text of the token that ends a completion
	MicroBatch       *int     `json:"micro_batch"`  // tokens per forward pass
	Notes            []string `json:"notes,omitempty"`
	// Warnings are about single settings, to be shown beside them.
	Warnings []Warning `json:"warnings,omitempty"`
}

// MakePlan plans a run from config.json (or the GGUF header) and, as far as
// they are there, tokenizer and data. It reads no weights.
func MakePlan(c Config) (Plan, error) {
	if err := c.Validate(); err != nil {
		return Plan{}, err
	}
	if err := checkModel(c); err != nil {
		return Plan{}, err
	}
	model, err := OpenModelConfig(c.Model.Path)
	if err != nil {
		return Plan{}, err
	}
	p := basePlan(c, model)
	p.Warnings = Advise(c, Facts{Hidden: model.Hidden, MaxPositions: model.MaxPositions, CPUs: runtime.NumCPU()})
	w := &Workspace{Config: c}
	if w.Dataset, err = loadData(c); err != nil {
		return p, err
	}
	if err := w.openModel(); err != nil {
		if !errors.Is(err, ErrNoTokenizer) {
			return p, err
		}
		p.Notes = append(p.Notes, "the model has no tokenizer: steps, memory and time are not known")
		return p, p.planStart(c, model)
	}
	return w.Plan()
}

func basePlan(c Config, model weights.Config) Plan {
	p := Plan{TrainableParams: AdapterSettings(c).Parameters(model)}
	p.TotalParams = model.Parameters() + p.TrainableParams
	if c.Method == Full {
		p.TrainableParams = p.TotalParams
	}
	if c.Model.Init == InitRandom {
		p.Notes = append(p.Notes, fmt.Sprintf("training starts from random weights of seed %d; those of the model, if there are any, are not read", c.Seed))
	}
	p.TrainablePercent = 100 * float64(p.TrainableParams) / float64(p.TotalParams)
	return p
}

// Plan plans a run of the workspace's experiment. A run that does not fit the
// memory it may use is an ErrMemory with what would make it fit.
func (w *Workspace) Plan() (Plan, error) {
	if err := w.ready(); err != nil {
		return Plan{}, err
	}
	c := w.Config
	p := basePlan(c, w.Model)
	if err := p.planStart(c, w.Model); err != nil {
		return p, err
	}
	train := w.Encoded[data.Train]
	facts := w.facts()
	p.Warnings = Advise(c, facts)
	if len(train.Examples) == 0 {
		return p, fmt.Errorf("nothing to train on: every train row is longer than data.max_length %d", c.Data.MaxLength)
	}
	steps := c.Train.Epochs * engine.Config{BatchSize: c.Train.BatchSize}.StepsPerEpoch(len(train.Examples))
	tokens := c.Train.Epochs * train.Tokens
	eos := string(w.Tokenizer.Bytes(w.EOS[0]))
	p.Steps, p.Tokens, p.EOS = &steps, &tokens, &eos
	facts.Steps = steps
	p.Warnings = Advise(c, facts)
	if w.Dataset.Format == data.Text {
		if by := c.Train.EarlyStopping; by != NoEarlyStopping && by != runs.ScoreLoss {
			return p, fmt.Errorf("train.early_stopping is %q, and rows of text have no score but their loss: set it to %q", by, runs.ScoreLoss)
		}
		p.Notes = append(p.Notes, "rows are texts: the json and field terms of the loss are off, nothing is generated at evaluations, and the best is that of the lowest loss")
	} else if !w.Dataset.JSON() {
		p.Notes = append(p.Notes, "completions are not JSON objects: the json and field terms of the loss are off, exact match is on text")
	}
	micro, memory, err := w.microBatch()
	if err != nil {
		return p, err
	}
	training, evaluating := w.seconds(steps)
	step, seconds := training/float64(steps), training+evaluating
	p.MicroBatch, p.MemoryBytes, p.StepSeconds, p.Seconds = &micro, &memory, &step, &seconds
	facts.Seconds = seconds
	p.Warnings = Advise(c, facts)
	return p, nil
}

// seconds estimates the time of training and of evaluations from a quick measurement of this
// machine's matrix products.
func (w *Workspace) seconds(steps int) (training, evaluating float64) {
	c := w.Config
	train := w.Encoded[data.Train]
	flops := float64(c.Train.Epochs) * llama.TrainingFlops(w.Model, AdapterSettings(c), train.Tokens, train.Targets)
	if c.Method == Full { // and a gradient of every weight
		flops += float64(c.Train.Epochs) * llama.ForwardFlops(w.Model, train.Tokens, train.Targets)
	}
	rate := measureGemm(c.Threads)
	training = flops / (rate * trainingEfficiency)
	if c.Train.EvalEvery > 0 {
		eval := w.Encoded[data.Eval]
		evaluations := float64(steps/c.Train.EvalEvery) + 1
		forward := llama.ForwardFlops(w.Model, eval.Tokens, eval.Targets)
		generated := min(c.Train.EvalExamples, len(eval.Examples)) * int(eval.Completions.Mean)
		if w.Dataset.Format == data.Text {
			generated = 0
		}
		decoded := llama.ForwardFlops(w.Model, generated, generated)
		evaluating = evaluations * (forward/(rate*trainingEfficiency) + decoded/(rate*decodingEfficiency))
	}
	return training, evaluating
}

// Shares of the speed of large matrix products that training and batched
// generation reach, measured on SmolLM2-135M.
const (
	trainingEfficiency = 0.6
	decodingEfficiency = 0.3
)

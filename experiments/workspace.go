package experiments

import (
	"context"
	"errors"
	"fmt"

	"hone/data"
	"hone/data/builtin"
	"hone/engine/batch"
	"hone/engine/tokenizer"
	"hone/engine/trace/inject"
	"hone/engine/weights"
)

// Workspace is an experiment opened for looking at: its dataset, and, as far as
// the model is there, its tokenizer and the rows as the model will see them.
// Weights are not read.
type Workspace struct {
	Config   Config
	Dataset  *data.Dataset
	Findings []data.Finding

	// Without a usable model ModelProblem says why and how to name one, and what
	// follows is zero.
	ModelProblem error
	Model        weights.Config
	Tokenizer    *tokenizer.Tokenizer
	EOS          []int32 // the first is trained on, any stops a generation
	Encoder      *data.Encoder
	Encoded      map[string]data.Encoded // by split; the examples have no spans
}

// OpenWorkspace reads the dataset and the tokenizer of an experiment. An error
// is about the dataset or the settings; a model that cannot be used is
// ModelProblem.
func OpenWorkspace(ctx context.Context, c Config) (*Workspace, error) {
	return openWorkspace(ctx, c, nil)
}

// openWorkspace is OpenWorkspace with failures planted into the data.
func openWorkspace(ctx context.Context, c Config, faults []inject.Fault) (*Workspace, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := &Workspace{Config: c}
	d, err := loadData(c)
	if err != nil {
		return nil, err
	}
	spoilRows(d, faults)
	w.Dataset = d
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = w.openModel()
	switch {
	case errors.Is(err, data.ErrOverlong):
		return nil, err
	case err != nil:
		w.ModelProblem = err
	}
	w.spoilExamples(faults)
	examples := map[string][]batch.Example{}
	for split, e := range w.Encoded {
		examples[split] = e.Examples
	}
	w.Findings = data.PreflightEncoded(d, examples, w.Encoder, c.Data.MaxLength)
	w.dropSpans()
	return w, ctx.Err()
}

// dropSpans lets go of the places of tokens in the text, which take two thirds of
// an example: who shows a row encodes it again.
func (w *Workspace) dropSpans() {
	for _, e := range w.Encoded {
		for i := range e.Examples {
			e.Examples[i].Spans = nil
		}
	}
}

// loadData reads an experiment's dataset.
func loadData(c Config) (*data.Dataset, error) {
	if c.Data.Path == builtin.Name {
		return builtin.Load(dataOptions(c))
	}
	d, err := data.Load(c.Data.Path, dataOptions(c))
	if err != nil {
		return nil, fmt.Errorf("loading data: %w", err)
	}
	return d, nil
}

func (w *Workspace) openModel() error {
	c := w.Config
	if err := checkModel(c); err != nil {
		return err
	}
	model, err := OpenModelConfig(c.Model.Path)
	if err != nil {
		return err
	}
	w.Model = model
	t, err := OpenTokenizer(c.Model.Path)
	if err != nil {
		return err
	}
	if t.Size() > model.Vocab {
		return fmt.Errorf("the tokenizer has %d tokens, the model only %d", t.Size(), model.Vocab)
	}
	eos, err := endOfText(c, model, t)
	if err != nil {
		return err
	}
	use := Workspace{Config: c, Tokenizer: t, EOS: eos, Encoder: data.NewEncoder(t, eos[0], w.Dataset.Schema)}
	if w.Dataset.Format == data.Chat {
		if err := use.rendering(); err != nil {
			return err
		}
	}
	encoded, err := w.Dataset.EncodeAll(use.Encoder, dataOptions(c))
	if err != nil {
		return err
	}
	w.Tokenizer, w.EOS, w.Encoder, w.Encoded = t, use.EOS, use.Encoder, encoded
	return nil
}

// ready returns an error unless data and tokenizer are there to run a model on.
func (w *Workspace) ready() error {
	if w.ModelProblem == nil || errors.Is(w.ModelProblem, ErrNoBuiltin) {
		return w.ModelProblem
	}
	return fmt.Errorf("opening the model: %w", w.ModelProblem)
}

func dataOptions(c Config) data.Options {
	return data.Options{
		Format: data.Format(c.Data.Format), Template: c.Data.Prompt, Columns: c.Data.Columns, Turns: c.Data.Turns, Fields: c.Data.Fields, Split: c.Data.Split, Seed: c.Seed,
		MaxLength: c.Data.MaxLength, Overlong: c.Data.Overlong, BadRows: c.Data.BadRows,
	}
}

package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hone/data"
	"hone/engine/batch"
	"hone/engine/decode"
)

// MeasuredRow is how unlikely a model finds the target of a row of a workspace.
type MeasuredRow struct {
	Split, Row int       // Split is an index of data.Splits
	Nats       float64   // mean of -log p over its targets; may be NaN
	Tokens     []float32 // -log p of every target token, EOS last
}

// Meter measures rows of a workspace under a model. It is not safe for concurrent
// use.
type Meter struct {
	*loaded
	models *runModels
	model  *decode.Model
}

// ErrOtherTokenizer says that the rows of a workspace are no input of a model.
var ErrOtherTokenizer = errors.New("the run's model has another tokenizer")

// under is a workspace's rows with the models of a side: those of its run, or of
// the zero Side the model that the workspace names.
func (w *Workspace) under(s Side) (*runModels, Side, error) {
	if err := w.ready(); err != nil {
		return nil, s, err
	}
	r := &runModels{dir: s.RunDir, config: w.Config, opened: map[string]*loaded{}, borrowed: map[*loaded]bool{}}
	if s == (Side{}) {
		s.Model = base
		r.dir = "the experiment"
	} else {
		c, err := LoadRun(s.RunDir)
		if err != nil {
			return nil, s, err
		}
		r.config.Model, r.config.Method = c.Model, c.Method
		if c.Model.Path != w.Config.Model.Path {
			t, err := OpenTokenizer(c.Model.Path)
			if err != nil {
				return nil, s, err
			}
			if t.Hash() != w.Tokenizer.Hash() {
				return nil, s, fmt.Errorf("%w: measure %s with its own model named (%s)", ErrOtherTokenizer, s.RunDir, c.Model.Path)
			}
		}
	}
	same := *w
	same.Config = r.config
	r.workspace = &same
	return r, s, nil
}

// LossSource tells two models apart that find rows differently hard: it changes
// whenever the weights of a side do. The zero Side is the model that the
// workspace names. Its error may wrap [ErrNoBase] or [ErrNoAdapter].
func (w *Workspace) LossSource(s Side) (string, error) {
	r, s, err := w.under(s)
	if err != nil {
		return "", err
	}
	if s.Model == base && r.config.Model.Init == InitRandom {
		return "", fmt.Errorf("%s: %w", r.dir, ErrNoBase)
	}
	hash := ""
	if r.config.Model.Init != InitRandom {
		if hash, err = modelHash(r.config.Model.Path); err != nil {
			return "", err
		}
	}
	trained, err := s.trained()
	return fmt.Sprintf("%s %s %s", hash, DType(r.config), trained), err
}

// OpenMeter loads the model of a side, the zero Side being the one that the
// workspace names, to measure the workspace's rows with. Its error may wrap
// [ErrNoBase], [ErrNoAdapter] or [ErrOtherTokenizer].
func (w *Workspace) OpenMeter(ctx context.Context, s Side) (*Meter, error) {
	r, s, err := w.under(s)
	if err != nil {
		return nil, err
	}
	l, model, err := r.open(ctx, s)
	if err != nil {
		r.close()
		return nil, err
	}
	return &Meter{loaded: l, models: r, model: model}, nil
}

// Close releases the workers.
func (m *Meter) Close() { m.models.close() }

// Place is a row of a workspace.
type Place struct{ Split, Row int }

// meterChunk is how many rows are measured between two looks at the context.
const meterChunk = 8

// Measure measures rows in their order and hands them on as they come; rows that
// are not trained on, for their length, are left out. It returns the error of ctx
// when it ends early: what was handed on stands.
func (m *Meter) Measure(ctx context.Context, rows []Place, seen func([]MeasuredRow)) error {
	names := data.Splits()
	for len(rows) > 0 {
		n := min(meterChunk, len(rows))
		var places []Place
		var examples []batch.Example
		for _, p := range rows[:n] {
			if p.Split < 0 || p.Split >= len(names) {
				return fmt.Errorf("measuring: there is no split %d", p.Split)
			}
			e := m.Encoded[names[p.Split]]
			if i, ok := slices.BinarySearch(e.Rows, p.Row); ok {
				places, examples = append(places, p), append(examples, e.Examples[i])
			}
		}
		rows = rows[n:]
		if len(examples) == 0 {
			continue
		}
		part := make([]MeasuredRow, 0, len(examples))
		err := m.eachTarget(ctx, m.model, examples, func(i int, nats []float64) {
			r := MeasuredRow{Split: places[i].Split, Row: places[i].Row, Tokens: make([]float32, len(nats))}
			for k, v := range nats {
				r.Nats += v / float64(len(nats))
				r.Tokens[k] = float32(v)
			}
			part = append(part, r)
		})
		if err != nil {
			return err
		}
		seen(part)
	}
	return ctx.Err()
}

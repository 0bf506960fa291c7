package foreign

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"hone/engine/trace"
)

// ErrFormat says that a file is not of the format it was read as.
var ErrFormat = errors.New("not a log that is read here")

// ReadTrainerState reads the trainer_state.json of transformers, or a list of log
// entries. name is what messages call the file. A file that is cut short gives
// what came before the cut, with a note; the error wraps ErrFormat where there is
// nothing of use.
func ReadTrainerState(r io.Reader, name string) (*trace.Log, error) {
	p := &stateReader{s: newScanner(r), keeper: newKeeper(trace.Transformers, name)}
	c, err := p.s.peek()
	switch {
	case err != nil:
	case c == '[':
		err = p.history()
	case c == '{':
		err = p.s.object(p.member)
	default:
		err = p.s.fail("%q begins no JSON object", c)
	}
	log := p.log
	log.Order()
	if len(log.Series) == 0 && (!p.seen || err != nil) {
		if err == nil {
			err = errors.New("it has no log_history")
		}
		return nil, fmt.Errorf("reading %s: %w: %w", name, ErrFormat, err)
	}
	if err != nil {
		p.note("%s was read up to a mistake or cut: %v", name, err)
	}
	p.finish()
	return log, nil
}

type stateReader struct {
	*keeper
	s    *scanner
	seen bool // log_history was there
}

// member reads one key of the file.
func (p *stateReader) member(key string) error {
	c, err := p.s.peek()
	if err != nil {
		return err
	}
	switch {
	case key == "log_history" && c == '[':
		return p.history()
	case c == '{' || c == '[':
		return p.s.skip()
	}
	v, err := p.s.scalar()
	if err != nil {
		return err
	}
	if x, ok := v.number(); ok && len(p.log.State) < maxKeys {
		p.log.State[key] = x
	}
	return nil
}

func (p *stateReader) history() error {
	p.seen = true
	return p.s.list(func() error {
		c, err := p.s.peek()
		if err != nil {
			return err
		}
		if c != '{' {
			return p.s.skip()
		}
		return p.entry()
	})
}

type pair struct {
	key   string
	value float64
	ref   trace.Ref
}

// entry reads one entry of the log: any mix of training, evaluation and totals.
func (p *stateReader) entry() error {
	var pairs []pair
	step, hasStep := 0, false
	start := trace.Ref{Line: p.s.line, Offset: p.s.offset()}
	err := p.s.object(func(key string) error {
		c, err := p.s.peek()
		if err != nil {
			return err
		}
		ref := trace.Ref{Line: p.s.line, Offset: p.s.offset()}
		if c == '{' || c == '[' {
			return p.s.skip()
		}
		v, err := p.s.scalar()
		if err != nil {
			return err
		}
		x, ok := v.number()
		switch {
		case !ok:
		case key == "step" || key == "global_step" || key == "current_steps":
			if x >= 0 && x < 1e12 && x == math.Trunc(x) {
				step, hasStep = int(x), true
			}
		case len(pairs) < maxKeys:
			pairs = append(pairs, pair{key, x, ref})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !hasStep {
		p.note("the entry of line %d has no step and was left out", start.Line)
		return nil
	}
	for _, x := range pairs {
		name, total := seriesName(x.key)
		if total {
			p.log.Totals[name] = x.value
			continue
		}
		p.add(name, trace.Sample{Step: step, Value: x.value, Ref: x.ref})
	}
	return nil
}

// totals are what the last entry of a finished run holds.
var totals = map[string]bool{
	trace.TrainRuntime: true, trace.SamplesPerSecond: true, "train_steps_per_second": true,
	trace.TrainLoss: true, trace.TotalFLOs: true, "train_tokens_per_second": true,
}

// seriesName is a key of a log entry as rules call it.
func seriesName(key string) (name string, total bool) {
	switch key {
	case "lr":
		return trace.LearningRate, false
	case "gradient_norm", "grad norm":
		return trace.GradNorm, false
	}
	return key, totals[key]
}

// finish derives what follows from the rest.
func (p *stateReader) finish() {
	l := p.log
	if step, ok := l.State[trace.GlobalStep]; ok && step >= 0 && step < 1e12 {
		c := trace.Checkpoint{Step: int(step), Source: l.Files[0]}
		if f, ok := l.State[trace.TotalFLOs]; ok {
			c.FLOs = f
		}
		l.Checkpoints = append(l.Checkpoints, c)
	}
	for name := range l.Series {
		if strings.HasPrefix(name, "eval_") && strings.HasSuffix(name, "_loss") && len(l.Series[trace.EvalLoss]) == 0 {
			l.Series[trace.EvalLoss] = l.Series[name] // of a named evaluation set
			break
		}
	}
}

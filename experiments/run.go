package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"hone/engine"
	"hone/engine/trace/inject"
	"hone/runs"
)

// ErrConfigDiffers says that a run directory holds another experiment.
var ErrConfigDiffers = errors.New("the run directory holds another experiment")

// StartOptions say where a run is kept and how far it goes.
type StartOptions struct {
	RunDir   string // the run's directory; it is made, resumed or, if finished, left alone. "" = a new one in Store
	Store    string // directory of runs; "" = runs
	MaxSteps int    // stop after this step; 0 = the whole run. The schedule stays that of the whole run.
	Version  string // of the program, for run.json
	// Inject plants failures on purpose. A run that is resumed keeps those that it
	// was begun with.
	Inject []inject.Fault
	// Rewind takes a run that is there back before it goes on; nil = not at all.
	Rewind *Rewind

	inject func(*engine.Trainer) // called before the first step, to plant a failure
	spoil  func(*engine.Trainer) // the same, before preflight
}

// Result is how a run ended.
type Result struct {
	State           string      `json:"state"` // finished, stopped, failed
	RunDir          string      `json:"run_dir"`
	Step            int         `json:"step"` // optimizer steps done
	Steps           int         `json:"steps"`
	Loss            runs.Number `json:"loss"`                // of the last step
	Early           string      `json:"early,omitempty"`     // why a finished run ended before its last step
	BestStep        int         `json:"best_step,omitempty"` // of what was kept; 0 = the last
	Eval            *runs.Eval  `json:"eval,omitempty"`      // of that step
	Seconds         float64     `json:"seconds"`             // of this session
	Resumed         bool        `json:"resumed,omitempty"`
	AlreadyFinished bool        `json:"already_finished,omitempty"`
}

// Run is a training run of this process. It writes its directory; whoever wants
// to see it follows the directory. Its methods return at once and take effect
// at the next step boundary.
type Run struct {
	dir    string
	cancel context.CancelFunc

	mu      sync.Mutex
	session *engine.Session
	pending []func(*engine.Session) // commands given while the run is loading
	watched []int
	state   string
	json    bool // whether completions are JSON; known once loaded

	result Result
	err    error
	done   chan struct{}
}

// Start begins a run and returns when its directory exists; loading and
// training go on in the background until ctx ends, Stop or the last step.
func Start(ctx context.Context, c Config, o StartOptions) (*Run, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.Clone()
	if err := c.Resolve("."); err != nil {
		return nil, err
	}
	// Before the model is looked at: the run that is there says which one is meant.
	there, err := holds(o.RunDir, c)
	if err != nil {
		return nil, err
	}
	if o.Rewind != nil && !there {
		return nil, fmt.Errorf("%w: there is no run in %q", ErrRewind, o.RunDir)
	}
	if err := checkModel(c); err != nil {
		return nil, err
	}
	writer, resumed, err := openRun(c, o)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(writer.Dir())
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	r := &Run{dir: dir, done: make(chan struct{}), state: engine.Running, watched: []int{0, 1, 2}}
	if info := writer.Info(); resumed && info.State == runs.Finished && o.Rewind == nil {
		r.state = engine.Finished
		r.result, r.err = finishedResult(dir, info)
		r.err = errors.Join(r.err, writer.Close())
		close(r.done)
		return r, nil
	}
	ctx, r.cancel = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		defer r.cancel()
		r.train(ctx, c, o, writer, resumed)
	}()
	return r, nil
}

// openRun makes or reopens the run's directory. An existing one must hold the
// same experiment.
func openRun(c Config, o StartOptions) (w *runs.Writer, resumed bool, err error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, false, err
	}
	if o.RunDir == "" {
		store := o.Store
		if store == "" {
			store = "runs"
		}
		w, err = runs.Store{Root: store}.Create(c.Name, time.Now())
		if err != nil {
			return nil, false, err
		}
		return w, false, errors.Join(w.WriteConfig(text))
	}
	if w, err = runs.OpenWriter(o.RunDir); err != nil {
		return nil, false, err
	}
	resumed, err = holds(o.RunDir, c)
	if err == nil && !resumed {
		err = w.WriteConfig(text)
	}
	if err != nil {
		return nil, false, errors.Join(err, w.Close())
	}
	return w, resumed, nil
}

// holds reports whether a run directory holds the experiment c. One that holds
// another is an error that names the keys.
func holds(dir string, c Config) (bool, error) {
	if dir == "" {
		return false, nil
	}
	before, err := LoadRun(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var keys []string
	for _, d := range Diff(before, c) {
		keys = append(keys, fmt.Sprintf("%s is %s there, %s here", d.Key, d.A, d.B))
	}
	if len(keys) > 0 {
		return false, fmt.Errorf("%s: %w: %s", dir, ErrConfigDiffers, strings.Join(keys, "; "))
	}
	return true, nil
}

// LoadRun reads the experiment of a run directory.
func LoadRun(dir string) (Config, error) {
	if _, err := os.Stat(runs.ConfigFile(dir)); err != nil {
		return Config{}, fmt.Errorf("reading the run's experiment: %w", err)
	}
	return Load(runs.ConfigFile(dir))
}

func finishedResult(dir string, info runs.RunInfo) (Result, error) {
	h, err := runs.ReadHistory(dir)
	if err != nil {
		return Result{}, err
	}
	r := Result{State: info.State, RunDir: dir, Step: info.Step, Steps: info.Steps, Early: info.Early, AlreadyFinished: true, Resumed: true, Seconds: 0}
	r.summarize(h, info.BestBy)
	return r, nil
}

// summarize takes loss and best evaluation, by a score, from the run's records.
func (r *Result) summarize(h *runs.History, by string) {
	if s, ok := h.LastStep(); ok {
		r.Loss = s.Loss
	}
	if e, ok := h.BestEval("eval", by); ok {
		r.Eval, r.BestStep = &e, e.Step
	}
}

// Dir is the run's directory.
func (r *Run) Dir() string { return r.dir }

// Done is closed when the run has ended and its directory is complete.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait returns when the run has ended. Stopping is not an error.
func (r *Run) Wait() (Result, error) {
	<-r.done
	return r.result, r.err
}

// Err is why the run failed; nil while it goes on and after a good end.
func (r *Run) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// State is the state of the run: one of the engine's names of states.
func (r *Run) State() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil {
		return r.session.State()
	}
	return r.state
}

// Pause halts before the next step.
func (r *Run) Pause() { r.command((*engine.Session).Pause) }

// Resume goes on after Pause.
func (r *Run) Resume() { r.command((*engine.Session).Resume) }

// Step takes one step and pauses.
func (r *Run) Step() { r.command((*engine.Session).Step) }

// Stop ends the run after the step in flight, with a checkpoint.
func (r *Run) Stop() { r.command((*engine.Session).Stop) }

// Checkpoint saves now.
func (r *Run) Checkpoint() { r.command((*engine.Session).Checkpoint) }

// Evaluate evaluates now.
func (r *Run) Evaluate() { r.command((*engine.Session).Evaluate) }

// SetLR makes lr the learning rate of the next step and scales the rest of the
// schedule alike.
func (r *Run) SetLR(lr float64) { r.command(func(s *engine.Session) { s.SetLR(lr) }) }

// SetLoss makes w the weights of the loss from the next step on. The loss of
// evaluations keeps the weights of the experiment, so that they compare.
func (r *Run) SetLoss(w LossConfig) error {
	if err := w.Check(); err != nil {
		return err
	}
	r.command(func(s *engine.Session) { _ = s.SetLoss(lossWeights(w, r.json)) }) // checked above
	return nil
}

// SetBatchSize makes n the examples of a batch from the next step on: the rows
// that the epoch has not seen yet are cut anew.
func (r *Run) SetBatchSize(n int) error {
	if n < 1 || n > MaxBatchSize {
		return fmt.Errorf("a batch size of %d: want 1 to %d", n, MaxBatchSize)
	}
	r.command(func(s *engine.Session) { _ = s.SetBatchSize(n) }) // checked above
	return nil
}

// Abandon ends the run at once: the step in flight changes nothing, and a
// checkpoint of the last finished step is saved.
func (r *Run) Abandon() {
	if r.cancel != nil {
		r.cancel()
	}
}

// Watch names the rows of the eval split whose outputs are recorded at every
// evaluation.
func (r *Run) Watch(rows []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched = append([]int(nil), rows...)
}

func (r *Run) command(f func(*engine.Session)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session == nil {
		r.pending = append(r.pending, f)
		return
	}
	f(r.session)
}

// attach connects the session once it runs, with the commands given before.
func (r *Run) attach(s *engine.Session, json bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.json = s, json
	for _, f := range r.pending {
		f(s)
	}
	r.pending = nil
}

// train is the run's goroutine: it records the end whatever happens.
func (r *Run) train(ctx context.Context, c Config, o StartOptions, w *runs.Writer, resumed bool) {
	start := time.Now()
	stopHeartbeat := w.KeepAlive()
	t := &training{trainee: trainee{config: c}, run: r, options: o, writer: w, resumed: resumed, before: w.Info(), early: newEarlyStop(c.Train)}
	err := t.guarded(ctx)
	stopHeartbeat()
	r.result = t.finish(err)
	r.result.Seconds = time.Since(start).Seconds()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	r.err = errors.Join(err, t.problem, w.Close())
	r.mu.Lock()
	r.session, r.state = nil, r.result.State
	r.mu.Unlock()
}

// guarded runs the training; a panic outside the session becomes an error too.
func (t *training) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", engine.ErrPanic, p, debug.Stack())
		}
	}()
	return t.execute(ctx)
}

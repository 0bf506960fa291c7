package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hone/engine"
	"hone/engine/llama"
	"hone/engine/ops"
)

// log records what a session told its hooks, in order.
type log struct {
	mu      sync.Mutex
	lines   []string
	changed chan struct{}
	fail    string // line at which the hook fails
	panicAt string
}

func newLog() *log { return &log{changed: make(chan struct{}, 1000)} }

func (l *log) add(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	l.mu.Lock()
	l.lines = append(l.lines, line)
	l.mu.Unlock()
	l.changed <- struct{}{}
	switch line {
	case l.panicAt:
		panic("injected")
	case l.fail:
		return errors.New("disk full")
	}
	return nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "; ")
}

// await returns when line has been logged.
func (l *log) await(t *testing.T, line string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		for _, have := range l.lines {
			if have == line {
				l.mu.Unlock()
				return
			}
		}
		l.mu.Unlock()
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("no %q in %s", line, l)
		}
	}
}

func (l *log) hooks() engine.Hooks {
	return engine.Hooks{
		Step:         func(s engine.Step) error { return l.add("step %d", s.Number) },
		Evaluate:     func(_ context.Context, step int) (bool, error) { return false, l.add("evaluate %d", step) },
		Checkpoint:   func(_ context.Context, step int) error { return l.add("checkpoint %d", step) },
		Intervention: func(i engine.Intervention) error { return l.add("%s %d", i.Action, i.Step) },
		State:        func(s string) error { return l.add("%s", s) },
	}
}

func sessionTrainer(t *testing.T) *engine.Trainer {
	x := openToy(t, "tied")
	return x.trainer(t, 1, llama.Frozen, everyModule, engine.Config{BatchSize: 4, LR: 1e-3, Clip: 1, Loss: allTerms, Epochs: 3}, x.examples)
}

func TestSessionRunsToTheEnd(t *testing.T) {
	l := newLog()
	s := engine.Start(context.Background(), sessionTrainer(t), engine.Schedule{EvalEvery: 4, CheckpointEvery: 3}, l.hooks())
	if err := s.Wait(); err != nil || s.State() != engine.Finished {
		t.Fatal(err, s.State())
	}
	want := "step 1; step 2; step 3; checkpoint 3; step 4; evaluating; evaluate 4; running; step 5; step 6; evaluating; evaluate 6; running; checkpoint 6; finished"
	if l.String() != want {
		t.Errorf("the session did\n%s\nwant\n%s", l, want)
	}
}

// An evaluation that is enough finishes the run after a checkpoint of its step; a
// run that is resumed there has nothing left to do.
func TestSessionEndsWhenItIsEnough(t *testing.T) {
	l, trainer := newLog(), sessionTrainer(t)
	hooks := l.hooks()
	hooks.Evaluate = func(_ context.Context, step int) (bool, error) { return step == 4, l.add("evaluate %d", step) }
	s := engine.Start(context.Background(), trainer, engine.Schedule{EvalEvery: 2, CheckpointEvery: 3}, hooks)
	if err := s.Wait(); err != nil || s.State() != engine.Finished {
		t.Fatal(err, s.State())
	}
	want := "step 1; step 2; evaluating; evaluate 2; running; step 3; checkpoint 3; step 4; evaluating; evaluate 4; running; checkpoint 4; finished"
	if l.String() != want {
		t.Errorf("the session did\n%s\nwant\n%s", l, want)
	}
	l = newLog()
	s = engine.Start(context.Background(), trainer, engine.Schedule{EvalEvery: 2, Evaluated: 4, Enough: true}, l.hooks())
	if err := s.Wait(); err != nil || s.State() != engine.Finished || l.String() != "finished" {
		t.Error(err, l)
	}
}

func TestSessionStopsAtMaxSteps(t *testing.T) {
	l := newLog()
	s := engine.Start(context.Background(), sessionTrainer(t), engine.Schedule{MaxSteps: 2}, l.hooks())
	if err := s.Wait(); err != nil || s.State() != engine.Stopped {
		t.Fatal(err, s.State())
	}
	if want := "step 1; step 2; checkpoint 2; stopped"; l.String() != want {
		t.Errorf("the session did %s, want %s", l, want)
	}
}

// Paused, the session takes single steps, evaluates and saves when asked, and
// changes the learning rate; then it goes on and stops.
func TestSessionObeys(t *testing.T) {
	l, trainer := newLog(), sessionTrainer(t)
	reached, release := make(chan struct{}), make(chan struct{})
	hooks := l.hooks()
	hooks.Step = func(s engine.Step) error {
		if s.Number == 1 {
			close(reached)
			<-release // so that the pause below arrives in the first step
		}
		return l.add("step %d lr %g", s.Number, s.LR)
	}
	s := engine.Start(context.Background(), trainer, engine.Schedule{}, hooks)
	<-reached
	s.Pause()
	close(release)
	l.await(t, "paused")
	s.Step()
	l.await(t, "step 2 lr 0.001")
	s.Evaluate()
	l.await(t, "evaluate 2")
	s.Checkpoint()
	l.await(t, "checkpoint 2")
	s.SetLR(5e-4)
	l.await(t, "set-lr 2")
	if trainer.Done() != 2 {
		t.Errorf("%d steps were taken while paused", trainer.Done())
	}
	s.Step()
	l.await(t, "step 3 lr 0.0005")
	s.Stop()
	if err := s.Wait(); err != nil || s.State() != engine.Stopped {
		t.Fatal(err, s.State())
	}
	l.await(t, "checkpoint 3")
	if strings.Contains(l.String(), "step 4") {
		t.Error("the session went on after stop: ", l)
	}
}

// A cancelled context abandons the step in flight and saves the last finished
// one, also from a pause.
func TestSessionCancel(t *testing.T) {
	for _, paused := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		l := newLog()
		s := engine.Start(ctx, sessionTrainer(t), engine.Schedule{}, l.hooks())
		if paused {
			s.Pause()
			l.await(t, "paused")
		}
		cancel()
		if err := s.Wait(); err != nil || s.State() != engine.Stopped {
			t.Fatal(err, s.State())
		}
		lines := strings.Split(l.String(), "; ")
		if lines[len(lines)-1] != "stopped" {
			t.Errorf("the session did %s", l)
		}
	}
}

// An evaluation that was cut off is made again when the run goes on; one that
// was completed is not.
func TestSessionEvaluatesAfterResume(t *testing.T) {
	trainer := sessionTrainer(t)
	ctx, cancel := context.WithCancel(context.Background())
	l := newLog()
	hooks := l.hooks()
	hooks.Evaluate = func(ctx context.Context, step int) (bool, error) {
		cancel()
		return false, ctx.Err()
	}
	if err := engine.Start(ctx, trainer, engine.Schedule{EvalEvery: 4}, hooks).Wait(); err != nil || trainer.Done() != 4 {
		t.Fatal(err, trainer.Done())
	}
	l.await(t, "checkpoint 4")
	for evaluated, want := range map[int]string{0: "evaluating; evaluate 4; running; stopped", 4: "stopped"} {
		l = newLog()
		if err := engine.Start(context.Background(), trainer, engine.Schedule{EvalEvery: 4, MaxSteps: 4, Evaluated: evaluated}, l.hooks()).Wait(); err != nil {
			t.Fatal(err)
		}
		if l.String() != want {
			t.Errorf("evaluated at %d, the session did %s, want %s", evaluated, l, want)
		}
	}
}

func TestSessionFails(t *testing.T) {
	l := newLog()
	l.fail = "checkpoint 3"
	s := engine.Start(context.Background(), sessionTrainer(t), engine.Schedule{CheckpointEvery: 3}, l.hooks())
	if err := s.Wait(); err == nil || err.Error() != "disk full" || s.State() != engine.Failed {
		t.Errorf("%v, %s", err, s.State())
	}
	l = newLog()
	l.panicAt = "step 2"
	s = engine.Start(context.Background(), sessionTrainer(t), engine.Schedule{}, l.hooks())
	if err := s.Wait(); !errors.Is(err, engine.ErrPanic) || s.State() != engine.Failed {
		t.Errorf("%v, %s", err, s.State())
	}
}

// A session that goes back to its checkpoint goes on without the rows that
// failed, to the weights of a run that left them out; and it gives up in the end.
func TestSessionRewinds(t *testing.T) {
	x := openToy(t, "untied")
	c := func(c *engine.Config) { c.BatchSize = 4 }
	plain := guarded(t, x, engine.Halt, c)
	plain.Skip(4, []int{6})
	_, want := steps(t, plain, 6)
	for _, forever := range []bool{false, true} {
		trainer := guarded(t, x, engine.Rewind, c)
		if forever {
			plantRows(trainer, "layers.1.mlp.act_fn", ops.Forward, 3, 0, 1, 2, 3, 4, 5, 6, 7)
		} else {
			plantRowsAt(trainer, "layers.1.mlp.act_fn", ops.Forward, 4, 6)
		}
		l := newLog()
		hooks := l.hooks()
		var tensors, moments [][]float32
		var state engine.State
		hooks.Checkpoint = func(_ context.Context, step int) error {
			tensors, moments, state = nil, nil, trainer.State()
			for i := range trainer.Names() {
				tensors = append(tensors, slices.Clone(trainer.Tensor(i)))
			}
			for _, m := range trainer.Moments() {
				moments = append(moments, slices.Clone(m.Data))
			}
			return l.add("checkpoint %d", step)
		}
		hooks.Failed = func(_ context.Context, s engine.Step, _ error) error { return l.add("failed %d", s.Number) }
		hooks.Rewind = func(_ context.Context, s engine.Step) error {
			for i := range trainer.Names() {
				copy(trainer.Tensor(i), tensors[i])
			}
			saved := trainer.Moments()
			for i := range saved {
				saved[i].Data = moments[i]
			}
			if err := trainer.Restore(state, saved); err != nil {
				return err
			}
			return l.add("rewind %d without %v", s.Number, s.Bad)
		}
		s := engine.Start(context.Background(), trainer, engine.Schedule{CheckpointEvery: 2}, hooks)
		err := s.Wait()
		if forever {
			if !errors.Is(err, engine.ErrRewinds) || s.State() != engine.Failed || strings.Count(l.String(), "rewind") != engine.MaxRewinds {
				t.Errorf("%v: %s", err, l)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var got [][]float32
		for i := range trainer.Names() {
			got = append(got, trainer.Tensor(i))
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
			t.Error("other weights than of the run without the row")
		}
		order := "checkpoint 0; step 1; step 2; checkpoint 2; step 3; failed 4; rewind 4 without [6]; step 3; step 4; checkpoint 4; step 5; step 6; checkpoint 6; finished"
		if l.String() != order {
			t.Errorf("the session did\n%s\nwant\n%s", l, order)
		}
	}
}

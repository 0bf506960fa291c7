package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"hone/engine/loss"
)

// State names of a session.
const (
	Running    = "running"
	Paused     = "paused"
	Evaluating = "evaluating"
	Finished   = "finished"
	Stopped    = "stopped"
	Failed     = "failed"
)

// ErrPanic is wrapped by the error of a session that a programming error ended.
var ErrPanic = errors.New("unexpected panic")

// Hooks connect a session to the outside. They run on the session's goroutine,
// at step boundaries, in the order of events; an error from one ends the run.
// Evaluate, Failed and Rewind may be nil.
type Hooks struct {
	Step func(Step) error
	// Failed gets the record of a step that was not finite or whose batch was
	// refused, and that ends the run or has it go back.
	Failed func(ctx context.Context, s Step, err error) error
	// Rewind restores the trainer from the newest checkpoint, because of a step
	// that failed. Without it the policy Rewind is Halt.
	Rewind func(ctx context.Context, failed Step) error
	// Evaluate says whether the run has been trained enough: it is finished then.
	Evaluate     func(ctx context.Context, step int) (enough bool, err error)
	Checkpoint   func(ctx context.Context, step int) error
	Intervention func(Intervention) error
	State        func(state string) error
}

// Intervention is a command that somebody gave, at the step it took effect.
type Intervention struct {
	Step   int // optimizer steps done
	Action string
	Old    float64 // of a changed setting
	New    float64
	// Of a change of the loss weights.
	OldLoss, NewLoss loss.Weights
	// Again says that the run went back before the change, and that it stands.
	Again bool
}

// Schedule says when a session evaluates, saves and ends. Intervals are in
// optimizer steps; 0 means at the end only.
type Schedule struct {
	EvalEvery       int // 0 = never, not even at the end
	CheckpointEvery int
	MaxSteps        int // stop early at this step; 0 = run to the end
	Evaluated       int // step of the last evaluation, of a run that is resumed
	Rewinds         int // how often a run that is resumed has gone back already
	// Enough says of a run that is resumed that its last evaluation was enough.
	Enough bool
}

// MaxRewinds is how often a run goes back before it gives up.
const MaxRewinds = 3

// ErrRewinds is wrapped by the error of a run that has gone back too often.
var ErrRewinds = errors.New("the run has gone back to a checkpoint too often")

// Session runs a trainer in the background.
type Session struct {
	trainer  *Trainer
	hooks    Hooks
	schedule Schedule

	mu       sync.Mutex
	wake     *sync.Cond
	commands []command
	state    string

	// Of the session's goroutine.
	asked    asked
	paused   bool
	single   int // steps to take while paused
	stopping bool
	enough   bool // an evaluation has said so

	err  error // once done is closed
	done chan struct{}
}

// asked is what was asked for at the next step boundary.
type asked struct {
	evaluate, checkpoint bool
	changed              bool // a setting was: a checkpoint of this step must know of it
}

type command struct {
	action string
	value  float64
	loss   loss.Weights
}

// Start runs the trainer until its last step, an evaluation that is enough,
// MaxSteps, Stop or the end of ctx.
// Cancelling ctx abandons the step in flight, which changes nothing, and saves
// a checkpoint of the last finished one.
func Start(ctx context.Context, t *Trainer, s Schedule, h Hooks) *Session {
	session := &Session{trainer: t, hooks: h, schedule: s, enough: s.Enough, state: Running, done: make(chan struct{})}
	session.wake = sync.NewCond(&session.mu)
	stop := context.AfterFunc(ctx, func() {
		session.mu.Lock() // or the broadcast could fall between a check of ctx and the wait
		defer session.mu.Unlock()
		session.wake.Broadcast()
	})
	go func() {
		defer close(session.done)
		defer stop()
		session.finish(session.run(ctx))
	}()
	return session
}

// Pause, Resume, Step, Stop, Checkpoint, Evaluate, SetLR, SetLoss and
// SetBatchSize take effect at the next step boundary.

// Pause halts before the next step.
func (s *Session) Pause() { s.send(ActionPause, 0) }

// Resume goes on after Pause.
func (s *Session) Resume() { s.send(ActionResume, 0) }

// Step takes one step and pauses.
func (s *Session) Step() { s.send(ActionStep, 0) }

// Stop ends the run after the step in flight, with a checkpoint.
func (s *Session) Stop() { s.send(ActionStop, 0) }

// Checkpoint saves now.
func (s *Session) Checkpoint() { s.send(ActionCheckpoint, 0) }

// Evaluate evaluates now.
func (s *Session) Evaluate() { s.send(ActionEvaluate, 0) }

// SetLR makes lr the learning rate of the next step and scales the rest of the
// schedule alike.
func (s *Session) SetLR(lr float64) { s.send(ActionSetLR, lr) }

// SetLoss makes w the weights of the loss from the next step on.
func (s *Session) SetLoss(w loss.Weights) error {
	if err := checkLoss(w); err != nil {
		return err
	}
	s.enqueue(command{action: ActionSetLoss, loss: w})
	return nil
}

// SetBatchSize makes n the examples of a batch from the next step on: see
// [Trainer.SetBatchSize].
func (s *Session) SetBatchSize(n int) error {
	if err := checkBatchSize(n); err != nil {
		return err
	}
	s.send(ActionSetBatchSize, float64(n))
	return nil
}

func (s *Session) send(action string, value float64) {
	s.enqueue(command{action: action, value: value})
}

func (s *Session) enqueue(c command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, c)
	s.wake.Broadcast()
}

// State is the state of the session.
func (s *Session) State() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Wait returns when the session has ended, with the error that ended it: nil
// when it finished, stopped, or reached MaxSteps.
func (s *Session) Wait() error {
	<-s.done
	return s.err
}

// run is the loop over steps. A panic inside becomes an error.
func (s *Session) run(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, r, debug.Stack())
		}
	}()
	t := s.trainer
	evaluated, saved := s.schedule.Evaluated, t.Done() // at which steps
	if t.Done() == 0 && t.OnNonfinite == Rewind && s.hooks.Rewind != nil {
		saved = -1 // there must be something to go back to
		s.asked.checkpoint = true
	}
	for {
		if err := s.obey(); err != nil {
			return err
		}
		stop := s.stopping || ctx.Err() != nil || t.Done() >= s.end() || s.enough
		if evaluated != t.Done() && s.evaluationDue() || s.asked.evaluate {
			err := s.evaluate(ctx)
			switch {
			case err == nil:
				evaluated = t.Done()
			case ctx.Err() == nil:
				return err
			} // a cancelled evaluation is made again when the run is resumed
			stop = stop || s.enough
		}
		if saved != t.Done() && (stop || every(s.schedule.CheckpointEvery, t.Done())) || s.asked.checkpoint || s.asked.changed && saved == t.Done() {
			if err := s.hooks.Checkpoint(context.WithoutCancel(ctx), t.Done()); err != nil {
				return err
			}
			saved = t.Done()
		}
		s.asked = asked{}
		if stop {
			return ctx.Err()
		}
		if waited, err := s.pause(ctx); err != nil {
			return err
		} else if waited {
			continue
		}
		step, err := t.Step(ctx)
		if err != nil {
			if ctx.Err() != nil {
				continue // the step changed nothing: save and leave
			}
			if err := s.failed(ctx, step, err); err != nil {
				return err
			}
			evaluated, saved = t.Done(), t.Done() // the checkpoint was made after the evaluation
			continue
		}
		if err := s.hooks.Step(step); err != nil {
			return err
		}
	}
}

// failed deals with a step that returned an error: nil means that the trainer is
// back at a checkpoint and goes on from there without the rows that failed.
func (s *Session) failed(ctx context.Context, step Step, err error) error {
	if !errors.Is(err, ErrNonFinite) && !Refused(err) {
		return err
	}
	if s.hooks.Failed != nil {
		if err := s.hooks.Failed(ctx, step, err); err != nil {
			return err
		}
	}
	t := s.trainer
	if Refused(err) || t.OnNonfinite != Rewind || s.hooks.Rewind == nil {
		return err
	}
	if s.schedule.Rewinds >= MaxRewinds {
		return fmt.Errorf("%w (%d times): %w", ErrRewinds, s.schedule.Rewinds, err)
	}
	s.schedule.Rewinds++
	ordered := t.settings()
	if err := s.hooks.Rewind(ctx, step); err != nil {
		return fmt.Errorf("going back after a failed step: %w", err)
	}
	for _, note := range t.keep(ordered) { // what somebody ordered stands
		if err := s.hooks.Intervention(note); err != nil {
			return err
		}
		s.asked.changed = true
	}
	t.Skip(step.Number, step.Bad)
	return nil
}

// end is the step at which the session ends.
func (s *Session) end() int {
	if s.schedule.MaxSteps > 0 {
		return min(s.trainer.Steps(), s.schedule.MaxSteps)
	}
	return s.trainer.Steps()
}

func every(interval, step int) bool { return interval > 0 && step%interval == 0 }

func (s *Session) evaluationDue() bool {
	step := s.trainer.Done()
	return s.schedule.EvalEvery > 0 && (every(s.schedule.EvalEvery, step) || step == s.trainer.Steps())
}

func (s *Session) evaluate(ctx context.Context) error {
	if s.hooks.Evaluate == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.setState(Evaluating); err != nil {
		return err
	}
	enough, err := s.hooks.Evaluate(ctx, s.trainer.Done())
	if err != nil {
		return err
	}
	s.enough = s.enough || enough
	return s.setState(Running)
}

// obey carries out the commands that came in and reports each.
func (s *Session) obey() error {
	for {
		s.mu.Lock()
		if len(s.commands) == 0 {
			s.mu.Unlock()
			return nil
		}
		c := s.commands[0]
		s.commands = s.commands[1:]
		s.mu.Unlock()

		note := Intervention{Step: s.trainer.Done(), Action: c.action}
		switch c.action {
		case ActionPause:
			s.paused = true
		case ActionResume:
			s.paused, s.single = false, 0
		case ActionStep:
			s.paused = true
			s.single++
		case ActionStop:
			s.stopping = true
		case ActionCheckpoint:
			s.asked.checkpoint = true
		case ActionEvaluate:
			s.asked.evaluate = true
		case ActionSetLR:
			note.Old, note.New = s.trainer.LR(s.trainer.Done()), c.value
			if note.Old > 0 { // it is 0 at the end of a schedule
				s.trainer.LRFactor *= note.New / note.Old
			}
			s.asked.changed = true
		case ActionSetLoss:
			note.OldLoss, note.NewLoss = s.trainer.Loss, c.loss
			s.trainer.SetLoss(c.loss)
			s.asked.changed = true
		case ActionSetBatchSize:
			note.Old, note.New = float64(s.trainer.BatchSizeAt(s.trainer.Done())), c.value
			s.trainer.SetBatchSize(int(c.value))
			s.asked.changed = true
		}
		if err := s.hooks.Intervention(note); err != nil {
			return err
		}
	}
}

// pause waits, if the session is paused and has no single step to take, until a
// command or the end of ctx; it reports whether it waited.
func (s *Session) pause(ctx context.Context) (waited bool, err error) {
	if s.paused && s.single > 0 {
		s.single--
		return false, s.setState(Running)
	}
	if !s.paused {
		return false, s.setState(Running)
	}
	if err := s.setState(Paused); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.commands) == 0 && ctx.Err() == nil {
		s.wake.Wait()
	}
	return true, nil
}

func (s *Session) setState(state string) error {
	s.mu.Lock()
	changed := s.state != state
	s.state = state
	s.mu.Unlock()
	if !changed || s.hooks.State == nil {
		return nil
	}
	return s.hooks.State(state)
}

// finish sets the final state. Reaching MaxSteps, Stop and a cancelled context
// are ways to stop, not failures.
func (s *Session) finish(err error) {
	state := Failed
	switch {
	case errors.Is(err, context.Canceled):
		state, err = Stopped, nil
	case err == nil && s.trainer.Done() < s.trainer.Steps() && !s.enough:
		state = Stopped
	case err == nil:
		state = Finished
	}
	s.err = err
	if hookErr := s.setState(state); hookErr != nil && s.err == nil {
		s.err = hookErr
	}
}

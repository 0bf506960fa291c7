package kernel

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// call is what the workers of one call of Run share. It is reused: nothing is
// allocated for a call.
type call struct {
	job  job
	next atomic.Int64 // the next task to take

	// gate is what helpers watch and enter by: the number of the call, whether
	// it is open, and how many helpers are in it. The caller closes it when no
	// task is left to take, and waits for those who are in; a helper that the
	// system has not run until then is not waited for.
	gate   atomic.Uint64
	number uint64
	closed atomic.Bool // no more calls: helpers end

	waiting atomic.Bool // the caller is parked, or about to be
	done    chan struct{}
	failure atomic.Pointer[TaskPanic]
	spin    bool
}

// The parts of a gate.
const (
	inside   = 1<<16 - 1 // how many helpers are in
	open     = 1 << 16
	callUnit = 1 << 17 // the number of the call counts from here
)

// Waiting for the next call, or for the last helper, begins with a spin of some
// tens of microseconds: calls follow each other closely, and waking a parked
// goroutine costs as much.
const (
	spinRounds = 100
	spinPauses = 16
)

// run executes j with the help of helpers and returns when all have finished.
func (c *call) run(j job, helpers []*helper) {
	c.job = j
	c.failure.Store(nil)
	c.next.Store(0)
	c.announce(helpers, open)
	returned := false
	defer func() {
		c.wait()
		c.job = job{} // lets go of what the closure holds
		// Where a task has ended the caller's own goroutine, it just ends.
		if t := c.failure.Load(); t != nil && returned {
			panic(t)
		}
	}()
	c.take()
	returned = true
}

// announce gives the gate its next number and wakes helpers that are parked.
func (c *call) announce(helpers []*helper, state uint64) {
	c.number++
	c.gate.Store(c.number*callUnit | state)
	for _, h := range helpers {
		if h.parked.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

// wait closes the gate and returns when no helper is inside. A helper may still
// be on its way to look at waiting when the caller has gone on to the next
// call, so a token in done is only a hint to look again.
func (c *call) wait() {
	if c.gate.Add(^uint64(open-1))&inside == 0 { // takes open away
		return
	}
	for {
		for i := 0; c.spin && i < spinRounds && c.gate.Load()&inside != 0; i++ {
			pause(spinPauses)
		}
		if c.gate.Load()&inside == 0 {
			return
		}
		c.waiting.Swap(true) // and not Store, which qemu on x86 lets the load below pass: then both wait
		if c.gate.Load()&inside == 0 && c.waiting.CompareAndSwap(true, false) {
			return
		}
		<-c.done
	}
}

// enter lets a helper into a call that it has not seen, if that is open still.
func (c *call) enter(gate uint64) bool {
	for gate&open != 0 {
		if c.gate.CompareAndSwap(gate, gate+1) {
			return true
		}
		now := c.gate.Load()
		if now/callUnit != gate/callUnit {
			return false // and it will be seen
		}
		gate = now
	}
	return false
}

// leave is a helper's last word in a call.
func (c *call) leave() {
	if c.gate.Add(^uint64(0))&(open|inside) == 0 && c.waiting.CompareAndSwap(true, false) {
		c.done <- struct{}{}
	}
}

// take runs tasks until none is left. The first panic is kept and empties the
// rest of the job.
func (c *call) take() {
	complete := false
	defer func() {
		if complete {
			return
		}
		v := recover()
		if v == nil {
			v = errGoexit
		}
		c.failure.CompareAndSwap(nil, caught(v))
		c.next.Store(int64(c.job.tasks))
	}()
	for {
		t := int(c.next.Add(1)) - 1
		if t >= c.job.tasks {
			complete = true
			return
		}
		c.job.do(t)
	}
}

// helper is one worker beside the caller.
type helper struct {
	seen    uint64 // the number of the last call that was looked at
	parked  atomic.Bool
	wake    chan struct{}
	stopped chan struct{}
}

// live takes part in calls until the pool closes.
func (h *helper) live(c *call) {
	inCall := false
	defer func() {
		if inCall {
			// A task has ended this goroutine (runtime.Goexit): another one
			// takes its place.
			go h.live(c)
			c.leave()
			return
		}
		close(h.stopped)
	}()
	for {
		gate := h.await(c)
		if c.closed.Load() {
			return
		}
		if c.enter(gate) {
			inCall = true
			c.take()
			c.leave()
			inCall = false
		}
	}
}

// await returns the gate of a call that h has not seen.
func (h *helper) await(c *call) uint64 {
	for {
		for i := 0; ; i++ {
			if gate := c.gate.Load(); gate/callUnit != h.seen {
				h.seen = gate / callUnit
				return gate
			}
			if !c.spin || i == spinRounds {
				break
			}
			pause(spinPauses)
		}
		h.parked.Swap(true) // as in wait
		if c.gate.Load()/callUnit != h.seen && h.parked.CompareAndSwap(true, false) {
			continue
		}
		<-h.wake
	}
}

// TaskPanic is what [Pool.Run] panics with in its caller after a task has
// panicked. It is an error.
type TaskPanic struct {
	Value any    // what the task panicked with
	Stack []byte // the stack of the goroutine that ran the task
}

var errGoexit = errors.New("the task ended its goroutine")

// Error names the value that the task panicked with.
func (t *TaskPanic) Error() string { return fmt.Sprintf("task panicked: %v", t.Value) }

// Unwrap returns the value where it is an error.
func (t *TaskPanic) Unwrap() error {
	err, _ := t.Value.(error)
	return err
}

// caught wraps a recovered value with the stack of the running goroutine.
func caught(v any) *TaskPanic {
	if t, ok := v.(*TaskPanic); ok {
		return t
	}
	return &TaskPanic{Value: v, Stack: debug.Stack()}
}

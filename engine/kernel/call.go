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

	// order counts the calls and tells how many helpers take part:
	// count<<16 | helpers. Helpers that spin watch it.
	order atomic.Uint64
	count uint64

	pending atomic.Int32 // helpers that have not finished this call
	waiting atomic.Bool  // the caller is parked, or about to be
	done    chan struct{}
	failure atomic.Pointer[TaskPanic]
	spin    bool
}

// closing in place of a number of helpers ends them all.
const closing = 1<<16 - 1

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
	c.pending.Store(int32(len(helpers)))
	c.announce(helpers, uint64(len(helpers)))
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

// announce starts a call of that many helpers.
func (c *call) announce(helpers []*helper, n uint64) {
	c.count++
	c.order.Store(c.count<<16 | n)
	for _, h := range helpers {
		if h.parked.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
}

// wait returns when no helper is pending. A helper may still be on its way to
// look at waiting when the caller has gone on to the next call, so a token in
// done is only a hint to look again.
func (c *call) wait() {
	for {
		for i := 0; c.spin && i < spinRounds && c.pending.Load() != 0; i++ {
			pause(spinPauses)
		}
		if c.pending.Load() == 0 {
			return
		}
		c.waiting.Store(true)
		if c.pending.Load() == 0 && c.waiting.CompareAndSwap(true, false) {
			return
		}
		<-c.done
	}
}

// finish is a helper's last word in a call.
func (c *call) finish() {
	if c.pending.Add(-1) == 0 && c.waiting.CompareAndSwap(true, false) {
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
	place   uint64
	seen    uint64 // the last order that was looked at
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
			c.finish()
			return
		}
		close(h.stopped)
	}()
	for {
		h.await(c)
		n := h.seen & closing
		if n == closing {
			return
		}
		if h.place < n {
			inCall = true
			c.take()
			c.finish()
			inCall = false
		}
	}
}

// await returns when there is an order that h has not seen.
func (h *helper) await(c *call) {
	for {
		for i := 0; ; i++ {
			if order := c.order.Load(); order != h.seen {
				h.seen = order
				return
			}
			if !c.spin || i == spinRounds {
				break
			}
			pause(spinPauses)
		}
		h.parked.Store(true)
		if c.order.Load() != h.seen && h.parked.CompareAndSwap(true, false) {
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

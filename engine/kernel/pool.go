package kernel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Pool is a fixed number of workers, the goroutine that calls Run among them.
// Tasks are taken by whoever is free, not dealt out beforehand, so a worker
// that the system has descheduled holds up one task and no more.
//
// Calls from several goroutines are safe and run one after the other. A task
// must not call the Pool it runs on, nor close it.
type Pool struct {
	workers int
	wake    []chan struct{} // one for each worker beside the caller
	group   sync.WaitGroup

	mu          sync.Mutex // held by a call while it runs; guards all below
	closed      bool
	job         job
	product     product
	productTask func(int)

	state
}

// state is what the workers of one call share.
type state struct {
	next    atomic.Int64  // the next task to take
	epoch   atomic.Uint32 // counts the calls: workers that still spin watch it
	pending atomic.Int32  // workers that have not finished this call
	done    chan struct{}
	failure atomic.Pointer[TaskPanic]
}

// job is what one call asks for: task(0..n), or rows over ranges of grain.
type job struct {
	n     int
	task  func(int)
	rows  func(lo, hi int)
	grain int
	total int
}

// TaskPanic is the panic that [Pool.Run] raises in its caller after a task has
// panicked.
type TaskPanic struct {
	Value any    // what the task panicked with
	Stack []byte // the stack of the goroutine that ran the task
}

// Error makes a TaskPanic an error that names the value.
func (t *TaskPanic) Error() string { return fmt.Sprintf("task panicked: %v", t.Value) }

// Unwrap returns the value where it is an error.
func (t *TaskPanic) Unwrap() error {
	err, _ := t.Value.(error)
	return err
}

// NewPool starts a pool of that many workers; 0 or less stands for
// runtime.GOMAXPROCS(0). One of them is the caller of Run.
func NewPool(workers int) *Pool {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := &Pool{workers: workers}
	p.done = make(chan struct{}, 1)
	p.productTask = func(t int) { p.product.task(t) }
	p.wake = make([]chan struct{}, workers-1)
	for i := range p.wake {
		p.wake[i] = make(chan struct{}, 1)
		p.group.Add(1)
		go p.work(p.wake[i])
	}
	return p
}

// Workers returns the number of workers, the caller of Run included.
func (p *Pool) Workers() int { return p.workers }

// Close stops the workers after the call that is running, if any. Later calls
// of Run work on the calling goroutine alone. Closing twice is allowed.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	for _, c := range p.wake {
		close(c)
	}
	p.group.Wait()
}

// Run calls f for every task from 0 to n-1 on the workers and returns when all
// calls have returned. When a task panics, no further task is started and Run
// panics with a *TaskPanic after the running ones have ended.
func (p *Pool) Run(n int, f func(task int)) {
	if n <= 0 {
		return
	}
	if n == 1 || p.workers == 1 {
		inline(&job{n: n, task: f})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run(job{n: n, task: f})
}

// Rows calls f for consecutive ranges [lo, hi) of at most grain rows that cover
// [0, n). The ranges do not depend on the number of workers.
func (p *Pool) Rows(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	j := job{n: (n-1)/grain + 1, rows: f, grain: grain, total: n}
	if j.n == 1 || p.workers == 1 {
		inline(&j)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run(j)
}

func (j *job) do(t int) {
	if j.rows == nil {
		j.task(t)
		return
	}
	lo := t * j.grain
	j.rows(lo, min(lo+j.grain, j.total))
}

// inline runs a job on the calling goroutine.
func inline(j *job) {
	defer func() {
		if v := recover(); v != nil {
			panic(caught(v))
		}
	}()
	for t := range j.n {
		j.do(t)
	}
}

func caught(v any) *TaskPanic {
	if t, ok := v.(*TaskPanic); ok {
		return t
	}
	return &TaskPanic{Value: v, Stack: debug.Stack()}
}

// run executes j; p.mu is held.
func (p *Pool) run(j job) {
	helpers := min(len(p.wake), j.n-1)
	if p.closed || helpers == 0 {
		inline(&j)
		return
	}
	p.job = j
	defer func() { p.job = job{} }() // lets go of what the closure holds
	p.failure.Store(nil)
	p.next.Store(0)
	p.pending.Store(int32(helpers))
	for _, c := range p.wake[:helpers] {
		c <- struct{}{}
	}
	p.take()
	<-p.done
	if t := p.failure.Load(); t != nil {
		panic(t)
	}
}

// work is the life of a worker.
func (p *Pool) work(wake chan struct{}) {
	defer p.group.Done()
	for range wake {
		p.take()
		if p.pending.Add(-1) == 0 {
			p.done <- struct{}{}
		}
	}
}

// take runs tasks until none is left. The first panic is kept and empties the
// rest of the job.
func (p *Pool) take() {
	defer func() {
		if v := recover(); v != nil {
			p.next.Store(int64(p.job.n))
			p.failure.CompareAndSwap(nil, caught(v))
		}
	}()
	for {
		t := int(p.next.Add(1)) - 1
		if t >= p.job.n {
			return
		}
		p.job.do(t)
	}
}

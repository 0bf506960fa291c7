package kernel

import (
	"runtime"
	"sync"
)

// Pool is a fixed number of workers, the goroutine that calls Run among them.
// Tasks are taken by whoever is free, not dealt out beforehand, so a worker
// that the system has descheduled holds up one task and no more.
//
// Calls from several goroutines are safe and run one after the other. A task
// must not call the Pool it runs on, nor close it.
type Pool struct {
	workers int
	helpers []*helper // the workers beside the caller

	mu          sync.Mutex // held by a call while it runs; guards all below
	closed      bool
	call        call
	product     product
	turning     turning
	productTask func(int)
	roundTask   func(int)
	turnTask    func(int)
}

// mostWorkers bounds a pool.
const mostWorkers = 1024

// NewPool starts a pool of that many workers, at most 1024; 0 or less stands
// for runtime.GOMAXPROCS(0). One of them is the caller of Run.
func NewPool(workers int) *Pool {
	processors := runtime.GOMAXPROCS(0)
	if workers <= 0 {
		workers = processors
	}
	workers = min(workers, mostWorkers)
	p := &Pool{workers: workers}
	p.call.done = make(chan struct{}, 1)
	p.call.spin = workers <= processors // else a wait would keep others from working
	p.productTask = func(t int) { p.product.task(t) }
	p.turnTask = func(t int) { p.turning.turnRows(t) }
	p.roundTask = func(t int) { p.product.roundTask(t) }
	p.helpers = make([]*helper, workers-1)
	for i := range p.helpers {
		h := &helper{wake: make(chan struct{}, 1), stopped: make(chan struct{})}
		p.helpers[i] = h
		go h.live(&p.call)
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
	p.call.closed.Store(true)
	p.call.announce(p.helpers, 0)
	for _, h := range p.helpers {
		<-h.stopped
	}
}

// Run calls f for every task from 0 to n-1 on the workers and returns when all
// calls have returned. When a task panics, no further task is started and Run
// panics with a *TaskPanic after the running ones have ended.
func (p *Pool) Run(n int, f func(task int)) {
	p.do(job{tasks: n, task: f})
}

// Rows calls f for consecutive ranges [lo, hi) of at most grain rows that cover
// [0, n). The ranges do not depend on the number of workers.
func (p *Pool) Rows(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	p.do(job{tasks: (n-1)/grain + 1, rows: f, grain: grain, total: n})
}

// do runs a job of this package's callers.
func (p *Pool) do(j job) {
	if j.tasks <= 1 || p.workers == 1 {
		j.inline()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run(j)
}

// run spreads j over the workers; p.mu is held.
func (p *Pool) run(j job) {
	if p.closed {
		j.inline()
		return
	}
	p.call.run(j, p.helpers[:min(len(p.helpers), j.tasks-1)])
}

// job is what one call asks for: task for every number below tasks, or rows for
// the ranges of grain that cover total.
type job struct {
	tasks int
	task  func(int)
	rows  func(lo, hi int)
	grain int
	total int
}

func (j *job) do(t int) {
	if j.rows == nil {
		j.task(t)
		return
	}
	lo := t * j.grain
	j.rows(lo, min(lo+j.grain, j.total))
}

// inline runs all tasks on the calling goroutine.
func (j *job) inline() {
	defer func() {
		if v := recover(); v != nil {
			panic(caught(v))
		}
	}()
	for t := range j.tasks {
		j.do(t)
	}
}

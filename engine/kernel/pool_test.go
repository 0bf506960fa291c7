package kernel

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPoolRunsEveryTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 5, 16} {
		p := NewPool(workers)
		if p.Workers() != workers {
			t.Errorf("%d workers, not %d", p.Workers(), workers)
		}
		for n := range 70 {
			counts := make([]atomic.Int32, n)
			p.Run(n, func(task int) { counts[task].Add(1) })
			for i := range counts {
				if c := counts[i].Load(); c != 1 {
					t.Fatalf("%d workers: task %d of %d ran %d times", workers, i, n, c)
				}
			}
		}
		p.Close()
	}
	p := NewPool(0)
	defer p.Close()
	if p.Workers() != runtime.GOMAXPROCS(0) {
		t.Errorf("%d workers by default", p.Workers())
	}
}

func TestPoolRows(t *testing.T) {
	var want [][2]int
	for _, workers := range []int{1, 2, 5} {
		p := NewPool(workers)
		for _, n := range []int{0, 1, 9, 10, 11, 35} {
			var mu sync.Mutex
			var got [][2]int
			p.Rows(n, 10, func(lo, hi int) {
				mu.Lock()
				got = append(got, [2]int{lo, hi})
				mu.Unlock()
			})
			slices.SortFunc(got, func(a, b [2]int) int { return a[0] - b[0] })
			want = want[:0]
			for lo := 0; lo < n; lo += 10 {
				want = append(want, [2]int{lo, min(lo+10, n)})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d workers, %d rows: %v, not %v", workers, n, got, want)
			}
		}
		p.Rows(3, 0, func(lo, hi int) {
			if hi != lo+1 {
				t.Errorf("a grain of 0 gives %d to %d", lo, hi)
			}
		})
		p.Close()
	}
}

// A panic in any task reaches the caller with its value and stack, after all
// tasks have ended, and leaves the pool fit for use.
func TestPoolPanic(t *testing.T) {
	cause := errors.New("cause")
	for _, workers := range []int{1, 2, 4} {
		p := NewPool(workers)
		for bad := range 20 {
			var running, started atomic.Int32
			func() {
				defer func() {
					tp, ok := recover().(*TaskPanic)
					if !ok || tp.Value != cause || !errors.Is(tp, cause) || !strings.Contains(string(tp.Stack), "panicking") {
						t.Fatalf("recovered %v", tp)
					}
				}()
				p.Run(20, func(task int) {
					started.Add(1)
					running.Add(1)
					defer running.Add(-1)
					if task == bad {
						panicking(cause)
					}
				})
				t.Fatal("no panic")
			}()
			if n := running.Load(); n != 0 {
				t.Fatalf("%d tasks still run", n)
			}
		}
		sum := atomic.Int32{}
		p.Run(100, func(int) { sum.Add(1) })
		if sum.Load() != 100 {
			t.Errorf("%d tasks after a panic", sum.Load())
		}
		p.Close()
	}
}

func panicking(err error) { panic(err) }

// A task that ends its goroutine costs no worker and no deadlock.
func TestPoolGoexit(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for range 20 {
		ended := make(chan any, 1)
		go func() {
			returned := false
			defer func() {
				v := recover()
				if returned {
					v = "returned"
				}
				ended <- v
			}()
			p.Run(6, func(task int) {
				if task == 4 {
					runtime.Goexit()
				}
			})
			returned = true
		}()
		// nil where the caller's own goroutine ended, a TaskPanic where another did.
		if v := <-ended; v != nil {
			if tp, ok := v.(*TaskPanic); !ok || !errors.Is(tp, errGoexit) {
				t.Fatalf("ended with %v", v)
			}
		}
		var n atomic.Int32
		p.Run(50, func(int) { n.Add(1) })
		if n.Load() != 50 {
			t.Fatalf("%d tasks", n.Load())
		}
	}
}

func TestPoolConcurrentCalls(t *testing.T) {
	p := NewPool(3)
	var busy, most atomic.Int32
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for range 200 {
				p.Run(8, func(int) {
					n := busy.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					busy.Add(-1)
				})
			}
		})
	}
	group.Wait()
	if most.Load() > 3 {
		t.Errorf("%d tasks at a time on 3 workers", most.Load())
	}
	// Closing amid calls: they finish, on whatever workers are left.
	var n atomic.Int32
	for range 4 {
		group.Go(func() {
			for range 50 {
				p.Run(5, func(int) { n.Add(1) })
			}
		})
	}
	group.Go(p.Close)
	group.Wait()
	p.Close()
	if n.Load() != 4*50*5 {
		t.Errorf("%d tasks", n.Load())
	}
}

func TestPoolCloseEndsWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p := NewPool(8)
		p.Run(3, func(int) {})
		p.Close()
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // the last steps of a goroutine take a moment
		if i == 1000 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestPoolAllocatesNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	task, rows := func(int) {}, func(int, int) {}
	if n := testing.AllocsPerRun(100, func() {
		p.Run(10, task)
		p.Rows(100, 10, rows)
	}); n != 0 {
		t.Errorf("a call allocates %g times", n)
	}
}

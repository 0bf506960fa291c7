package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hone/data/builtin"
	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/experiments"
)

// KernelOptions say which matrix products are measured.
type KernelOptions struct {
	Options
	Rows    []int
	Workers []int // nil: one, and as many as the experiment has threads
}

// Product is the speed of one matrix product on packed weights that come from
// memory, or, for the product named InCache, from the cache.
type Product struct {
	Setting         // Threads is the number of workers
	Name    string  `json:"product"`
	N       int     `json:"n"` // outputs
	K       int     `json:"k"` // inputs
	Rows    int     `json:"rows"`
	GFlops  float64 `json:"gflops"` // median of the samples
	Best    float64 `json:"best_gflops"`
	// GBs is how fast the weight is read: what bounds a product of few rows.
	GBs float64 `json:"weight_gb_per_second"`
}

// InCache is the name of the product whose operands stay in the cache: the most
// that the kernels reach.
const InCache = "in cache"

// MeasureKernel measures the products of a model's shapes, forward and, on the
// same packed weights as in training, transposed. With model.dtype auto all types are measured. each sees a product
// when it is done.
func MeasureKernel(ctx context.Context, o KernelOptions, each func(Product) error) error {
	name, c, err := kernelModel(o.Options)
	if err != nil {
		return err
	}
	types := []llama.DType{llama.F32, llama.BF16, llama.Int8}
	if d := o.Config.Model.DType; d != "auto" {
		types = []llama.DType{llama.DType(d)}
	}
	workers := o.Workers
	if len(workers) == 0 {
		pool := kernel.NewPool(o.Config.Threads)
		if workers = []int{1}; pool.Workers() > 1 {
			workers = append(workers, pool.Workers())
		}
		pool.Close()
	}
	var products []product
	for _, p := range append(layerProducts(c), headProduct(c)) {
		products = append(products, p, p.turn())
	}
	m := kernelRun{o: o, ctx: ctx, each: each, pools: map[int]*kernel.Pool{}, workers: workers}
	m.total = len(types) * len(workers) * (1 + len(products)*len(o.Rows))
	defer m.close()
	for _, d := range types {
		m.setting = setting("kernel", name, false, d, 0)
		if err := m.product(product{InCache, 512, 256, false}, d, []int{512}, 1); err != nil {
			return err
		}
		for _, p := range products {
			if err := m.product(p, d, o.Rows, (beyondCache+p.bytes(d)-1)/p.bytes(d)); err != nil {
				return err
			}
		}
	}
	return nil
}

// defaultShape is measured when neither a shape nor a model is named.
const defaultShape = "smollm2-135m"

// kernelModel is the architecture whose products are measured, and its name.
func kernelModel(o Options) (string, weights.Config, error) {
	name := o.Shape
	if path := o.Config.Model.Path; name == "" && path != builtin.Name {
		c, err := experiments.OpenModelConfig(path)
		return filepath.Base(path), c, err
	} else if name == "" {
		name = defaultShape
	}
	s, err := findShape(name)
	if err != nil {
		return "", weights.Config{}, err
	}
	c := weights.Config{Hidden: s.Hidden, Layers: s.Layers, Heads: s.Heads, KVHeads: s.KVHeads, HeadDim: s.HeadDim, FFN: s.FFN, Vocab: s.Vocab}
	if c.HeadDim == 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	return name, c, nil
}

// kernelRun is the state of MeasureKernel.
type kernelRun struct {
	o           KernelOptions
	ctx         context.Context
	each        func(Product) error
	setting     Setting
	workers     []int
	pools       map[int]*kernel.Pool
	done, total int
}

func (m *kernelRun) close() {
	for _, p := range m.pools {
		p.Close()
	}
}

// product measures one product with every number of rows and workers, going
// round copies of its weight.
func (m *kernelRun) product(p product, d llama.DType, rows []int, copies int) error {
	list := make([]*kernel.Packed, copies)
	for i := range list {
		list[i] = p.weight(d)
	}
	for _, n := range rows {
		x, y := filled(n*p.K), make([]float32, n*p.N)
		for _, workers := range m.workers {
			if m.pools[workers] == nil {
				m.pools[workers] = kernel.NewPool(workers)
			}
			pool, next := m.pools[workers], 0
			m.o.progress(fmt.Sprintf("%s, %d rows", p.Name, n), m.done, m.total)
			m.done++
			seconds, best, err := perCall(m.ctx, max(1, m.o.Repeat), func() {
				p.run(pool, y, x, n, list[next])
				next = (next + 1) % len(list)
			})
			if err != nil {
				return err
			}
			s := m.setting
			s.Threads = pool.Workers()
			result := Product{Setting: s, Name: p.Name, N: p.N, K: p.K, Rows: n, GFlops: p.flops(n) / seconds / 1e9, Best: p.flops(n) / best / 1e9, GBs: float64(p.bytes(d)) / seconds / 1e9}
			if err := m.each(result); err != nil {
				return err
			}
		}
	}
	return nil
}

// perCall is the seconds that a call takes: the median and the best of samples of
// at least 20 ms each, five for every repetition.
func perCall(ctx context.Context, repeat int, f func()) (middle, best float64, err error) {
	f()
	var samples []float64
	for range 5 * repeat {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		calls, start := 0, time.Now()
		for calls == 0 || time.Since(start) < 20*time.Millisecond {
			f()
			calls++
		}
		samples = append(samples, time.Since(start).Seconds()/float64(calls))
	}
	return median(samples), slices.Min(samples), nil
}

package bench

import (
	"context"
	"runtime/debug"
	"time"

	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/experiments"
)

// product is y [rows, N] = x [rows, K] Wᵀ with a packed weight W [N, K], or with
// the one packed copy that training has of a weight [K, N].
type product struct {
	Name   string
	N, K   int
	turned bool // W is the transpose of what is packed
}

// layerProducts are the products of a layer's forward pass, as training fuses
// them.
func layerProducts(c weights.Config) []product {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return []product{
		{"qkv_proj", q + 2*kv, c.Hidden, false},
		{"o_proj", c.Hidden, q, false},
		{"gate_up_proj", 2 * c.FFN, c.Hidden, false},
		{"down_proj", c.Hidden, c.FFN, false},
	}
}

func headProduct(c weights.Config) product { return product{"lm_head", c.Vocab, c.Hidden, false} }

// transposed is the product of the backward pass, dx [rows, K] = dy [rows, N] W,
// with a transpose packed for it.
func (p product) transposed() product { return product{p.Name + "ᵀ", p.K, p.N, false} }

// turn is the same product with the weight as the forward pass has it.
func (p product) turn() product { return product{p.Name + "ᵀ", p.K, p.N, true} }

// run computes y [rows, N].
func (p product) run(pool *kernel.Pool, y, x []float32, rows int, w *kernel.Packed) {
	if p.turned {
		pool.GemmPacked(y, p.N, x, p.K, rows, w, false)
		return
	}
	pool.GemmNT(y, p.N, x, p.K, rows, w, false)
}

func (p product) flops(rows int) float64 { return 2 * float64(rows) * float64(p.N) * float64(p.K) }

// packed is the shape [n, k] of the weight as it is packed.
func (p product) packed() (n, k int) {
	if p.turned {
		return p.K, p.N
	}
	return p.N, p.K
}

func (p product) bytes(d llama.DType) int {
	n, k := p.packed()
	return int(kernel.PackedBytes(d.Format(), n, k))
}

// weight is a packed weight for p; its values are ordinary numbers, which
// is all that the time of a product depends on.
func (p product) weight(d llama.DType) *kernel.Packed {
	n, k := p.packed()
	w := kernel.NewPackedAs(d.Format(), n, k)
	block := min(64, n)
	rows := filled(block * k)
	for i := 0; i < n; i += block {
		w.SetRows(i, rows, k, min(block, n-i))
	}
	return w
}

// filled is n numbers between -1 and 1.
func filled(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%23)/11 - 1
	}
	return x
}

// beyondCache is how many bytes of weights are gone through before the first is
// read again: in a model they come from memory.
const beyondCache = 128 << 20

// bound measures the matrix products of a model's training step by themselves:
// the speed that the step would have if it were nothing else.
type bound struct {
	pool           *kernel.Pool
	config         weights.Config
	dtype          llama.DType
	rows, headRows int // of a micro-batch; of a chunk of the head
	tokens, target float64

	layers [][]*kernel.Packed // copies of a layer's weights, forward then transposed
	head   []*kernel.Packed
	x, y   []float32
}

// headChunk is how many rows of logits training holds at a time.
const headChunk = 256

// newBound prepares the products of a step over tokens, of which targets are
// projected to the vocabulary, in micros micro-batches.
func newBound(pool *kernel.Pool, c weights.Config, d llama.DType, tokens, targets float64, micros int) *bound {
	b := &bound{pool: pool, config: c, dtype: d, tokens: tokens, target: targets}
	b.rows = max(1, int(tokens/float64(micros)+0.5))
	b.headRows = max(1, min(headChunk, int(targets/float64(micros)+0.5)))
	size := 0
	for _, p := range layerProducts(c) {
		size += 2 * p.bytes(d)
	}
	for range min(c.Layers, max(1, (beyondCache+size-1)/size)) {
		var layer []*kernel.Packed
		for _, p := range layerProducts(c) {
			layer = append(layer, p.weight(d), p.transposed().weight(d))
		}
		b.layers = append(b.layers, layer)
	}
	head := headProduct(c)
	b.head = []*kernel.Packed{head.weight(d), head.transposed().weight(d)}
	widest := 0
	for _, p := range layerProducts(c) {
		widest = max(widest, p.N, p.K)
	}
	n := max(b.rows*widest, b.headRows*max(c.Vocab, c.Hidden))
	b.x, b.y = filled(n), make([]float32, n)
	return b
}

// measure is floating point operations a second, weighted as the step does them:
// the median of a few passes.
func (b *bound) measure(ctx context.Context) (float64, error) {
	flops := 2 * (llama.ForwardFlops(b.config, 1, 0)*b.tokens + llama.ForwardFlops(b.config, 0, 1)*b.target)
	var rates []float64
	for start := time.Now(); len(rates) < 4 || time.Since(start) < time.Second; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		layers := b.time(b.rows, b.layers...) / float64(len(b.layers)) * float64(b.config.Layers) * b.tokens / float64(b.rows)
		head := b.time(b.headRows, b.head) * b.target / float64(b.headRows)
		rates = append(rates, flops/(layers+head))
	}
	return median(rates[1:]), nil // the first warmed up
}

// time is the seconds that products by all weights of the groups take.
func (b *bound) time(rows int, groups ...[]*kernel.Packed) float64 {
	start := time.Now()
	for _, g := range groups {
		for _, w := range g {
			b.pool.GemmNT(b.y, w.N, b.x, w.K, rows, w, false)
		}
	}
	return time.Since(start).Seconds()
}

// boundOf measures once and gives the memory back.
func boundOf(ctx context.Context, s *subject, tokens, targets float64, micros int) (float64, error) {
	rate, err := newBound(s.pool, s.Model, experiments.DType(s.Config), tokens, targets, micros).measure(ctx)
	debug.FreeOSMemory()
	return rate, err
}

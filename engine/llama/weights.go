// Package llama is the Llama architecture and its kin (SmolLM, Mistral, Qwen) as an
// expression graph with LoRA adapters injected, and its frozen weights packed
// for the kernels. graph.go reads like the paper.
package llama

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"hone/engine/kernel"
	"hone/engine/ops"
	"hone/engine/weights"
)

// Weights are the weights of a model, packed. Training, evaluation and
// generation share them: they exist once.
type Weights struct {
	Config weights.Config
	Embed  *ops.Table  // [vocab, hidden]
	Layers []Layer     // [layers]
	Norm   *ops.Norm   // [hidden]
	Head   *ops.Matrix // [vocab, hidden]

	Params []*ops.Param // all weights, when they are trained; else nil
}

// Layer is one transformer block.
type Layer struct {
	InputNorm *ops.Norm
	QKV       *ops.Matrix // q|k|v stacked, [(heads+2kv)*dim, hidden]
	QNorm     *ops.Norm   // [dim], of every query head; nil where there is none
	KNorm     *ops.Norm   // [dim], of every key head
	O         *ops.Matrix // [hidden, heads*dim]
	PostNorm  *ops.Norm
	GateUp    *ops.Matrix // gate|up stacked, [2*ffn, hidden]
	Down      *ops.Matrix // [hidden, ffn]
}

// Use says what the weights will be used for.
type Use int

// Uses of weights.
const (
	Frozen Use = iota // for inference, and for training adapters on them
	Full              // every weight is trained
)

// DType is what frozen weights are stored and multiplied in. Norms, LoRA
// factors, activations, loss and optimizer are float32 in any case.
type DType string

// Types of frozen weights.
const (
	F32  DType = "f32"
	BF16 DType = "bf16" // half the memory; see kernel.ComputesBF16 for the arithmetic
	Int8 DType = "int8" // 9/32 of the memory; see kernel.Int8 for what is rounded
)

// Format is how a matrix of that type is packed.
func (d DType) Format() kernel.Format {
	switch d {
	case BF16:
		return kernel.BF16
	case Int8:
		return kernel.Int8
	}
	return kernel.F32
}

// of is the type of weights for a use: what is trained is float32.
func (d DType) of(use Use) DType {
	if use == Full {
		return F32
	}
	return d
}

// Load reads and packs all weights of m. Layers are read in parallel. A weight
// that is not finite ends in an error that names it. Weights that are trained
// are float32 whatever dtype says.
func Load(ctx context.Context, pool *kernel.Pool, m *weights.Model, use Use, dtype DType) (*Weights, error) {
	w, err := load(ctx, pool, m.Config, m.Float32Rows, use, dtype)
	if err != nil {
		return nil, fmt.Errorf("loading weights: %w", err)
	}
	return w, nil
}

// load makes weights of what read fills in for each tensor, from row first on.
func load(ctx context.Context, pool *kernel.Pool, c weights.Config, read func(name string, first int, dst []float32) error, use Use, dtype DType) (*Weights, error) {
	l := loader{
		config: c, read: read, w: &Weights{Config: c, Layers: make([]Layer, c.Layers)}, use: use, dtype: dtype.of(use),
		staging: make(chan []float32, pool.Workers()), params: map[string]*ops.Param{},
	}
	for range pool.Workers() {
		l.staging <- nil
	}
	pool.Run(c.Layers+1, func(task int) {
		if err := ctx.Err(); err != nil {
			l.fail(err)
			return
		}
		if task == c.Layers {
			l.fail(l.ends())
			return
		}
		l.fail(l.layer(task))
	})
	if l.err != nil {
		return nil, l.err
	}
	if use == Full {
		for _, t := range weights.ExpectedTensors(c) {
			l.w.Params = append(l.w.Params, l.params[t.Name])
		}
	}
	return l.w, nil
}

type loader struct {
	config weights.Config
	read   func(name string, first int, dst []float32) error
	w      *Weights
	use    Use
	dtype  DType

	staging chan []float32 // of each worker, for weights on their way to being packed

	mu     sync.Mutex
	err    error
	params map[string]*ops.Param
}

func (l *loader) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

func (l *loader) layer(i int) error {
	c := l.config
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	p := fmt.Sprintf("model.layers.%d.", i)
	attn, mlp := p+"self_attn.", p+"mlp."
	layer := &l.w.Layers[i]
	var err error
	load := func(dst **ops.Matrix, in int, parts []int, names ...string) {
		if err == nil {
			*dst, err = l.matrix(in, parts, names...)
		}
		for j, name := range names {
			if module := moduleOf(name); err == nil && c.HasBias(module) {
				err = l.bias(*dst, j, strings.TrimSuffix(name, ".weight")+".bias")
			}
		}
	}
	norm := func(dst **ops.Norm, dim int, name string) {
		if err == nil {
			*dst, err = l.norm(name, dim)
		}
	}
	norm(&layer.InputNorm, c.Hidden, p+"input_layernorm.weight")
	load(&layer.QKV, c.Hidden, []int{q, kv, kv}, attn+"q_proj.weight", attn+"k_proj.weight", attn+"v_proj.weight")
	if c.HeadNorm {
		norm(&layer.QNorm, c.HeadDim, attn+"q_norm.weight")
		norm(&layer.KNorm, c.HeadDim, attn+"k_norm.weight")
	}
	load(&layer.O, q, []int{c.Hidden}, attn+"o_proj.weight")
	norm(&layer.PostNorm, c.Hidden, p+"post_attention_layernorm.weight")
	load(&layer.GateUp, c.Hidden, []int{c.FFN, c.FFN}, mlp+"gate_proj.weight", mlp+"up_proj.weight")
	load(&layer.Down, c.FFN, []int{c.Hidden}, mlp+"down_proj.weight")
	return err
}

// ends loads what is not in a layer: embedding, final norm, head.
func (l *loader) ends() (err error) {
	c := l.config
	if l.w.Norm, err = l.norm("model.norm.weight", c.Hidden); err != nil {
		return err
	}
	const embed = "model.embed_tokens.weight"
	if c.Tied {
		if l.w.Head, err = l.matrix(c.Hidden, []int{c.Vocab}, embed); err != nil {
			return err
		}
		l.w.Embed = &ops.Table{Hidden: c.Hidden, Head: l.w.Head}
		if l.use == Full {
			l.mu.Lock() // layers are being added by others
			p := l.params[embed]
			l.mu.Unlock()
			l.w.Embed = &ops.Table{Hidden: c.Hidden, Rows: p.Data, Param: p}
		}
		return nil
	}
	if l.w.Head, err = l.matrix(c.Hidden, []int{c.Vocab}, "lm_head.weight"); err != nil {
		return err
	}
	rows, p, err := l.tensor(embed, c.Vocab, c.Hidden)
	l.w.Embed = &ops.Table{Hidden: c.Hidden, Rows: rows, Param: p}
	return err
}

// moduleOf is the linear module of a weight: q_proj of model.layers.0.self_attn.q_proj.weight.
func moduleOf(name string) string {
	name = strings.TrimSuffix(name, ".weight")
	return name[strings.LastIndexByte(name, '.')+1:]
}

// bias reads the bias of the part-th weight of a stack.
func (l *loader) bias(m *ops.Matrix, part int, name string) error {
	b, p, err := l.tensor(name, m.Parts[part])
	if err != nil {
		return err
	}
	m.Bias[part] = b
	if p != nil {
		m.TrainBias(p)
	}
	return nil
}

func (l *loader) norm(name string, dim int) (*ops.Norm, error) {
	w, p, err := l.tensor(name, dim)
	return &ops.Norm{Weight: w, Eps: l.config.NormEps, Param: p}, err
}

func (l *loader) matrix(in int, parts []int, names ...string) (*ops.Matrix, error) {
	m := ops.NewMatrix(in, parts, l.dtype.Format())
	var params []*ops.Param
	for i, name := range names {
		if l.use != Full {
			if err := l.pack(m, i, name); err != nil {
				return nil, err
			}
			continue
		}
		_, p, err := l.tensor(name, parts[i], in)
		if err != nil {
			return nil, err
		}
		params = append(params, p)
	}
	if params != nil {
		m.Train(params)
	}
	return m, nil
}

// stagingRows is how many rows of a weight are read at a time to be packed: they
// fit the processor's second cache.
const stagingRows = 128

// pack reads the part-th weight of a stack through the worker's staging memory,
// so that a weight never exists beside its packed form.
func (l *loader) pack(m *ops.Matrix, part int, name string) error {
	buf := <-l.staging
	defer func() { l.staging <- buf }()
	if n := stagingRows * m.In; len(buf) < n {
		buf = make([]float32, n)
	}
	for row := 0; row < m.Parts[part]; row += stagingRows {
		w := buf[:min(stagingRows, m.Parts[part]-row)*m.In] // [rows, in]
		if err := l.read(name, row, w); err != nil {
			return err
		}
		if l.dtype == Int8 {
			if err := fitsInt8(name, w); err != nil {
				return err
			}
		}
		m.SetRows(part, row, w)
	}
	return nil
}

// fitsInt8 refuses a weight that int8 would cut down.
func fitsInt8(name string, w []float32) error {
	high := float32(0)
	for _, v := range w {
		high = max(high, v, -v)
	}
	if high > kernel.LargestInt8 {
		return fmt.Errorf("%s holds %g, and int8 no more than %d (what works: f32, bf16)", name, high, kernel.LargestInt8)
	}
	return nil
}

// tensor reads one weight whole; under full training it is the data of a parameter.
func (l *loader) tensor(name string, shape ...int) ([]float32, *ops.Param, error) {
	p := ops.NewParam(name, shape...)
	if err := l.read(name, 0, p.Data); err != nil {
		return nil, nil, err
	}
	if l.use != Full {
		return p.Data, nil, nil
	}
	l.mu.Lock()
	l.params[name] = p
	l.mu.Unlock()
	return p.Data, p, nil
}

// Invalidate packs trained weights again before their next use; call it after
// an optimizer step.
func (w *Weights) Invalidate() {
	for _, m := range w.matrices() {
		m.Invalidate()
	}
}

func (w *Weights) matrices() []*ops.Matrix {
	ms := []*ops.Matrix{w.Head}
	for _, l := range w.Layers {
		ms = append(ms, l.QKV, l.O, l.GateUp, l.Down)
	}
	return ms
}

// Vocabulary reports whether a tensor's rows are the vocabulary's: the embedding
// and a head that is not tied to it.
func Vocabulary(name string) bool {
	return strings.HasSuffix(name, "embed_tokens.weight") || strings.HasSuffix(name, "lm_head.weight")
}

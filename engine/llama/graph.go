package llama

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"hone/engine/batch"
	"hone/engine/ops"
	"hone/engine/weights"
)

// Graph is a model with its loss as a compiled expression graph.
type Graph struct {
	Runtime *ops.Runtime
	Loss    *ops.HeadLoss
	Params  []*ops.Param // what is trained: LoRA factors, or all weights

	gradients G.Nodes // of Params
	machine   G.VM
}

// Build writes the model down as a graph, has Gorgonia differentiate it with
// respect to what is trained, and compiles it. adapter may be nil if weights
// are trained (or nothing is: then the graph has no backward pass).
func Build(rt *ops.Runtime, w *Weights, adapter *Adapter) (graph *Graph, err error) {
	defer func() {
		if r := recover(); r != nil { // Gorgonia panics on some malformed graphs
			err = fmt.Errorf("building the graph: %v", r)
		}
	}()
	m := &builder{rt: rt, w: w, adapter: adapter}
	graph = &Graph{Runtime: rt, Params: w.Params}
	if adapter != nil {
		graph.Params = append(graph.Params, adapter.Params...)
	}
	g := G.NewGraph()
	tokens, err := ops.Tokens(g, rt)
	if err != nil {
		return nil, err
	}
	head, loss := m.model(tokens, len(graph.Params) > 0)
	if m.err != nil {
		return nil, m.err
	}
	graph.Loss = head
	if len(graph.Params) > 0 {
		var leaves G.Nodes
		for _, p := range graph.Params {
			leaf := p.Leaf(g)
			if slices.Contains(leaves, leaf) {
				return nil, fmt.Errorf("building the graph: parameter %s has %w as another", p.Name, ops.ErrSameHash)
			}
			leaves = append(leaves, leaf)
		}
		if graph.gradients, err = G.Grad(loss, leaves...); err != nil {
			return nil, fmt.Errorf("differentiating the graph: %w", err)
		}
	}
	if err := distinct(g); err != nil {
		return nil, err
	}
	graph.machine = G.NewTapeMachine(g, G.WithEngine(ops.NewAdder(rt)))
	return graph, nil
}

// builder carries the first error through the construction, so that the model
// reads top to bottom.
type builder struct {
	rt      *ops.Runtime
	w       *Weights
	adapter *Adapter
	rope    *ops.Rope
	err     error
}

// value is a node and whether its gradient is needed: below the lowest adapter
// nothing is differentiated.
type value struct {
	node *G.Node
	grad bool
}

// model is the forward pass: embedding, layers, norm, head with loss.
func (m *builder) model(tokens *G.Node, train bool) (*ops.HeadLoss, *G.Node) {
	c := m.w.Config
	m.rope = ops.NewRope(m.rt.MaxTokens, c.RopeFrequencies())
	embedded, err := ops.Embedding(m.rt, "embed_tokens", tokens, m.w.Embed)
	m.keep(err)
	x := value{embedded, m.w.Embed.Param != nil} // [tokens, hidden]
	for i, layer := range m.w.Layers {
		x = m.layer(i, layer, x)
	}
	x = m.norm("norm", x, m.w.Norm)
	if m.err != nil {
		return nil, nil
	}
	head, loss, err := ops.NewHeadLoss(m.rt, "lm_head", x.node, m.w.Head, train)
	m.keep(err)
	return head, loss
}

// layer is one pre-norm transformer block, [tokens, hidden] -> [tokens, hidden].
func (m *builder) layer(i int, l Layer, x value) value {
	c := m.w.Config
	prefix := fmt.Sprintf("layers.%d.", i)
	attn, mlp := prefix+"self_attn.", prefix+"mlp."

	h := m.norm(prefix+"input_layernorm", x, l.InputNorm)
	qkv := m.linear(i, attn+"qkv_proj", h, value{}, l.QKV, "q_proj", "k_proj", "v_proj") // [tokens, (heads+2kv)*dim]
	if l.QNorm != nil {
		qkv = m.headNorm(attn, qkv, l)
	}
	a := m.attention(attn+"attention", qkv, HeadsOf(c, i)) // [tokens, heads*dim]
	x = m.linear(i, attn+"o_proj", a, x, l.O, "o_proj")    // residual added

	h = m.norm(prefix+"post_attention_layernorm", x, l.PostNorm)
	gateUp := m.linear(i, mlp+"gate_up_proj", h, value{}, l.GateUp, "gate_proj", "up_proj") // [tokens, 2*ffn]
	act := m.swiglu(mlp+"act_fn", gateUp, c.FFN)                                            // [tokens, ffn]
	return m.linear(i, mlp+"down_proj", act, x, l.Down, "down_proj")                        // residual added
}

func (m *builder) norm(name string, x value, n *ops.Norm) value {
	if m.err != nil {
		return value{}
	}
	y, err := ops.RMSNorm(m.rt, name, x.node, n, x.grad)
	m.keep(err)
	return value{y, x.grad || n.Param != nil}
}

// HeadsOf is the shape of a model's attention in a layer.
func HeadsOf(c weights.Config, layer int) ops.Heads {
	return ops.Heads{Heads: c.Heads, KV: c.KVHeads, Dim: c.HeadDim, Window: c.WindowOf(layer)}
}

func (m *builder) headNorm(attn string, qkv value, l Layer) value {
	if m.err != nil {
		return value{}
	}
	parts := [3]string{attn + "q_norm", attn + "k_norm", attn + "v_proj"}
	y, err := ops.HeadNorm(m.rt, attn+"qk_norm", parts, qkv.node, HeadsOf(m.w.Config, 0), l.QNorm, l.KNorm, qkv.grad)
	m.keep(err)
	return value{y, qkv.grad || l.QNorm.Param != nil}
}

func (m *builder) linear(layer int, name string, x, residual value, w *ops.Matrix, modules ...string) value {
	if m.err != nil {
		return value{}
	}
	l := ops.Linear{Name: name, W: w, LoRA: m.adapter.Factors(layer, modules...), Group: group(layer, modules[0])}
	for _, module := range modules {
		l.Parts = append(l.Parts, ModuleName(layer, module))
	}
	if m.adapter != nil {
		l.Dropout = m.adapter.Dropout
	}
	y, grad, err := l.Apply(m.rt, x.node, residual.node, x.grad, residual.grad)
	m.keep(err)
	return value{y, grad}
}

// group numbers the fused linear ops of a model: each has dropout masks of its own.
func group(layer int, firstModule string) uint64 {
	for i, m := range weights.Linears {
		if m == firstModule {
			return uint64(layer*len(weights.Linears) + i)
		}
	}
	return uint64(layer * len(weights.Linears))
}

func (m *builder) attention(name string, qkv value, h ops.Heads) value {
	if m.err != nil {
		return value{}
	}
	y, err := ops.Attention(m.rt, name, qkv.node, h, m.rope, qkv.grad)
	m.keep(err)
	return value{y, qkv.grad}
}

func (m *builder) swiglu(name string, gateUp value, ffn int) value {
	if m.err != nil {
		return value{}
	}
	y, err := ops.SwiGLU(m.rt, name, gateUp.node, ffn, gateUp.grad)
	m.keep(err)
	return value{y, gateUp.grad}
}

func (m *builder) keep(err error) {
	if m.err == nil {
		m.err = err
	}
}

// distinct reports two nodes of equal hash, which Gorgonia's compiler would
// merge.
func distinct(g *G.ExprGraph) error {
	seen := map[uint32]string{}
	for _, n := range g.AllNodes() {
		h := n.Hashcode()
		if other, ok := seen[h]; ok {
			return fmt.Errorf("building the graph: nodes %q and %q have %w", other, n.Name(), ops.ErrSameHash)
		}
		seen[h] = n.Name()
	}
	return nil
}

// Run computes the loss of one micro-batch and adds its gradients to those of
// the step. The batch must not have more tokens than the runtime was made for.
// The error of a failed op is an *ops.Error.
func (g *Graph) Run(b batch.Packed) error {
	if len(b.Tokens) > g.Runtime.MaxTokens {
		return fmt.Errorf("a micro-batch of %d tokens does not fit the %d that memory was planned for", len(b.Tokens), g.Runtime.MaxTokens)
	}
	g.Runtime.Batch, g.Runtime.Failed = b, nil
	g.machine.Reset()
	if err := g.machine.RunAll(); err != nil {
		if g.Runtime.Failed != nil {
			return g.Runtime.Failed
		}
		return fmt.Errorf("running the graph: %w", err)
	}
	return nil
}

// Gradient is the accumulated gradient of the i-th of Params, after the last
// micro-batch of a step. It is valid until the next step.
func (g *Graph) Gradient(i int) ([]float32, error) {
	v := g.gradients[i].Value()
	if v == nil {
		return nil, errors.New("no gradient for " + g.Params[i].Name)
	}
	return v.Data().([]float32), nil
}

// Close releases the tape machine.
func (g *Graph) Close() error { return g.machine.Close() }

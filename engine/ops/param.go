package ops

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Param is a trainable tensor: a LoRA factor, or a weight under full
// fine-tuning. Data is the backing of its graph node, so the optimizer updates
// it in place.
type Param struct {
	Name  string    // layers.0.self_attn.q_proj.lora_A.weight
	Shape []int     // [r, in], [out, r], [out, in] or [dim]
	Data  []float32 // row-major
	Node  *G.Node   // leaf of the graph; nil until the graph is built
}

// NewParam returns a zero parameter.
func NewParam(name string, shape ...int) *Param {
	return &Param{Name: name, Shape: shape, Data: make([]float32, tensor.Shape(shape).TotalSize())}
}

// Leaf is the parameter's node in graph g, added at the first call.
func (p *Param) Leaf(g *G.ExprGraph) *G.Node {
	if p.Node == nil {
		v := tensor.New(tensor.WithShape(p.Shape...), tensor.WithBacking(p.Data))
		p.Node = G.NewTensor(g, tensor.Float32, len(p.Shape), G.WithShape(p.Shape...), G.WithName(p.Name), G.WithValue(v))
	}
	return p.Node
}

func (p *Param) typ() G.TensorType {
	if len(p.Shape) == 1 {
		return vector
	}
	return matrix
}

// accumulator returns memory for a gradient that sums over the micro-batches of
// a step: backward adds to it, ZeroGradients clears it.
func (rt *Runtime) accumulator(n int) []float32 {
	sum := make([]float32, n)
	rt.accumulators = append(rt.accumulators, sum)
	return sum
}

// gradient returns a pick op whose value is the accumulated gradient of p. Two
// ops that share p (a tied head and embedding) have one each; the graph adds
// them.
func (rt *Runtime) gradient(op string, p *Param, sum []float32) *pick {
	name := p.Name
	if op != "" {
		name = op + ": " + p.Name
	}
	return &pick{makeBase(rt, name, Gradient, matrices(1), sum, p.Shape...)}
}

// ZeroGradients clears the accumulated gradients; call it before the first
// micro-batch of a step.
func (rt *Runtime) ZeroGradients() {
	rt.Pool.Run(len(rt.accumulators), func(i int) { clear(rt.accumulators[i]) })
}

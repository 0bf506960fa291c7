package llama

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hone/engine/ops"
	"hone/engine/rng"
	"hone/engine/weights"
)

// ErrAdapter is wrapped by errors about adapters that do not fit a model.
var ErrAdapter = errors.New("adapter does not fit the model")

// LoRA are the hyperparameters of an adapter.
type LoRA struct {
	R       int
	Alpha   float64
	RSLoRA  bool    // scale by alpha/sqrt(r) (Kalajdzievski 2023) instead of alpha/r
	Dropout float64 // on the adapter's input, while training
	Targets []string
}

// Scale is the factor on B A x.
func (l LoRA) Scale() float32 {
	if l.RSLoRA {
		return float32(l.Alpha / math.Sqrt(float64(l.R)))
	}
	return float32(l.Alpha / float64(l.R))
}

// Adapter is a LoRA adapter on a model.
type Adapter struct {
	LoRA
	Params  []*ops.Param           // A and B of every target, layer by layer
	factors map[string]ops.Factors // by module: layers.0.self_attn.q_proj
}

// Parameters is how many parameters an adapter trains.
func (l LoRA) Parameters(c weights.Config) int64 {
	var n int64
	for _, m := range l.Targets {
		out, in, _ := c.LinearShape(m)
		n += int64(l.R) * int64(out+in)
	}
	return n * int64(c.Layers)
}

// NewAdapter returns an adapter that changes nothing yet: A uniform in
// +-1/sqrt(in), which is PEFT's kaiming_uniform(a=sqrt 5), and B zero.
func NewAdapter(c weights.Config, l LoRA, seed uint64) (*Adapter, error) {
	for _, t := range l.Targets {
		if !slices.Contains(weights.Linears, t) {
			return nil, fmt.Errorf("%w: target %q is not one of %v", ErrAdapter, t, weights.Linears)
		}
	}
	if l.R < 1 || len(l.Targets) == 0 {
		return nil, fmt.Errorf("%w: rank %d on %d modules", ErrAdapter, l.R, len(l.Targets))
	}
	a := &Adapter{LoRA: l, factors: map[string]ops.Factors{}}
	for _, t := range weights.AdapterTensors(c, l.R, l.Targets, nil) {
		p := ops.NewParam(t.Name, t.Shape...)
		a.Params = append(a.Params, p)
		if module, isA := strings.CutSuffix(t.Name, ".lora_A.weight"); isA {
			uniform(p, seed)
			a.factors[module] = ops.Factors{A: p}
		} else {
			module = strings.TrimSuffix(t.Name, ".lora_B.weight")
			a.factors[module] = ops.Factors{A: a.factors[module].A, B: p}
		}
	}
	return a, nil
}

// uniform fills A [r, in] with values in +-1/sqrt(in).
func uniform(p *ops.Param, seed uint64) {
	bound := 1 / math.Sqrt(float64(p.Shape[1]))
	random := rng.New(seed, p.Name)
	for j := range p.Data {
		p.Data[j] = float32((2*random.Float64(uint64(j)) - 1) * bound)
	}
}

// FromFile returns the adapter of a file as it would continue on model c.
func FromFile(c weights.Config, file *weights.Adapter) (*Adapter, error) {
	f := file.Config
	a, err := NewAdapter(c, LoRA{R: f.R, Alpha: f.Alpha, RSLoRA: f.RSLoRA, Dropout: f.Dropout, Targets: f.Targets}, 0)
	if err != nil {
		return nil, err
	}
	return a, a.Import(file)
}

// Import copies the factors of a file, which must have the same rank, alpha,
// scaling and targets and exactly the same tensors.
func (a *Adapter) Import(file *weights.Adapter) error {
	f := file.Config
	switch {
	case f.R != a.R:
		return fmt.Errorf("%w: its rank is %d, the experiment's %d", ErrAdapter, f.R, a.R)
	case f.Alpha != a.Alpha:
		return fmt.Errorf("%w: its alpha is %g, the experiment's %g", ErrAdapter, f.Alpha, a.Alpha)
	case f.RSLoRA != a.RSLoRA:
		return fmt.Errorf("%w: its rslora is %v, the experiment's %v", ErrAdapter, f.RSLoRA, a.RSLoRA)
	}
	have := map[string]weights.Tensor{}
	for _, t := range file.Tensors {
		have[t.Name] = t
	}
	for _, p := range a.Params {
		t, ok := have[p.Name]
		if !ok {
			return fmt.Errorf("%w: it has no %s", ErrAdapter, p.Name)
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return fmt.Errorf("%w: %s is %v, the model needs %v", ErrAdapter, p.Name, t.Shape, p.Shape)
		}
		copy(p.Data, t.Data)
		delete(have, p.Name)
	}
	for name := range have {
		return fmt.Errorf("%w: the model has no place for %s", ErrAdapter, name)
	}
	return nil
}

// Export is the adapter in the form of a file. The tensors share memory with
// the adapter.
func (a *Adapter) Export(base string) *weights.Adapter {
	out := &weights.Adapter{Config: weights.AdapterConfig{R: a.R, Alpha: a.Alpha, RSLoRA: a.RSLoRA, Dropout: a.Dropout, Targets: a.Targets, Base: base}}
	for _, p := range a.Params {
		out.Tensors = append(out.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return out
}

// ModuleName is the readable name of a linear module: layers.7.mlp.down_proj.
func ModuleName(layer int, module string) string {
	part := "self_attn"
	if slices.Contains([]string{"gate_proj", "up_proj", "down_proj"}, module) {
		part = "mlp"
	}
	return fmt.Sprintf("layers.%d.%s.%s", layer, part, module)
}

// Factors are the factors of some modules of a layer, empty where a module has
// no adapter. A nil adapter has none.
func (a *Adapter) Factors(layer int, modules ...string) []ops.Factors {
	fs := make([]ops.Factors, len(modules))
	if a != nil {
		for i, m := range modules {
			fs[i] = a.factors[ModuleName(layer, m)]
		}
	}
	return fs
}

// LayerOf is the layer that a readable name belongs to; -1 where it is none of a
// layer.
func LayerOf(name string) int {
	rest, ok := strings.CutPrefix(name, "layers.")
	if !ok {
		return -1
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// FactorB reports whether a tensor is the second factor of an adapter.
func FactorB(name string) bool { return strings.HasSuffix(name, ".lora_B.weight") }

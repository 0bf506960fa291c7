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

// LoRA are the hyperparameters of an adapter. What picks modules, and gives them
// ranks and alphas of their own, is that of weights.AdapterConfig.
type LoRA struct {
	R       int
	Alpha   float64
	RSLoRA  bool    // scale by alpha/sqrt(r) (Kalajdzievski 2023) instead of alpha/r
	Dropout float64 // on the adapter's input, while training
	Targets []string
	Layers  []int
	Regex   string

	Exclude      []string
	ExcludeRegex string

	Ranks, Alphas weights.Patterns
}

// file is l as an adapter's file has it.
func (l LoRA) file() weights.AdapterConfig {
	return weights.AdapterConfig{
		R: l.R, Alpha: l.Alpha, RSLoRA: l.RSLoRA, Dropout: l.Dropout,
		Targets: l.Targets, Layers: l.Layers, Regex: l.Regex, Exclude: l.Exclude, ExcludeRegex: l.ExcludeRegex, Ranks: l.Ranks, Alphas: l.Alphas,
	}
}

// modules are those that the adapter changes; none where it has a pattern that
// [LoRA.Check] refuses.
func (l LoRA) modules(c weights.Config) []weights.AdapterModule {
	modules, err := l.file().Modules(c.Layers)
	if err != nil {
		return nil
	}
	return modules
}

// Check refuses an adapter that would train nothing of model c, and settings that
// say something of modules that it does not have. The error wraps ErrAdapter.
func (l LoRA) Check(c weights.Config) error {
	idle, err := l.file().Idle(c.Layers)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAdapter, err)
	case len(idle) > 0:
		return fmt.Errorf("%w: the model has %d layers with %s, of which these pick nothing: %s", ErrAdapter, c.Layers, strings.Join(weights.Linears, ", "), strings.Join(idle, ", "))
	}
	modules := l.modules(c)
	if len(modules) == 0 {
		return fmt.Errorf("%w: no module is picked", ErrAdapter)
	}
	for _, m := range modules {
		if m.R < 1 || !(m.Alpha > 0) {
			return fmt.Errorf("%w: %s has rank %d and alpha %g", ErrAdapter, m.Name(), m.R, m.Alpha)
		}
	}
	return nil
}

// Adapter is a LoRA adapter on a model.
type Adapter struct {
	LoRA
	Params  []*ops.Param           // A and B of every target, layer by layer
	factors map[string]ops.Factors // by module: layers.0.self_attn.q_proj
	modules []weights.AdapterModule
}

// Parameters is how many parameters an adapter trains.
func (l LoRA) Parameters(c weights.Config) int64 {
	var n int64
	for _, m := range l.modules(c) {
		out, in, _ := c.LinearShape(m.Linear)
		n += int64(m.R) * int64(out+in)
	}
	return n
}

// NewAdapter returns an adapter that changes nothing yet: A uniform in
// +-1/sqrt(in), which is PEFT's kaiming_uniform(a=sqrt 5), and B zero.
func NewAdapter(c weights.Config, l LoRA, seed uint64) (*Adapter, error) {
	if err := l.Check(c); err != nil {
		return nil, err
	}
	return newAdapter(c, l, seed)
}

func newAdapter(c weights.Config, l LoRA, seed uint64) (*Adapter, error) {
	tensors, err := weights.AdapterTensors(c, l.file())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAdapter, err)
	}
	a := &Adapter{LoRA: l, factors: map[string]ops.Factors{}, modules: l.modules(c)}
	for i, m := range a.modules { // two tensors each
		first, second := tensors[2*i], tensors[2*i+1]
		f := ops.Factors{A: ops.NewParam(first.Name, first.Shape...), B: ops.NewParam(second.Name, second.Shape...), Scale: float32(m.Scale)}
		uniform(f.A, seed)
		a.Params = append(a.Params, f.A, f.B)
		a.factors[ModuleName(m.Layer, m.Linear)] = f
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
	a, err := newAdapter(c, LoRA{
		R: f.R, Alpha: f.Alpha, RSLoRA: f.RSLoRA, Dropout: f.Dropout,
		Targets: f.Targets, Layers: f.Layers, Regex: f.Regex, Exclude: f.Exclude, ExcludeRegex: f.ExcludeRegex, Ranks: f.Ranks, Alphas: f.Alphas,
	}, 0)
	if err != nil {
		return nil, err
	}
	return a, a.Import(file)
}

// Import copies the factors of a file, which must have the same rank, alpha and
// scaling in each module and exactly the same tensors.
func (a *Adapter) Import(file *weights.Adapter) error {
	scales, err := a.fits(file)
	if err != nil {
		return err
	}
	for i, m := range a.modules {
		if scales[i] != m.Scale {
			return fmt.Errorf("%w: its scale at %s is %g, the experiment's %g (alpha/r, with rslora alpha/sqrt(r))", ErrAdapter, m.Name(), scales[i], m.Scale)
		}
	}
	a.take(file)
	return nil
}

// Continue copies the factors of a file, which must have the same modules and
// ranks. Where its scale is another, B is multiplied by what makes up for it, so
// that the adapter computes what the file's does. The result says how many modules
// that were.
func (a *Adapter) Continue(file *weights.Adapter) (rescaled int, err error) {
	scales, err := a.fits(file)
	if err != nil {
		return 0, err
	}
	a.take(file)
	for i, m := range a.modules {
		if scales[i] == m.Scale {
			continue
		}
		rescaled++
		b := a.factors[ModuleName(m.Layer, m.Linear)].B.Data
		for j, v := range b {
			b[j] = float32(float64(v) * (scales[i] / m.Scale))
		}
		if err := weights.ScanNonFinite(m.Name()+" rescaled", b); err != nil {
			return rescaled, err
		}
	}
	return rescaled, nil
}

// fits checks that a file has the adapter's modules, ranks and shapes, and returns
// its scale of each module.
func (a *Adapter) fits(file *weights.Adapter) ([]float64, error) {
	have := map[string]weights.Tensor{}
	layers := 0
	for _, t := range file.Tensors {
		have[t.Name] = t
		layers = max(layers, LayerOf(t.Name)+1)
	}
	theirs, err := file.Config.Modules(layers)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAdapter, err)
	}
	byName := map[string]weights.AdapterModule{}
	for _, m := range theirs {
		byName[m.Name()] = m
	}
	scales := make([]float64, len(a.modules))
	for i, m := range a.modules {
		its, ok := byName[m.Name()]
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: it has nothing for %s, which the experiment trains; it has %s", ErrAdapter, m.Name(), targetsOf(file.Config))
		case its.R != m.R:
			return nil, fmt.Errorf("%w: its rank at %s is %d, the experiment's %d", ErrAdapter, m.Name(), its.R, m.R)
		}
		scales[i] = its.Scale
	}
	for _, p := range a.Params {
		t, ok := have[p.Name]
		if !ok {
			return nil, fmt.Errorf("%w: it has no %s", ErrAdapter, p.Name)
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("%w: %s is %v, the model needs %v", ErrAdapter, p.Name, t.Shape, p.Shape)
		}
		delete(have, p.Name)
	}
	for _, t := range file.Tensors {
		if _, left := have[t.Name]; left {
			return nil, fmt.Errorf("%w: it has %s, which the experiment does not train; it has %s", ErrAdapter, t.Name, targetsOf(file.Config))
		}
	}
	return scales, nil
}

// targetsOf shows what picks a file's modules.
func targetsOf(f weights.AdapterConfig) string {
	text := "the targets " + strings.Join(f.Targets, ", ")
	if f.Regex != "" {
		text = fmt.Sprintf("the targets of %q", f.Regex)
	}
	if f.Layers != nil {
		text += fmt.Sprintf(" in the layers %v", f.Layers)
	}
	switch {
	case f.ExcludeRegex != "":
		text += fmt.Sprintf(" without %q", f.ExcludeRegex)
	case len(f.Exclude) > 0:
		text += " without " + strings.Join(f.Exclude, ", ")
	}
	return text
}

// take copies the factors of a file that fits.
func (a *Adapter) take(file *weights.Adapter) {
	have := map[string][]float32{}
	for _, t := range file.Tensors {
		have[t.Name] = t.Data
	}
	for _, p := range a.Params {
		copy(p.Data, have[p.Name])
	}
}

// Export is the adapter in the form of a file. The tensors share memory with
// the adapter.
func (a *Adapter) Export(base string) *weights.Adapter {
	out := &weights.Adapter{Config: a.file()}
	out.Config.Base = base
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

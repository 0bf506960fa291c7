package weights

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// WriteGGUFAdapter writes a LoRA adapter for llama.cpp. That program scales B A by
// alpha/r, r that of the pair, whatever the adapter says elsewhere, so that rsLoRA and
// patterns of alpha would be lost: here the true scale is folded into B, and alpha is the
// rank of most. The base is a GGUF file of configuration c; where its query and key rows
// are permuted, those of B are too.
func WriteGGUFAdapter(path string, c Config, a *Adapter, name string) error {
	c.EOS = nil // not said in the file of an adapter
	err := CheckGGUF(c)
	if err == nil {
		err = a.CheckModel(c)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	var h ggufHeader
	h.str("general.architecture", ggufArchName(c))
	h.str("general.type", "adapter")
	h.str("general.name", name)
	h.u32("general.file_type", 0)
	h.str("adapter.type", "lora")
	h.f32("adapter.lora.alpha", float32(a.Config.R))
	modules, err := a.Config.Modules(c.Layers)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	fold := map[string]float64{} // by module: what its true scale is of llama.cpp's
	for _, m := range modules {
		fold[m.Name()] = m.Scale * float64(m.R) / float64(a.Config.R)
	}
	data := map[string][]float32{}
	var tensors []ggufTensorOut
	for _, t := range a.Tensors {
		layer, target, isA, ok := parseLoraName(t.Name)
		if !ok {
			return fmt.Errorf("writing %s: %w", path, refuseTensor(t.Name))
		}
		out := ggufTensorOut{name: "blk." + strconv.Itoa(layer) + "." + ggufModule(target), from: t.Name, shape: t.Shape, encoding: ggufF32Encoding}
		data[t.Name] = t.Data
		if isA {
			out.name += ".lora_a"
		} else {
			out.name += ".lora_b"
			out.heads = ggufHeads(c, ggufModule(target))
			scaled := make([]float32, len(t.Data))
			for i, b := range t.Data {
				scaled[i] = float32(fold[moduleName(layer, target)] * float64(b))
			}
			data[t.Name] = scaled
		}
		tensors = append(tensors, out)
	}
	return writeGGUF(path, h, tensors, func(name string, _ []int) ([]float32, error) { return data[name], nil })
}

// ggufModule is GGUF's name of a linear layer's weight.
func ggufModule(target string) string {
	for theirs, ours := range ggufLayer {
		if ours == linearModule[target]+".weight" {
			return theirs
		}
	}
	return ""
}

// ReadGGUFAdapter reads a LoRA adapter for llama.cpp as one of a model of configuration
// c: a permutation is undone, and the scale is alpha/r, or one where alpha is zero. It may
// be on some layers, or on other modules in each.
func ReadGGUFAdapter(path string, c Config) (*Adapter, error) {
	a, err := readGGUFAdapter(path, c)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return a, nil
}

func readGGUFAdapter(path string, c Config) (*Adapter, error) {
	c.EOS = nil
	if err := CheckGGUF(c); err != nil {
		return nil, err
	}
	s, err := openSource(path, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.close() }()
	g, err := parseGGUF(s)
	if err != nil {
		return nil, err
	}
	if err := g.checkSize(s.size); err != nil {
		return nil, err
	}
	for _, k := range []struct{ key, want string }{{"general.architecture", ggufArchName(c)}, {"general.type", "adapter"}, {"adapter.type", "lora"}} {
		if v, err := g.text(k.key, ""); err != nil {
			return nil, err
		} else if v != k.want {
			return nil, unsupported("%s %q in a file of an adapter (what works: %s)", k.key, clip(v), k.want)
		}
	}
	alpha, err := g.number("adapter.lora.alpha", 0)
	if err != nil {
		return nil, err
	}
	a := &Adapter{}
	for _, r := range g.regions {
		t, err := adapterTensor(s, r, c)
		if err != nil {
			return nil, err
		}
		rank := t.Shape[0]
		if strings.HasSuffix(t.Name, ".lora_B.weight") {
			rank = t.Shape[1]
		}
		if a.Config.R == 0 {
			a.Config.R = rank
		}
		if layer, linear, isA, ok := parseLoraName(t.Name); ok && isA && rank != a.Config.R {
			name := strings.ReplaceAll(moduleName(layer, linear), ".", `\.`)
			a.Config.Ranks = append(a.Config.Ranks, Pattern{Name: name, Value: float64(rank)})
			if alpha == 0 { // the scale is one
				a.Config.Alphas = append(a.Config.Alphas, Pattern{Name: name, Value: float64(rank)})
			}
		}
		a.Tensors = append(a.Tensors, t)
	}
	a.Config.Targets, a.Config.Layers = modulesOf(a.Tensors, c.Layers)
	a.Config.Alpha = alpha
	if alpha == 0 {
		a.Config.Alpha = float64(a.Config.R)
	}
	if math.IsNaN(alpha) {
		return nil, corrupt("adapter.lora.alpha is %v", alpha)
	}
	if err := a.Config.validate(); err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return a, a.CheckModel(c)
}

// modulesOf are the targets, and the layers, that pick just the modules of these tensors
// in a model of so many layers: names of [Linears] in all or some layers, or the name of
// every module.
func modulesOf(tensors []Tensor, layers int) (targets []string, in []int) {
	linears := map[int][]string{} // by layer, sorted
	var modules []string
	for _, t := range tensors {
		if layer, linear, isA, ok := parseLoraName(t.Name); ok && isA {
			linears[layer] = append(linears[layer], linear)
			modules = append(modules, "layers."+strconv.Itoa(layer)+"."+linearModule[linear])
		}
	}
	for layer, of := range linears {
		slices.Sort(of)
		in = append(in, layer)
	}
	slices.Sort(in)
	for _, layer := range in {
		if !slices.Equal(linears[layer], linears[in[0]]) {
			return modules, nil
		}
		targets = linears[layer]
	}
	if len(in) == layers {
		in = nil
	}
	return targets, in
}

// adapterTensor reads a tensor as PEFT names it.
func adapterTensor(s *source, r region, c Config) (t Tensor, err error) {
	module, isA := strings.CutSuffix(r.name, ".lora_a")
	if !isA {
		var isB bool
		if module, isB = strings.CutSuffix(r.name, ".lora_b"); !isB {
			return t, unsupported("tensor %s, which is no LoRA factor (%s)", clip(r.name), adapterWorks)
		}
	}
	name, part, err := huggingFaceName(module)
	if err != nil {
		return t, err
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "model."), ".weight")
	t = Tensor{Name: name + ".lora_A.weight", Shape: r.shape}
	layer, _, _, ok := parseLoraName(t.Name)
	switch {
	case !ok:
		return t, refuseTensor(r.name)
	case layer >= c.Layers:
		return t, corrupt("tensor %s is of layer %d, the model has %d layers", clip(r.name), layer, c.Layers)
	}
	if !isA {
		t.Name = name + ".lora_B.weight"
	}
	if len(r.shape) != 2 {
		return t, corrupt("tensor %s is %v", clip(r.name), clipShape(r.shape))
	}
	from := stored{region: r, source: s}
	if !isA {
		from.heads = ggufHeads(c, part)
	}
	if from.heads > 0 && r.shape[0] != from.heads*c.HeadDim {
		return t, corrupt("tensor %s is %v for %d heads of %d", clip(r.name), clipShape(r.shape), from.heads, c.HeadDim)
	}
	n, _ := elements(r.shape) // within the file, so bounded by it
	t.Data = make([]float32, n)
	return t, guard(s.path, func() error { return from.read(0, t.Data, 0) })
}

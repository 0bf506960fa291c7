package weights

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// AdapterConfig is what a LoRA adapter is computed with: the output of a target
// gains scale * B(A(dropout(x))).
type AdapterConfig struct {
	R       int
	Alpha   float64
	RSLoRA  bool    // scale is Alpha/sqrt(R) instead of Alpha/R
	Dropout float64 // in training only, on the input of A
	Base    string  // path or hub id of the base model; informative
	// Targets pick the modules: names of Linears, in their order, or longer ends of
	// modules' names, as layers.3.mlp.up_proj. Layers are those in which they do,
	// ascending; nil: every layer of the base model. Regex, if not "", picks instead
	// of them: an expression of whole names, as model.layers.3.mlp.up_proj.
	Targets []string
	Layers  []int
	Regex   string
	// Exclude are names, or ends of names, of modules that are not picked whatever
	// Targets and Layers say, ExcludeRegex an expression of their whole names instead.
	Exclude      []string
	ExcludeRegex string
	// Ranks and Alphas are for some modules instead of R and Alpha.
	Ranks, Alphas Patterns
}

// Adapter is a LoRA adapter in memory. Its tensors are named without PEFT's
// prefix: layers.0.self_attn.q_proj.lora_A.weight [r, in] and
// layers.0.self_attn.q_proj.lora_B.weight [out, r].
type Adapter struct {
	Config  AdapterConfig
	Tensors []Tensor
}

const maxRank = 1 << 16

// AdapterTensors lists names and shapes of an adapter for a base model, without
// data: layer by layer, targets in the order of [Linears], A before B.
func AdapterTensors(c Config, a AdapterConfig) ([]Tensor, error) {
	modules, err := a.Modules(c.Layers)
	if err != nil {
		return nil, err
	}
	var tensors []Tensor
	for _, m := range modules {
		out, in, _ := c.LinearShape(m.Linear)
		a, b := loraNames(m.Layer, m.Linear)
		tensors = append(tensors, Tensor{Name: a, Shape: []int{m.R, in}}, Tensor{Name: b, Shape: []int{out, m.R}})
	}
	return tensors, nil
}

// CheckModel checks that the adapter fits a base model: shapes, and that every
// target has its tensors in every layer (or in Config.Layers). The error wraps
// [ErrCorrupt] and names the tensor.
func (a *Adapter) CheckModel(c Config) error {
	for _, l := range a.Config.Layers {
		if l < 0 || l >= c.Layers {
			return corrupt("the adapter has layer %d, the model %d layers", l, c.Layers)
		}
	}
	expected := map[string][]int{}
	tensors, err := AdapterTensors(c, a.Config)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		expected[t.Name] = t.Shape
	}
	for _, t := range a.Tensors {
		shape, ok := expected[t.Name]
		if !ok {
			return corrupt("adapter tensor %s has no place in the model of %d layers", clip(t.Name), c.Layers)
		}
		if !slices.Equal(shape, t.Shape) {
			return corrupt("adapter tensor %s is %v, the model needs %v", t.Name, clipShape(t.Shape), shape)
		}
		delete(expected, t.Name)
	}
	if names := sortedKeys(expected); len(names) > 0 {
		return corrupt("adapter tensor %s is missing, the model has %d layers", names[0], c.Layers)
	}
	return nil
}

func loraNames(layer int, target string) (a, b string) {
	module := "layers." + strconv.Itoa(layer) + "." + linearModule[target]
	return module + ".lora_A.weight", module + ".lora_B.weight"
}

// parseLoraName splits layers.3.mlp.up_proj.lora_A.weight.
func parseLoraName(name string) (layer int, target string, isA, ok bool) {
	rest, ok := strings.CutPrefix(name, "layers.")
	if !ok {
		return 0, "", false, false
	}
	number, rest, _ := strings.Cut(rest, ".")
	layer, err := strconv.Atoi(number)
	if err != nil || layer < 0 || layer >= maxLayers || strconv.Itoa(layer) != number {
		return 0, "", false, false
	}
	module, isA := strings.CutSuffix(rest, ".lora_A.weight")
	if !isA {
		if module, ok = strings.CutSuffix(rest, ".lora_B.weight"); !ok {
			return 0, "", false, false
		}
	}
	_, target, _ = strings.Cut(module, ".")
	return layer, target, isA, linearModule[target] == module
}

// check compares the tensors with the configuration, strictly both ways: every
// module that it picks has A and B of its rank, and nothing else is there. Layers
// that are not in Config.Layers are those found; where the targets are the same in
// all layers they have to be 0, 1, 2, ...
func (a *Adapter) check() error {
	c := &a.Config
	found := map[int]bool{}
	byName := map[string]*Tensor{}
	for i := range a.Tensors {
		t := &a.Tensors[i]
		layer, _, _, ok := parseLoraName(t.Name)
		switch {
		case !ok:
			return refuseTensor(t.Name)
		case byName[t.Name] != nil:
			return corrupt("tensor %s is there twice", t.Name)
		}
		byName[t.Name] = t
		found[layer] = true
	}
	layers := slices.Sorted(maps.Keys(found))
	switch {
	case len(layers) == 0:
		return corrupt("the adapter has no tensors")
	case !c.everyLayer():
	case c.Layers != nil && !slices.Equal(c.Layers, layers):
		return corrupt("the adapter has tensors in the layers %v, its configuration names %v", clipShape(layers), clipShape(c.Layers))
	case c.Layers == nil && layers[len(layers)-1] != len(layers)-1:
		return corrupt("the adapter has tensors in the layers %v and so on, with gaps", clipShape(layers))
	}
	modules, err := c.Modules(layers[len(layers)-1] + 1)
	if err != nil {
		return err
	}
	sizes := map[string][2]int{} // out and in of each target
	for _, m := range modules {
		if err := checkModule(m, sizes, byName); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(byName) {
		layer, target, _, _ := parseLoraName(name)
		return corrupt("the adapter has tensors of %s in layer %d, which is not among its targets %v", target, layer, c.targetsText())
	}
	return nil
}

// targetsText shows what picks the modules.
func (c *AdapterConfig) targetsText() string {
	if c.Regex != "" {
		return clip(c.Regex)
	}
	return clip(fmt.Sprint(c.Targets))
}

// checkModule checks the matrices of one module and takes them out of byName:
// there, of the module's rank, the same size in all layers, as many values as the
// shape says.
func checkModule(m AdapterModule, sizes map[string][2]int, byName map[string]*Tensor) error {
	out, in := -1, -1
	if s, ok := sizes[m.Linear]; ok {
		out, in = s[0], s[1]
	}
	nameA, nameB := loraNames(m.Layer, m.Linear)
	a, b := byName[nameA], byName[nameB]
	switch {
	case a == nil:
		return corrupt("tensor %s is missing", nameA)
	case b == nil:
		return corrupt("tensor %s is missing", nameB)
	case len(a.Shape) != 2 || a.Shape[0] != m.R || a.Shape[1] < 1 || in >= 0 && a.Shape[1] != in:
		return corrupt("tensor %s is %v, with r = %d it should be %s", nameA, clipShape(a.Shape), m.R, shapeOf(m.R, in))
	case len(b.Shape) != 2 || b.Shape[1] != m.R || b.Shape[0] < 1 || out >= 0 && b.Shape[0] != out:
		return corrupt("tensor %s is %v, with r = %d it should be %s", nameB, clipShape(b.Shape), m.R, shapeOf(out, m.R))
	}
	sizes[m.Linear] = [2]int{b.Shape[0], a.Shape[1]}
	for _, t := range []*Tensor{a, b} {
		if n, ok := elements(t.Shape); !ok || n != int64(len(t.Data)) {
			return corrupt("tensor %s has %d values, which do not fill %v", t.Name, len(t.Data), t.Shape)
		}
		if err := ScanNonFinite(t.Name, t.Data); err != nil {
			return err
		}
	}
	delete(byName, nameA)
	delete(byName, nameB)
	return nil
}

// shapeOf shows a shape in which -1 is any size.
func shapeOf(a, b int) string {
	show := func(n int) string {
		if n < 0 {
			return "any"
		}
		return strconv.Itoa(n)
	}
	return "[" + show(a) + " " + show(b) + "]"
}

// refuseTensor names what a tensor that is not LoRA of a linear layer stands for.
func refuseTensor(name string) error {
	what := "is not LoRA of a linear layer"
	switch {
	case strings.Contains(name, "lora_magnitude_vector"):
		what = "is DoRA"
	case strings.Contains(name, "lora_embedding"):
		what = "is LoRA of an embedding"
	case strings.HasSuffix(name, ".bias"):
		what = "is a bias"
	case strings.Contains(name, ".lora_"):
		what = "is LoRA of something else than the linear layers"
	case strings.Contains(name, "lm_head") || strings.Contains(name, "embed_tokens") || strings.Contains(name, "modules_to_save"):
		what = "is a whole layer (modules_to_save)"
	}
	return unsupported("adapter tensor %s %s (%s)", clip(name), what, adapterWorks)
}

var adapterWorks = "what works: LoRA on " + strings.Join(Linears, ", ")

// validate checks the numbers of the configuration and puts its lists in order.
func (c *AdapterConfig) validate() error {
	switch {
	case c.R < 1 || c.R > maxRank:
		return corrupt("r is %d, not between 1 and %d", c.R, maxRank)
	case !(c.Alpha > 0 && c.Alpha <= 1e9):
		return corrupt("lora_alpha is %v, not a positive number", c.Alpha)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return corrupt("lora_dropout is %v, not from 0 up to 1", c.Dropout)
	case len(c.Targets) == 0 && c.Regex == "":
		return corrupt("no targets (%s)", adapterWorks)
	case c.Regex != "" && (len(c.Targets) > 0 || c.Layers != nil):
		return corrupt("targets or layers beside an expression of target_modules")
	case c.ExcludeRegex != "" && len(c.Exclude) > 0:
		return corrupt("names beside an expression of exclude_modules")
	}
	for _, t := range c.Targets {
		if !NamesLinear(t) {
			return unsupported("target %q (%s)", clip(t), adapterWorks)
		}
	}
	if len(c.Targets) > 0 && c.everyLayer() {
		c.Targets = slices.DeleteFunc(slices.Clone(Linears), func(t string) bool { return !slices.Contains(c.Targets, t) })
	}
	for _, p := range c.Ranks {
		if err := CheckRank(p.Value); err != nil {
			return corrupt("rank_pattern of %s: %v", clip(p.Name), err)
		}
	}
	for _, p := range c.Alphas {
		if err := CheckAlpha(p.Value); err != nil {
			return corrupt("alpha_pattern of %s: %v", clip(p.Name), err)
		}
	}
	if c.Layers != nil {
		c.Layers = slices.Compact(slices.Sorted(slices.Values(c.Layers)))
		if len(c.Layers) == 0 || c.Layers[0] < 0 || c.Layers[len(c.Layers)-1] >= maxLayers {
			return corrupt("layers %v", clipShape(c.Layers))
		}
	}
	return nil
}

func wrapAdapter(doing, dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s adapter %s: %w", doing, dir, err)
}

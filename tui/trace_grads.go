package tui

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"hone/runs"
)

// odd reports whether the newest record has something that is not finite.
func odd(tail runs.GradientTail) bool {
	if len(tail.Steps) == 0 {
		return false
	}
	last := tail.Steps[len(tail.Steps)-1]
	if len(last.NonFinite) > 0 || !finite(last.Norm) {
		return true
	}
	for _, n := range last.Norms {
		if !finite(n) {
			return true
		}
	}
	return false
}

// gradView is the recorder's view of the gradients of a step and those before it,
// worked out in a command.
type gradView struct {
	step       int
	norm, clip float64 // of all tensors together; NaN = not recorded
	tensors    []gradTensor
	largest    float64 // largest finite norm of a tensor
	nameWidth  int     // cells of the longest name
	low, high  float64 // smallest and largest positive finite norm of a cell
	modules    []string
	layers     int
	cells      [][]gradCell // [module][layer]
	firstBad   int          // earliest recorded step with a tensor that is not finite; -1 = none
	steps      []int        // of the span, ascending
	span       [][]gradCell // [layer][step]: all of a layer, over the last steps
	badTensors int          // of this step
	notes      []string
}

// gradTensor is the gradient of one tensor.
type gradTensor struct {
	name  string
	norm  float64
	layer int // -1 = of no layer
	bad   int // values that are not finite
	low   string
}

// gradCell is the gradients of one module of one layer.
type gradCell struct {
	norm  float64 // of its tensors together
	a, b  float64 // of the two adapter matrices; NaN = not recorded
	known bool
	bad   int // values that are not finite
}

// newGradView works a view out of the last records; nil without any.
func newGradView(tail runs.GradientTail) *gradView {
	if len(tail.Steps) == 0 {
		return nil
	}
	g := tail.Steps[len(tail.Steps)-1]
	v := &gradView{step: g.Step, norm: g.Norm, clip: g.Clip, firstBad: -1, notes: tail.Notes}
	for n := len(tail.Steps); n > 0 && odd(runs.GradientTail{Steps: tail.Steps[:n]}); n-- {
		v.firstBad = tail.Steps[n-1].Step
	}
	bad := map[string]int{}
	for _, n := range g.NonFinite {
		bad[n.Tensor] += max(n.Count, 1)
	}
	for name, norm := range g.Norms {
		layer, _, _ := tensorPlace(name)
		t := gradTensor{name: name, norm: norm, layer: layer, bad: bad[name], low: strings.ToLower(name)}
		if t.bad == 0 && !finite(norm) {
			t.bad = 1
		}
		delete(bad, name)
		v.tensors = append(v.tensors, t)
	}
	for name, n := range bad { // recorded as not finite, but without a norm
		layer, _, _ := tensorPlace(name)
		v.tensors = append(v.tensors, gradTensor{name: name, norm: math.NaN(), layer: layer, bad: n, low: strings.ToLower(name)})
	}
	for _, t := range v.tensors {
		if t.bad > 0 {
			v.badTensors++
		}
		v.nameWidth = max(v.nameWidth, textWidth(t.name))
		if finite(t.norm) {
			v.largest = max(v.largest, t.norm)
		}
	}
	slices.SortFunc(v.tensors, byName)
	v.fill()
	v.fillSpan(tail.Steps)
	return v
}

// maxGradLayers bounds the matrix against tensor names with absurd layers.
const maxGradLayers = 4096

// fill makes the matrix of modules and layers.
func (v *gradView) fill() {
	row := map[string]int{}
	for _, t := range v.tensors {
		if _, module, _ := tensorPlace(t.name); t.layer >= 0 && t.layer < maxGradLayers {
			if _, seen := row[module]; !seen {
				row[module] = 0
				v.modules = append(v.modules, module)
			}
			v.layers = max(v.layers, t.layer+1)
		}
	}
	slices.SortFunc(v.modules, func(a, b string) int {
		return cmp.Or(cmp.Compare(moduleOrder(a), moduleOrder(b)), strings.Compare(a, b))
	})
	v.cells = make([][]gradCell, len(v.modules))
	for i, m := range v.modules {
		row[m] = i
		v.cells[i] = make([]gradCell, v.layers)
		for l := range v.cells[i] {
			v.cells[i][l] = gradCell{a: math.NaN(), b: math.NaN()}
		}
	}
	for _, t := range v.tensors {
		if t.layer < 0 || t.layer >= maxGradLayers {
			continue
		}
		_, module, matrix := tensorPlace(t.name)
		c := &v.cells[row[module]][t.layer]
		c.known = true
		c.bad += t.bad
		c.norm = math.Hypot(c.norm, t.norm)
		switch matrix {
		case "lora_A":
			c.a = t.norm
		case "lora_B":
			c.b = t.norm
		}
	}
	for _, row := range v.cells {
		for _, c := range row {
			if c.known && finite(c.norm) && c.norm > 0 {
				if v.low == 0 || c.norm < v.low {
					v.low = c.norm
				}
				v.high = max(v.high, c.norm)
			}
		}
	}
}

// tensorPlace takes the name of a tensor apart: layers.7.mlp.down_proj.lora_B is
// layer 7, module mlp.down_proj, matrix lora_B. A tensor outside of the layers has
// layer -1.
func tensorPlace(name string) (layer int, module, matrix string) {
	rest := strings.TrimSuffix(name, ".weight")
	at := strings.Index(rest, "layers.")
	if at < 0 || (at > 0 && rest[at-1] != '.') {
		return -1, rest, ""
	}
	number, rest, _ := strings.Cut(rest[at+len("layers."):], ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return -1, name, ""
	}
	for _, m := range []string{"lora_A", "lora_B"} {
		if r, found := strings.CutSuffix(rest, "."+m); found {
			return n, r, m
		}
	}
	return n, rest, ""
}

// moduleOrder is where a module stands in a layer's forward pass.
func moduleOrder(module string) int {
	for i, m := range []string{"input_layernorm", "q_proj", "k_proj", "v_proj", "o_proj", "post_attention_layernorm", "gate_proj", "up_proj", "down_proj"} {
		if strings.HasSuffix(module, m) {
			return i
		}
	}
	return 100
}

// byName orders tensors by layer and place in the layer.
func byName(a, b gradTensor) int {
	_, ma, xa := tensorPlace(a.name)
	_, mb, xb := tensorPlace(b.name)
	return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(moduleOrder(ma), moduleOrder(mb)), strings.Compare(ma, mb), strings.Compare(xa, xb), strings.Compare(a.name, b.name))
}

// byNorm orders tensors by the size of their gradient, what is not finite first.
func byNorm(a, b gradTensor) int {
	rank := func(t gradTensor) float64 {
		if t.bad > 0 || !finite(t.norm) {
			return math.Inf(1)
		}
		return t.norm
	}
	return cmp.Or(cmp.Compare(rank(b), rank(a)), byName(a, b))
}

package weights

import "fmt"

// Merge is a base model with an adapter folded into its weights, read tensor by
// tensor: neither model is in memory as a whole.
type Merge struct {
	base  *Model
	pairs map[string]loraPair // by name of the tensor that gains scale * B A
	buf   []float32           // of Tensor
}

// loraPair are the factors of one linear layer.
type loraPair struct {
	a, b  []float32 // [r, in], [out, r]
	r     int
	scale float64
}

// NewMerge folds an adapter into a model; nil folds nothing. The adapter has to
// pass [Adapter.CheckModel].
func NewMerge(base *Model, a *Adapter) (*Merge, error) {
	m := &Merge{base: base, pairs: map[string]loraPair{}}
	if a == nil {
		return m, nil
	}
	if err := a.CheckModel(base.Config); err != nil {
		return nil, fmt.Errorf("merging an adapter into %s: %w", base.Path, err)
	}
	modules, err := a.Config.Modules(base.Config.Layers)
	if err != nil {
		return nil, fmt.Errorf("merging an adapter into %s: %w", base.Path, err)
	}
	for _, x := range modules {
		m.pairs[x.Name()+".weight"] = loraPair{r: x.R, scale: x.Scale}
	}
	for _, t := range a.Tensors {
		layer, target, isA, _ := parseLoraName(t.Name) // CheckModel has read it
		name := moduleName(layer, target) + ".weight"
		p := m.pairs[name]
		if isA {
			p.a = t.Data
		} else {
			p.b = t.Data
		}
		m.pairs[name] = p
	}
	return m, nil
}

// Config is that of the base model.
func (m *Merge) Config() Config { return m.base.Config }

// Tensor returns the values of a tensor of [ExpectedTensors], valid until the next
// call: W + scale * B A, the product summed in float64 and rounded once with W. A
// value that is not finite is a [*NonFiniteError].
func (m *Merge) Tensor(name string, shape []int) ([]float32, error) {
	n, _ := elements(shape)
	if int64(cap(m.buf)) < n {
		m.buf = make([]float32, n)
	}
	w := m.buf[:n]
	if err := m.base.Float32(name, w); err != nil {
		return nil, err
	}
	p, adapted := m.pairs[name]
	if !adapted {
		return w, nil
	}
	in := shape[1]
	sum := make([]float64, in)
	for o := range shape[0] {
		clear(sum)
		for k := range p.r {
			b := p.scale * float64(p.b[o*p.r+k])
			if b == 0 {
				continue
			}
			for i, a := range p.a[k*in : (k+1)*in] {
				sum[i] += b * float64(a)
			}
		}
		row := w[o*in : (o+1)*in]
		for i, s := range sum {
			row[i] = float32(float64(row[i]) + s)
		}
	}
	return w, ScanNonFinite(name, w)
}

package ops

import (
	"slices"

	"hone/engine/kernel"
)

// Matrix is one or several weights with the same input, stacked by rows and
// packed for the kernels: q|k|v, gate|up, or a single weight [rows, in]. A
// frozen matrix keeps the packed form only. A trainable one is packed from its
// parameters whenever the optimizer has changed them.
type Matrix struct {
	In    int   // columns, the width of the input
	Parts []int // rows of each stacked weight
	Out   int   // all rows

	// Bias of each part, [rows]; nil where a part has none.
	Bias [][]float32

	packed *kernel.Packed // [out, in]
	params []*Param       // trainable source of each part
	biases []*Param       // trainable source of each bias that there is
	dirty  bool
}

// NewMatrix returns a matrix to be filled part by part with SetRows, stored in a
// format.
func NewMatrix(in int, parts []int, format kernel.Format) *Matrix {
	m := &Matrix{In: in, Parts: parts, Bias: make([][]float32, len(parts))}
	for _, n := range parts {
		m.Out += n
	}
	m.packed = kernel.NewPackedAs(format, m.Out, in)
	return m
}

// SetRows packs w [rows, in] as rows of the part-th weight, from row first on.
func (m *Matrix) SetRows(part, first int, w []float32) {
	for _, n := range m.Parts[:part] {
		first += n
	}
	m.packed.SetRows(first, w, m.In, len(w)/m.In)
}

// Train makes the matrix a cache of trainable parameters, one a part.
func (m *Matrix) Train(params []*Param) {
	m.params = params
	m.dirty = true
}

// TrainBias adds the source of the next bias, whose data Bias has.
func (m *Matrix) TrainBias(p *Param) { m.biases = append(m.biases, p) }

// Trainable reports whether the matrix follows parameters.
func (m *Matrix) Trainable() bool { return m.params != nil }

// Invalidate tells the matrix that its parameters have changed.
func (m *Matrix) Invalidate() { m.dirty = m.params != nil }

// Refresh packs the parameters again if they have changed.
func (m *Matrix) Refresh() {
	if !m.dirty {
		return
	}
	for i, p := range m.params {
		m.SetRows(i, 0, p.Data)
	}
	m.dirty = false
}

// AddBias adds the bias to one row of products y [out].
func (m *Matrix) AddBias(y []float32) {
	col := 0
	for i, n := range m.Parts {
		if b := m.Bias[i]; b != nil {
			kernel.Add(y[col:col+n], y[col:col+n], b)
		}
		col += n
	}
}

// Biased reports whether any part has a bias.
func (m *Matrix) Biased() bool {
	return slices.ContainsFunc(m.Bias, func(b []float32) bool { return b != nil })
}

// Packed is the matrix for the kernels, [out, in]: y = x Wᵀ by GemmNT, dx = dy W
// by GemmPacked.
func (m *Matrix) Packed() *kernel.Packed { m.Refresh(); return m.packed }

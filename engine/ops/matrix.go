package ops

import "hone/engine/kernel"

// Matrix is one or several weights with the same input, stacked by rows and
// packed for the kernels: q|k|v, gate|up, or a single weight [rows, in]. A
// frozen matrix keeps the packed form only. A trainable one is packed from its
// parameters whenever the optimizer has changed them.
type Matrix struct {
	In    int   // columns, the width of the input
	Parts []int // rows of each stacked weight
	Out   int   // all rows

	forward   *kernel.Packed // [out, in]
	transpose *kernel.Packed // [in, out], for the gradient of the input
	params    []*Param       // trainable source of each part
	dirty     bool
}

// NewMatrix returns a matrix to be filled part by part with SetPart. withGrad
// says whether the gradient of its input will be needed; bf16 stores it in half
// the memory, rounded.
func NewMatrix(in int, parts []int, withGrad, bf16 bool) *Matrix {
	m := &Matrix{In: in, Parts: parts}
	for _, n := range parts {
		m.Out += n
	}
	pack := kernel.NewPacked
	if bf16 {
		pack = kernel.NewPackedBF16
	}
	m.forward = pack(m.Out, in)
	if withGrad {
		m.transpose = pack(in, m.Out)
	}
	return m
}

// SetPart packs weight w [rows of the part, in] as the part-th of the stack.
func (m *Matrix) SetPart(part int, w []float32) {
	row := 0
	for _, n := range m.Parts[:part] {
		row += n
	}
	m.forward.SetRows(row, w, m.In, m.Parts[part])
	if m.transpose != nil {
		m.transpose.SetTransposedBlock(0, row, w, m.In, m.Parts[part], m.In)
	}
}

// Train makes the matrix a cache of trainable parameters, one a part.
func (m *Matrix) Train(params []*Param) {
	m.params = params
	m.dirty = true
}

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
		m.SetPart(i, p.Data)
	}
	m.dirty = false
}

// Forward is the packed matrix for y = x Wᵀ.
func (m *Matrix) Forward() *kernel.Packed { m.Refresh(); return m.forward }

// Transpose is the packed transpose for dx = dy W.
func (m *Matrix) Transpose() *kernel.Packed { m.Refresh(); return m.transpose }

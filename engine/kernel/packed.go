package kernel

import "fmt"

// Packed is a matrix B [N, K] (N outputs, K the reduction) laid out for C = A *
// B^T: panels of a few rows of B, each panel with all its rows' values of one k
// side by side, [panel][k][row in panel]. The panel's width belongs to the
// kernel set in use when the shape was given; a Packed is always multiplied by
// that set, whatever [Use] chose since.
//
// The values are float32, bf16 or int8, as they were asked for at first; a matrix
// is set and read as float32 all the same.
//
// Different rows may be set from different goroutines at the same time.
type Packed struct {
	N, K int

	set    *set
	format Format
	data   []float32 // [panels, depth, width], rows past N are zero
}

// NewPacked returns a zero matrix [n, k] of float32.
func NewPacked(n, k int) *Packed { return NewPackedAs(F32, n, k) }

// NewPackedAs returns a zero matrix [n, k] in a format. What is set is rounded to
// it, and reads back exactly as rounded.
func NewPackedAs(f Format, n, k int) *Packed {
	p := &Packed{format: f}
	p.Reset(n, k)
	return p
}

// Format tells how the values are stored.
func (p *Packed) Format() Format { return p.format }

// Reset gives p another shape and the kernel set in use. It keeps the memory if
// that is large enough; the values are undefined until they are set.
func (p *Packed) Reset(n, k int) {
	s := active.Load()
	const most = 1 << 40 // elements; keeps the product below from overflowing
	if n < 0 || k < 0 || n > most || (k > 0 && n+s.width > most/k) {
		panic(fmt.Sprintf("kernel: packed shape [%d, %d] is out of range", n, k))
	}
	p.N, p.K, p.set = n, k, s
	panels := (n + s.width - 1) / s.width
	d := p.format.depth(k)
	size := panels * d * s.width
	if size > cap(p.data) {
		p.data = aligned(size)
		return
	}
	p.data = p.data[:size]
	if n%s.width != 0 {
		clear(p.data[(panels-1)*d*s.width:])
	}
}

// SetRows sets the rows n0 to n0+rows of B from b [rows, K] with ldb elements
// between rows.
func (p *Packed) SetRows(n0 int, b []float32, ldb, rows int) {
	p.checkRange("SetRows", n0, 0, rows, p.K)
	check("SetRows: b", b, rows, p.K, ldb)
	if p.K == 0 {
		return
	}
	w := p.set.width
	for r := 0; r < rows; {
		j := (n0 + r) % w
		part := min(w-j, rows-r)
		switch panel := p.panel(n0 + r); p.format {
		case BF16:
			p.setRowsBF16(panel, j, b[r*ldb:], ldb, part)
		case Int8:
			p.setRowsInt8(panel, j, b[r*ldb:], ldb, part)
		default:
			p.set.turn(panel[j:], w, b[r*ldb:], ldb, part, p.K)
		}
		r += part
	}
}

// SetTransposed sets the rows n0 to n0+cols of B from the columns of b [K,
// cols] with ldb elements between rows: B[n0+j][i] = b[i*ldb+j].
func (p *Packed) SetTransposed(n0 int, b []float32, ldb, cols int) {
	p.SetTransposedBlock(n0, 0, b, ldb, p.K, cols)
}

// SetTransposedBlock sets a block of B from b [rows, cols] with ldb elements
// between rows: B[n0+j][k0+i] = b[i*ldb+j]. So the transpose of a weight that
// is made of several matrices can be packed from them one by one. A matrix of
// [Int8] is set by rows only.
func (p *Packed) SetTransposedBlock(n0, k0 int, b []float32, ldb, rows, cols int) {
	p.checkRange("SetTransposedBlock", n0, k0, cols, rows)
	check("SetTransposedBlock: b", b, rows, cols, ldb)
	if p.format == Int8 {
		panic("kernel: SetTransposedBlock: a matrix of int8 is set by rows")
	}
	if rows == 0 {
		return
	}
	w := p.set.width
	for c := 0; c < cols; {
		j := (n0 + c) % w
		part := min(w-j, cols-c)
		panel := p.panel(n0 + c)
		switch dst := panel[min(k0*w, len(panel)):]; {
		case p.format == BF16:
			p.setColumnsBF16(panel, j, k0, b[c:], ldb, rows, part)
		case part == w:
			p.set.copyPanel(local(dst), local(b[c:]), ldb, rows)
		default:
			for i := range rows {
				copy(dst[i*w+j:i*w+j+part], b[i*ldb+c:i*ldb+c+part])
			}
		}
		c += part
	}
}

// panel returns what is packed from the panel of row n on.
func (p *Packed) panel(n int) []float32 {
	return p.data[n/p.set.width*p.format.depth(p.K)*p.set.width:]
}

// Row copies row n of B to dst [K].
func (p *Packed) Row(n int, dst []float32) {
	p.checkRange("Row", n, 0, 1, p.K)
	checkLength("Row: dst", dst, p.K)
	w := p.set.width
	j, src := n%w, p.panel(n)
	switch p.format {
	case BF16:
		p.rowBF16(src, j, dst)
		return
	case Int8:
		p.rowInt8(src, j, dst)
		return
	}
	for i := range dst {
		dst[i] = src[i*w+j]
	}
}

// CopyBlock sets the first n rows, and of them the first k columns, from those of
// src, which has the same kind of values. Beyond them, the panels that it has
// touched are undefined.
func (p *Packed) CopyBlock(src *Packed, n, k int) {
	p.checkRange("CopyBlock", 0, 0, n, k)
	src.checkRange("CopyBlock: src", 0, 0, n, k)
	if p.set != src.set || p.format != src.format {
		panic("kernel: CopyBlock: the matrices are packed in different ways")
	}
	w := p.set.width
	for r := 0; r < n; r += w {
		to, from := p.panel(r), src.panel(r)
		size := p.format.depth(k) * w
		copy(to[:size], from[:size])
	}
}

// Bytes returns the size of the packed values.
func (p *Packed) Bytes() int64 { return int64(cap(p.data)) * 4 }

func (p *Packed) checkRange(what string, n0, k0, rows, cols int) {
	if n0 < 0 || k0 < 0 || rows < 0 || cols < 0 || rows > p.N-n0 || cols > p.K-k0 {
		panic(fmt.Sprintf("kernel: %s: rows %d+%d, columns %d+%d do not lie in a packed matrix [%d, %d]", what, n0, rows, k0, cols, p.N, p.K))
	}
}

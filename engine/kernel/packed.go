package kernel

import "fmt"

// Packed is a matrix B [N, K] (N outputs, K the reduction) laid out for C = A *
// B^T: panels of a few rows of B, each panel with all its rows' values of one k
// side by side, [panel][k][row in panel]. The panel's width belongs to the
// kernel set in use when the shape was given; a Packed is always multiplied by
// that set, whatever [Use] chose since.
//
// The values are float32 or bf16, as they were asked for at first; a matrix of
// bf16 is set and read as float32 all the same.
//
// Different rows may be set from different goroutines at the same time.
type Packed struct {
	N, K int

	set   *set
	pairs bool      // bf16: a 32-bit value holds two k of a row
	data  []float32 // [panels, depth, width], rows past N are zero
}

// NewPacked returns a zero matrix [n, k].
func NewPacked(n, k int) *Packed {
	p := &Packed{}
	p.Reset(n, k)
	return p
}

// NewPackedBF16 returns a zero matrix [n, k] of bf16: half the memory of
// [NewPacked]. What is set is rounded to nearest, ties to even, and reads back
// exactly as rounded. The set that packs it decides how it is multiplied, see
// [ComputesBF16].
func NewPackedBF16(n, k int) *Packed {
	p := &Packed{pairs: true}
	p.Reset(n, k)
	return p
}

// BF16 tells whether the values are bf16.
func (p *Packed) BF16() bool { return p.pairs }

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
	d := depth(k, p.pairs)
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
		if panel := p.panel(n0 + r); p.pairs {
			p.setRowsBF16(panel, j, b[r*ldb:], ldb, part)
		} else {
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
// is made of several matrices can be packed from them one by one.
func (p *Packed) SetTransposedBlock(n0, k0 int, b []float32, ldb, rows, cols int) {
	p.checkRange("SetTransposedBlock", n0, k0, cols, rows)
	check("SetTransposedBlock: b", b, rows, cols, ldb)
	if rows == 0 {
		return
	}
	w := p.set.width
	for c := 0; c < cols; {
		j := (n0 + c) % w
		part := min(w-j, cols-c)
		panel := p.panel(n0 + c)
		switch dst := panel[min(k0*w, len(panel)):]; {
		case p.pairs:
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
	return p.data[n/p.set.width*depth(p.K, p.pairs)*p.set.width:]
}

// Row copies row n of B to dst [K].
func (p *Packed) Row(n int, dst []float32) {
	p.checkRange("Row", n, 0, 1, p.K)
	checkLength("Row: dst", dst, p.K)
	w := p.set.width
	j, src := n%w, p.panel(n)
	if p.pairs {
		p.rowBF16(src, j, dst)
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
	if p.set != src.set || p.pairs != src.pairs {
		panic("kernel: CopyBlock: the matrices are packed in different ways")
	}
	w := p.set.width
	for r := 0; r < n; r += w {
		to, from := p.panel(r), src.panel(r)
		size := depth(k, p.pairs) * w
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

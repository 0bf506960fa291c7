package kernel

import "fmt"

// Packed is a matrix B [N, K] (N outputs, K the reduction) laid out for C = A *
// B^T: panels of a few rows of B, each panel with all its rows' values of one k
// side by side, [panel][k][row in panel]. The panel's width belongs to the
// kernel set in use when the shape was given; a Packed is always multiplied by
// that set, whatever [Use] chose since.
//
// Different rows may be set from different goroutines at the same time.
type Packed struct {
	N, K int

	set  *set
	data []float32 // [panels, K, width], rows past N are zero
}

// NewPacked returns a zero matrix [n, k].
func NewPacked(n, k int) *Packed {
	p := &Packed{}
	p.Reset(n, k)
	return p
}

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
	size := panels * k * s.width
	if size > cap(p.data) {
		p.data = aligned(size)
		return
	}
	p.data = p.data[:size]
	if n%s.width != 0 {
		clear(p.data[(panels-1)*k*s.width:])
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
		n := n0 + r
		j := n % w
		part := min(w-j, rows-r)
		p.set.turn(p.data[(n-j)*p.K+j:], w, b[r*ldb:], ldb, part, p.K)
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
	w := p.set.width
	for c := 0; c < cols; {
		n := n0 + c
		j := n % w
		part := min(w-j, cols-c)
		dst := p.data[(n-j)*p.K+k0*w:]
		if part == w && rows > 0 {
			p.set.copyPanel(local(dst), local(b[c:]), ldb, rows)
		} else {
			for i := range rows {
				copy(dst[i*w+j:i*w+j+part], b[i*ldb+c:i*ldb+c+part])
			}
		}
		c += part
	}
}

// Row copies row n of B to dst [K].
func (p *Packed) Row(n int, dst []float32) {
	p.checkRange("Row", n, 0, 1, p.K)
	checkLength("Row: dst", dst, p.K)
	w := p.set.width
	j := n % w
	src := p.data[(n-j)*p.K:]
	for i := range dst {
		dst[i] = src[i*w+j]
	}
}

// Bytes returns the size of the packed values.
func (p *Packed) Bytes() int64 { return int64(cap(p.data)) * 4 }

func (p *Packed) checkRange(what string, n0, k0, rows, cols int) {
	if n0 < 0 || k0 < 0 || rows < 0 || cols < 0 || rows > p.N-n0 || cols > p.K-k0 {
		panic(fmt.Sprintf("kernel: %s: rows %d+%d, columns %d+%d do not lie in a packed matrix [%d, %d]", what, n0, rows, k0, cols, p.N, p.K))
	}
}

package kernel

// A frozen weight is packed once, for y = x * W^T, and the gradient dx = dy * W
// is computed from the same memory: turning a panel costs about as much as
// copying one, and a panel serves hundreds of rows.

// GemmPacked computes C[m, b.K] = A[m, b.N] * B on the workers, or adds it to C:
// the product by the transpose of what [Pool.GemmNT] multiplies by. C must not
// overlap A.
func (p *Pool) GemmPacked(c []float32, ldc int, a []float32, lda, m int, b *Packed, accumulate bool) {
	check("GemmPacked: c", c, m, b.K, ldc)
	check("GemmPacked: a", a, m, b.N, lda)
	if m == 0 || b.K == 0 {
		return
	}
	if b.N == 0 {
		zero(c, ldc, m, b.K, accumulate)
		return
	}
	g := product{
		set: b.set, tiles: &b.set.tiles, turned: b, c: shared(c), a: shared(a), b: shared(b.data),
		ldc: ldc, lda: lda, m: m, n: b.K, k: b.N, accumulate: accumulate,
	}
	if b.pairs && b.set.native() {
		defer g.nativeBF16().release()
	}
	p.multiply(g)
}

// turnPanel sets the panel of s to the columns [col, col+cols) of the rows [n0,
// n0+n) of B, a row of B beside the other: [n, width], or where the set
// multiplies pairs natively [ceil(n/2), width] pairs of rows. n0 and col are
// multiples of the width.
func (p *Packed) turnPanel(s *scratch, col, cols, n0, n int) {
	w := p.set.width
	for r := 0; r < n; r += w {
		rows := min(w, n-r)
		src := p.panel(n0 + r) // [K, width]
		switch {
		case !p.pairs:
			p.set.turn(s.panel[r*w:], w, src[col*w:], w, cols, rows)
		case !p.set.native():
			p.set.expandPairs(s.block[:], src[col/2*w:], depth(cols, true))
			p.set.turn(s.panel[r*w:], w, s.block[:], w, cols, rows)
		default:
			p.set.expandPairs(s.block[:], src[col/2*w:], depth(cols, true))
			p.set.turn(s.rows[:], w, s.block[:], w, cols, rows)
			if rows%2 == 1 {
				clear(s.rows[rows*w : (rows+1)*w])
			}
			p.set.joinRows(s.panel[r/2*w:], s.rows[:], (rows+1)/2)
		}
	}
}

// fetch brings near what turnPanel will read for the i-th panel's width of the
// rows from n0 on: the blocks lie far apart, and nothing else foresees them.
func (p *Packed) fetch(col, n0, i int) {
	w := p.set.width
	n := n0 + i*w
	if p.set.fetch == nil || col >= p.K || n >= p.N {
		return
	}
	cols := depth(min(w, p.K-col), p.pairs)
	p.set.fetch(local(p.panel(n)[depth(col, p.pairs)*w:]), (cols*w+15)/16)
}

// expandPairs expands pairs [pairs, width] to rows of float32 [2*pairs, width].
func (s *set) expandPairs(dst, src []float32, pairs int) {
	if s.expandPanel != nil {
		s.expandPanel(local(dst), local(src), pairs)
		return
	}
	w := s.width
	for i := range pairs {
		low, high := dst[2*i*w:(2*i+1)*w], dst[(2*i+1)*w:(2*i+2)*w]
		for j, v := range patterns(src[i*w : (i+1)*w]) {
			low[j], high[j] = expandBF16(v), expandBF16(v>>16)
		}
	}
}

// joinRows makes pairs [pairs, width] of rows [2*pairs, width] that hold values
// of bf16.
func (s *set) joinRows(dst, src []float32, pairs int) {
	w := s.width
	if s.pairPanel != nil {
		s.pairPanel(local(dst), local(src), w, pairs)
		return
	}
	for i := range pairs {
		low, high := patterns(src[2*i*w:(2*i+1)*w]), patterns(src[(2*i+1)*w:(2*i+2)*w])
		for j := range w {
			patterns(dst[i*w : (i+1)*w])[j] = low[j]>>16 | high[j]&0xffff0000
		}
	}
}

package kernel

// A frozen weight is packed once, for y = x * W^T. For the gradient dx = dy * W it
// is turned into scratch memory anew each time: that is one pass over the weight,
// little beside the product with the rows of a batch.

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
	w, native := b.set.width, b.nativePairs()
	size := blocks(b.N, native)
	panels := (b.K + w - 1) / w
	slab := size * max(1, mostTurned/(panels*w*size)) // rows of B turned at a time
	slab = min(slab, b.N)
	format := F32
	if native {
		format = BF16
	}
	turned := takePairs(panels * format.depth(slab) * w)
	defer turned.release()
	for n := 0; n < b.N; n += slab {
		rows := min(slab, b.N-n)
		p.turn(turning{b, format, turned.values, n, rows})
		g := product{
			set: b.set, tiles: &b.set.tiles, packed: true, b: shared(turned.values), ldb: w, panel: format.depth(rows) * w,
			c: shared(c), ldc: ldc, a: shared(a[n:]), lda: lda, m: m, n: b.K, k: rows, size: size, accumulate: accumulate || n > 0,
		}
		g.format = format
		p.multiplyTurned(g)
	}
}

// multiplyTurned rounds A if it has to be, and multiplies.
func (p *Pool) multiplyTurned(g product) {
	if g.format == BF16 {
		defer g.nativeBF16().release()
	}
	p.multiply(g)
}

// mostTurned bounds what is turned at a time, in elements: more than most weights
// have, and little enough to stay in the last-level cache.
const mostTurned = 2 << 20

// nativePairs tells whether products by p multiply pairs of bf16.
func (p *Packed) nativePairs() bool { return p.format == BF16 && p.set.native() }

// turning is the work of turning some rows of a matrix, from n0 on, a multiple of
// the width.
type turning struct {
	matrix   *Packed
	format   Format // of dst: BF16 where the set multiplies it, else F32
	dst      []float32
	n0, rows int
}

// turn spreads it over the workers.
func (p *Pool) turn(t turning) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turning = t
	defer func() { p.turning = turning{} }() // lets go of the operands
	w := t.matrix.set.width
	p.run(job{tasks: (t.rows + w - 1) / w, task: p.turnTask})
}

// turnRows turns the r-th panel of rows from n0 on into its place: dst is [panel]
// [rows][width], or [panel][ceil(rows/2)][width] pairs of rows where the set
// multiplies pairs natively.
func (t *turning) turnRows(r int) {
	p := t.matrix
	w := p.set.width
	first := r * w // of the slab
	rows := min(w, t.rows-first)
	src := p.panel(t.n0 + first) // [K, width]
	var s *scratch
	if p.format != F32 {
		s = takeScratch()
		defer s.release()
	}
	size := t.format.depth(t.rows) * w
	for q := range (p.K + w - 1) / w {
		cols := min(w, p.K-q*w)
		to := t.dst[q*size+t.format.depth(first)*w:]
		if p.format == F32 {
			p.set.turn(to, w, src[q*w*w:], w, cols, rows)
			continue
		}
		values, across := s.block[0][:], s.block[1][:]
		if p.format == Int8 {
			within := q * w % int8Block // whole panels make a block
			if within == 0 {
				p.set.expandBlocks(values, src[p.format.depth(q*w)*w:], min(int8Block, p.K-q*w))
			}
			values = values[within*w:]
		} else {
			p.set.expandPairs(values, src[q*w/2*w:], BF16.depth(cols))
		}
		if t.format == F32 {
			p.set.turn(to, w, values, w, cols, rows)
			continue
		}
		p.set.turn(across, w, values, w, cols, rows)
		if rows%2 == 1 {
			clear(across[rows*w : (rows+1)*w])
		}
		p.set.joinRows(to, across, (rows+1)/2)
	}
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

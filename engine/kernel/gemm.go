package kernel

import "fmt"

// maxBlock bounds a block of k: a panel of that height (20 KB in 16 columns)
// stays in the first-level cache while the rows of A pass by.
const maxBlock = 320

// fewTiles is how many tiles of rows still count as few: reading B from memory
// then takes about as long as computing with it.
const fewTiles = 6

// lastTiles is how many tiles at the end of a strip of many fetch the next one:
// early ones would drive out of the cache what the rest still need.
const lastTiles = 2

// near is how many elements ahead of their use a single tile fetches B.
const near = 512

// blockSize cuts k into about equal blocks of whole panels, of any set's. It must
// depend on k alone: it decides how the sums are associated.
func blockSize(k int) int {
	blocks := (k + maxBlock - 1) / maxBlock
	size := (k + blocks - 1) / blocks
	return min((size+maxWidth-1)/maxWidth*maxWidth, maxBlock)
}

// product is one matrix product C[m, n] (+)= A[m, k] B[k, n]. B is either
// packed, [panel][k][width], or row-major where the panels lie side by side.
//
// B may be packed bf16. Where the set multiplies that natively, A is rounded
// first: a and lda are of the pairs then, and source and lds of A as it was. B may be
// packed int8: few rows are multiplied by it as it is, many by strips expanded before.
type product struct {
	set        *set
	tiles      *[maxRows + 1]tile
	c, a, b    *float32
	ldc, lda   int
	ldb        int // elements between consecutive k of B, or pairs of k
	panel      int // elements between panels of B
	packed     bool
	format     Format // of B
	native     bool   // A is pairs of bf16, as B is
	source     *float32
	lds        int
	m, n, k    int
	size       int // of a block of k
	accumulate bool

	rowsPerTask, panelsPerTask, rowTasks, tasks int
}

// zero stands in for a product over an empty k.
func zero(c []float32, ldc, m, n int, accumulate bool) {
	if accumulate {
		return
	}
	for i := range m {
		clear(c[i*ldc : i*ldc+n])
	}
}

// GemmNT computes C[m, b.N] = A[m, b.K] * B^T on the workers, or adds it to C.
// C must not overlap A.
func (p *Pool) GemmNT(c []float32, ldc int, a []float32, lda, m int, b *Packed, accumulate bool) {
	check("GemmNT: c", c, m, b.N, ldc)
	check("GemmNT: a", a, m, b.K, lda)
	if m == 0 || b.N == 0 {
		return
	}
	if b.K == 0 {
		zero(c, ldc, m, b.N, accumulate)
		return
	}
	g := product{c: shared(c), a: shared(a), b: shared(b.data), ldc: ldc, lda: lda, m: m, n: b.N, k: b.K, accumulate: accumulate}
	if s := g.by(b); s != nil {
		defer s.release()
	}
	p.multiply(g)
}

// by completes a product by a packed matrix. It returns the room for A rounded
// to bf16, nil where A is used as it is.
func (g *product) by(b *Packed) *pairs {
	w := b.set.width
	g.set, g.tiles, g.packed, g.format = b.set, &b.set.tiles, true, b.format
	g.ldb, g.panel = w, b.format.depth(b.K)*w
	g.size = blocks(g.k, b.nativePairs())
	switch {
	case b.nativePairs():
		return g.nativeBF16()
	case b.format == BF16:
		g.tiles = &b.set.bf16
	}
	return nil
}

// nativeBF16 has the product computed on pairs of bf16. It returns the room for
// A rounded.
func (g *product) nativeBF16() *pairs {
	g.tiles, g.native = &g.set.bf16Dot, true
	g.source, g.lds = g.a, g.lda
	g.lda = BF16.depth(g.k)
	s := takePairs(g.m * g.lda)
	g.a = shared(s.values)
	return s
}

// round rounds the rows [i0, i1) of A to bf16.
func (g *product) round(i0, i1 int) {
	for i := i0; i < i1; i++ {
		g.set.roundRow(from(at(g.a, i*g.lda), g.lda), from(at(g.source, i*g.lds), g.k))
	}
}

// GemmNN computes C[m, n] = A[m, k] * B[k, n] on the workers, or adds it to C.
// B is read where it lies, with ldb elements between rows. C must not overlap
// A or B.
func (p *Pool) GemmNN(c []float32, ldc int, a []float32, lda, m int, b []float32, ldb, n, k int, accumulate bool) {
	check("GemmNN: c", c, m, n, ldc)
	check("GemmNN: a", a, m, k, lda)
	check("GemmNN: b", b, k, n, ldb)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		zero(c, ldc, m, n, accumulate)
		return
	}
	s := active.Load()
	p.multiply(product{
		set: s, tiles: &s.tiles, c: shared(c), a: shared(a), b: shared(b), ldc: ldc, lda: lda, ldb: ldb,
		panel: s.width, m: m, n: n, k: k, size: blocks(k, false), accumulate: accumulate,
	})
}

// SerialNT is [Pool.GemmNT] on the calling goroutine with the first n rows and
// the first k columns of b: C[m, n] (+)= A[m, k] * B[:n, :k]^T.
func SerialNT(c []float32, ldc int, a []float32, lda, m int, b *Packed, n, k int, accumulate bool) {
	if n < 0 || k < 0 || n > b.N || k > b.K {
		panic(fmt.Sprintf("kernel: SerialNT: [%d, %d] does not lie in a packed matrix [%d, %d]", n, k, b.N, b.K))
	}
	check("SerialNT: c", c, m, n, ldc)
	check("SerialNT: a", a, m, k, lda)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		zero(c, ldc, m, n, accumulate)
		return
	}
	g := product{c: local(c), a: local(a), b: local(b.data), ldc: ldc, lda: lda, m: m, n: n, k: k, accumulate: accumulate}
	s := g.by(b)
	if s != nil {
		g.round(0, m)
	}
	g.block(0, m, 0, g.panels())
	if s != nil {
		s.release()
	}
}

// SerialNN is [Pool.GemmNN] on the calling goroutine.
func SerialNN(c []float32, ldc int, a []float32, lda, m int, b []float32, ldb, n, k int, accumulate bool) {
	check("SerialNN: c", c, m, n, ldc)
	check("SerialNN: a", a, m, k, lda)
	check("SerialNN: b", b, k, n, ldb)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		zero(c, ldc, m, n, accumulate)
		return
	}
	s := active.Load()
	g := product{
		set: s, tiles: &s.tiles, c: local(c), a: local(a), b: local(b), ldc: ldc, lda: lda, ldb: ldb,
		panel: s.width, m: m, n: n, k: k, size: blocks(k, false), accumulate: accumulate,
	}
	g.block(0, m, 0, (n+s.width-1)/s.width)
}

// multiply spreads g over the workers.
func (p *Pool) multiply(g product) {
	g.plan(p.workers)
	if g.tasks == 1 {
		if g.native {
			g.round(0, g.m)
		}
		g.block(0, g.m, 0, g.panels())
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.product = g
	defer func() { p.product = product{} }() // lets go of the operands
	if g.native {
		p.run(job{tasks: (g.m + roundedRows - 1) / roundedRows, task: p.roundTask})
	}
	p.run(job{tasks: g.tasks, task: p.productTask})
}

// roundedRows is how many rows of A a task rounds.
const roundedRows = 16

// roundTask rounds the rows of one task.
func (g *product) roundTask(t int) {
	g.round(t*roundedRows, min((t+1)*roundedRows, g.m))
}

func (g *product) panels() int { return (g.n + g.set.width - 1) / g.set.width }

// blocks is the size of a product's blocks of k, which depends on all of k.
func blocks(k int, native bool) int {
	if native {
		return 2 * blockSize(BF16.depth(k)) // pairs
	}
	return blockSize(k)
}

// plan cuts C into tasks. The cut changes nothing in the result.
func (g *product) plan(workers int) {
	const (
		tall  = 8       // tiles of rows in a task, at most: their block of A stays in the second-level cache
		tower = 32      // the same where panels are copied: more rows pay for a copy
		wide  = 12      // panels in a task, at most: with few rows the work of a task is little enough
		least = 1 << 18 // multiplications worth a task of their own
	)
	rows, panels := g.m, g.panels()
	g.rowsPerTask, g.panelsPerTask = min(rows, tower*g.set.rows), min(panels, wide)
	if g.packed && g.format != Int8 {
		g.rowsPerTask = min(rows, tall*g.set.rows)
	}
	if workers > 1 {
		// Enough tasks that the last one to finish is not waited for long.
		enough := min(4*workers, 1+max(g.m, 8)*g.n*g.k/least) // reading B is work, however few the rows
		for g.panelsPerTask > 1 && g.count() < enough {
			g.panelsPerTask = (g.panelsPerTask + 1) / 2
		}
		if rows == 1 && g.format == Int8 {
			g.panelsPerTask += g.panelsPerTask & 1 // they are multiplied two by two
		}
		for g.rowsPerTask > g.set.rows && g.count() < enough {
			g.rowsPerTask = (g.rowsPerTask/2 + g.set.rows - 1) / g.set.rows * g.set.rows
		}
	}
	g.rowTasks = (rows + g.rowsPerTask - 1) / g.rowsPerTask
	g.tasks = g.count()
}

func (g *product) count() int {
	return ((g.m + g.rowsPerTask - 1) / g.rowsPerTask) * ((g.panels() + g.panelsPerTask - 1) / g.panelsPerTask)
}

// task computes one task of a plan. Tasks that share panels follow each other.
func (g *product) task(t int) {
	i := t % g.rowTasks * g.rowsPerTask
	q := t / g.rowTasks * g.panelsPerTask
	g.block(i, min(i+g.rowsPerTask, g.m), q, min(q+g.panelsPerTask, g.panels()))
}

// block computes the rows [i0, i1) of the panels [q0, q1).
func (g *product) block(i0, i1, q0, q1 int) {
	var s *scratch
	if q1*g.set.width > g.n || (!g.packed && i1-i0 > g.set.rows) || g.expands(i1-i0) {
		s = takeScratch()
	}
	size := g.size
	if i1-i0 <= fewTiles*g.set.rows {
		// Few rows: B is read once, in the order it lies in memory.
		for q := q0; q < q1; q++ {
			if i1-i0 == 1 && q+1 < q1 && g.two(q) {
				g.pair(i0, q)
				q++
				continue
			}
			for k0 := 0; k0 < g.k; k0 += size {
				g.strip(i0, i1, q, k0, min(size, g.k-k0), s)
			}
		}
	} else {
		for k0 := 0; k0 < g.k; k0 += size {
			for q := q0; q < q1; q++ {
				g.strip(i0, i1, q, k0, min(size, g.k-k0), s)
			}
		}
	}
	if s != nil {
		s.release()
	}
}

// strip adds k values from k0 on to the rows [i0, i1) of panel q.
func (g *product) strip(i0, i1, q, k0, k int, s *scratch) {
	w := g.set.width
	cols := min(w, g.n-q*w)
	b, ldb := at(g.b, q*g.panel+g.format.depth(k0)*g.ldb), g.ldb
	tiles := g.tiles
	if !g.packed && (cols < w || i1-i0 > g.set.rows) {
		// A panel of several rows of tiles is worth copying together; one that
		// ends beyond the matrix must be, as tiles read whole panels.
		if cols == w {
			g.set.copyPanel(shared(s.panel[:]), b, ldb, k)
		} else {
			copyEdge(s.panel[:], w, b, ldb, k, cols)
		}
		b, ldb = shared(s.panel[:]), w
	}
	switch {
	case g.expands(i1 - i0):
		g.set.expandBlocks(s.panel[:], from(b, g.format.depth(k)*w), k)
		b = shared(s.panel[:])
	case g.format == Int8:
		tiles = &g.set.int8
	}
	accumulate := 0
	if g.accumulate || k0 > 0 {
		accumulate = 1
	}
	count := (i1 - i0 + g.set.rows - 1) / g.set.rows
	plan := g.prefetch(count, k)
	for i, left := i0, count-1; i < i1; left-- {
		rows := min(g.set.rows, i1-i)
		if rest := i1 - i; rest > g.set.rows && rest < 2*g.set.rows {
			rows = (rest + 1) / 2 // two middling tiles beat a tall and a flat one
		}
		ahead, pace := plan.of(left)
		a, c := at(g.a, i*g.lda+g.place(k0)), at(g.c, i*g.ldc+q*w)
		if cols == w {
			tiles[rows](k, a, g.lda, b, ldb, ahead, pace, c, g.ldc, accumulate)
		} else {
			tiles[rows](k, a, g.lda, b, ldb, ahead, pace, shared(s.tile[:]), w, 0)
			storeEdge(c, g.ldc, s.tile[:], w, rows, cols, accumulate)
		}
		i += rows
	}
}

// fetches says what the tiles of a strip fetch while they compute: the last few of
// them share the fetching of what follows.
type fetches struct {
	tiles       int // how many take part
	ahead, part int // the first fetches from ahead on, the next a part further
	pace        int
}

// of returns what the tile fetches after which left follow.
func (f fetches) of(left int) (ahead, pace int) {
	if left >= f.tiles {
		return 0, 0
	}
	return f.ahead + (f.tiles-1-left)*f.part, f.pace
}

// prefetch plans the fetches of a strip of so many tiles with k values of a
// panel. Where rows are few, B is read from memory once, in the order of its
// panels, and all tiles share the fetching of the next; where they are many, the
// same k of the next panel follow.
func (g *product) prefetch(tiles, k int) fetches {
	if !g.packed || g.format == Int8 && tiles > 1 { // what is expanded is not fetched
		return fetches{}
	}
	w := g.set.width
	strip := g.format.depth(k) * w
	switch {
	case tiles == 1:
		return fetches{tiles: 1, ahead: near, pace: 4 * w}
	case tiles <= fewTiles:
		return fetches{tiles: tiles, ahead: strip, part: strip / tiles, pace: 4 * w / tiles}
	}
	return fetches{tiles: lastTiles, ahead: g.panel, part: strip / lastTiles, pace: 4 * w / lastTiles}
}

// place is where the k-th value of a row of A is.
func (g *product) place(k int) int {
	if g.native {
		return BF16.depth(k)
	}
	return k
}

// storeEdge copies or adds the first cols columns of a tile to C.
func storeEdge(c *float32, ldc int, t []float32, w, rows, cols, accumulate int) {
	for i := range rows {
		src, dst := t[i*w:i*w+cols], from(at(c, i*ldc), cols)
		if accumulate == 0 {
			copy(dst, src)
			continue
		}
		for j, v := range src {
			dst[j] += v
		}
	}
}

// copyEdge packs b [k, cols] into dst [k, w], zero past cols.
func copyEdge(dst []float32, w int, b *float32, ldb, k, cols int) {
	for i := range k {
		row := dst[i*w : i*w+w]
		clear(row[copy(row, from(at(b, i*ldb), cols)):])
	}
}

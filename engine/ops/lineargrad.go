package ops

import "hone/engine/kernel"

// linearGrad is the backward pass of a linear op: the gradients of its
// parameters, accumulated over micro-batches, and of its input.
type linearGrad struct {
	*linear
	dA [][]float32 // of each part with an adapter, [r, in]
	dB [][]float32 // [width, r]
	dW [][]float32 // of each part with a trained weight, [width, in]
	db [][]float32 // of each part with a trained bias, [width]; nil where there is none
}

func newLinearGrad(o *linear) *linearGrad {
	g := &linearGrad{linear: o}
	for range o.W.params {
		g.dW = append(g.dW, nil)
	}
	for i, p := range o.W.params {
		g.dW[i] = o.rt.accumulator(len(p.Data))
	}
	for i, b := range o.W.Bias {
		g.db = append(g.db, nil)
		if b != nil && len(o.W.biases) > 0 {
			g.db[i] = o.rt.accumulator(len(b))
		}
	}
	for _, p := range o.parts {
		var a, b []float32
		if p.r > 0 {
			a, b = o.rt.accumulator(p.r*o.W.In), o.rt.accumulator(p.width*p.r)
		}
		g.dA, g.dB = append(g.dA, a), append(g.dB, b)
	}
	return g
}

// picks are the gradient nodes in the order of the op's inputs.
func (g *linearGrad) picks() []*pick {
	var ps []*pick
	for i, p := range g.W.params {
		op := ""
		if len(g.W.params) == 1 {
			op = g.Name // the head's share of a tied table needs a name of its own
		}
		ps = append(ps, g.rt.gradient(op, p, g.dW[i]))
	}
	next := 0
	for _, db := range g.db {
		if db != nil {
			ps = append(ps, g.rt.gradient("", g.W.biases[next], db))
			next++
		}
	}
	for i, p := range g.parts {
		if p.r > 0 {
			ps = append(ps, g.rt.gradient("", g.LoRA[p.index].A, g.dA[i]), g.rt.gradient("", g.LoRA[p.index].B, g.dB[i]))
		}
	}
	return ps
}

// run computes dx [tokens, in] (if needed) from x [tokens, in] and
// dy [tokens, out] and adds to the parameters' gradients.
func (g *linearGrad) run(dx, x, dy []float32) {
	rt, k, n, rows := g.rt, g.W.In, g.W.Out, g.rt.tokens()
	if g.needX {
		rt.Pool.GemmPacked(dx, k, dy, n, rows, g.W.Packed(), false)
	}
	col := 0
	for i, width := range g.W.Parts {
		if g.dW != nil {
			rt.weightGrad(g.dW[i], dy[col:], n, width, x, k, rows)
		}
		if db := g.db[i]; db != nil {
			for t := range rows {
				kernel.Add(db, db, dy[t*n+col:][:width])
			}
		}
		col += width
	}
	if g.rank > 0 {
		g.factors(dx, x, dy)
	}
}

// factors adds dA and dB and the adapters' share of dx.
func (g *linearGrad) factors(dx, x, dy []float32) {
	rt, k, n, rows := g.rt, g.W.In, g.W.Out, g.rt.tokens()
	du := rt.buffer("lora.du", rt.MaxTokens*g.rank)[:rows*g.rank] // [tokens, rank]
	for _, p := range g.parts {
		if p.r > 0 {
			rt.Pool.GemmNN(du[p.inner:], g.rank, dy[p.col:], n, rows, g.LoRA[p.index].B.Data, p.r, p.r, p.width, false)
		}
	}
	g.scale(du)

	across := rt.buffer("lora.across", rt.MaxTokens*g.rank) // duᵀ, then innerᵀ [rank, tokens]
	dropped := g.dropped(x)
	rt.transpose(across, du, g.rank, rows, g.rank)
	for i, p := range g.parts {
		if p.r > 0 {
			rt.Pool.GemmNN(g.dA[i], k, across[p.inner*rows:], rows, p.r, dropped, k, k, rows, true)
		}
	}
	rt.transpose(across, g.inner, g.rank, rows, g.rank)
	for i, p := range g.parts {
		if p.r == 0 {
			continue
		}
		dBt := rt.buffer("lora.dBt", p.r*p.width) // [r, width]
		rt.Pool.GemmNN(dBt, p.width, across[p.inner*rows:], rows, p.r, dy[p.col:], n, p.width, rows, false)
		for r := range p.r {
			for j, v := range dBt[r*p.width : (r+1)*p.width] {
				g.dB[i][j*p.r+r] += v
			}
		}
	}
	if !g.needX {
		return
	}
	a := rt.buffer("lora.A", g.rank*k) // [rank, in]
	for _, p := range g.parts {
		if p.r > 0 {
			copy(a[p.inner*k:], g.LoRA[p.index].A.Data)
		}
	}
	if g.Dropout == 0 {
		rt.Pool.GemmNN(dx, k, du, g.rank, rows, a, k, k, g.rank, true)
		return
	}
	dd := rt.buffer("lora.dropped", rt.MaxTokens*k) // gradient of dropout(x); x's own is no longer needed
	rt.Pool.GemmNN(dd, k, du, g.rank, rows, a, k, k, g.rank, false)
	g.mask(dd, dd)
	rt.Pool.Rows(rows, rowGrain, func(lo, hi int) {
		kernel.Add(dx[lo*k:hi*k], dx[lo*k:hi*k], dd[lo*k:hi*k])
	})
}

// weightGrad adds dyᵀ x to dw [out, in], in blocks of rows of dw that keep the
// transposed dy small.
func (rt *Runtime) weightGrad(dw, dy []float32, ldy, out int, x []float32, in, rows int) {
	const block = 256
	across := rt.buffer("weight.across", block*rows) // dyᵀ [block, rows]
	for o := 0; o < out; o += block {
		m := min(block, out-o)
		rt.transpose(across, dy[o:], ldy, rows, m)
		rt.Pool.GemmNN(dw[o*in:], in, across, rows, m, x, in, in, rows, true)
	}
}

// transpose sets dst [cols, rows] to the transpose of src [rows, cols], whose
// rows are lds apart.
func (rt *Runtime) transpose(dst, src []float32, lds, rows, cols int) {
	const grain = 128
	rt.Pool.Rows(rows, grain, func(lo, hi int) {
		kernel.Transpose(dst[lo:], rows, src[lo*lds:], lds, hi-lo, cols)
	})
}

package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"hone/engine/kernel"
)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// Attend equals the definition in float64 at lengths around and far beyond a
// block of queries, with keys that came before the first query.
func TestAttendAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const heads, dim = 3, 16
	for _, c := range []struct{ past, count, window int }{
		{0, 1, 0},
		{0, 2, 0},
		{0, 63, 0},
		{0, 64, 0},
		{0, 65, 0},
		{0, 700, 0},
		{1, 1, 0},
		{130, 1, 0},
		{77, 70, 0},
		{0, 65, 65},
		{0, 65, 64},
		{0, 200, 1},
		{0, 300, 100},
		{130, 1, 9},
		{130, 1, 131},
		{77, 70, 30},
	} {
		n := c.past + c.count
		q := Queries{Q: random(r, c.count*50), Stride: 50, Count: c.count, Out: make([]float32, c.count*49), OutStride: 49, LSE: make([]float32, c.count*4), LSEStride: 4}
		keys, values := random(r, n*20), random(r, n*18)
		kv := KeyValues{Keys: kernel.NewPacked(n, dim), Values: values, ValueStride: 18, Length: n, Window: c.window}
		kv.Keys.SetRows(0, keys, 20, n)
		Attend(q, kv, heads, dim)
		// Packed values, with room for more, give the same bits; and so does a
		// single query without the log-sum-exp, whose heads go together.
		packed := KeyValues{Keys: kernel.NewPacked(n+7, dim), Across: kernel.NewPacked(dim, n+7), Length: n, Window: c.window}
		packed.Keys.SetRows(0, keys, 20, n)
		packed.Across.SetTransposedBlock(0, 0, values, 18, n, dim)
		again := q
		again.Out, again.LSE = make([]float32, len(q.Out)), nil
		Attend(again, packed, heads, dim)
		for i := range c.count {
			for j := range heads * dim {
				if got, want := again.Out[i*49+j], q.Out[i*49+j]; got != want {
					t.Fatalf("%+v: with packed values query %d, element %d is %g, not %g", c, i, j, got, want)
				}
			}
		}
		for i := range c.count {
			for h := range heads {
				scores, sum := make([]float64, c.past+i+1), 0.0
				for j := range scores {
					if c.window > 0 && j <= c.past+i-c.window {
						continue
					}
					dot := 0.0
					for d := range dim {
						dot += float64(q.Q[i*50+h*dim+d]) * float64(keys[j*20+d])
					}
					scores[j] = math.Exp(dot / math.Sqrt(dim))
					sum += scores[j]
				}
				if got := float64(q.LSE[i*4+h]); math.Abs(got-math.Log(sum)) > 1e-5 {
					t.Fatalf("%+v: log-sum-exp of query %d is %g, want %g", c, i, got, math.Log(sum))
				}
				for d := range dim {
					want := 0.0
					for j, s := range scores {
						want += s / sum * float64(values[j*18+d])
					}
					if got := float64(q.Out[i*49+h*dim+d]); math.Abs(got-want) > 1e-5 {
						t.Fatalf("%+v: query %d, head %d, element %d is %g, want %g", c, i, h, d, got, want)
					}
				}
			}
		}
	}
}

// Back undoes Turn, and the score of a rotated pair depends on the distance of
// their positions only.
func TestRope(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	frequencies := make([]float32, 8)
	for i := range frequencies {
		frequencies[i] = float32(math.Pow(10000, -float64(i)/8))
	}
	rope := NewRope(64, frequencies)
	dot := func(a, b []float32) (s float64) {
		for i := range a {
			s += float64(a[i]) * float64(b[i])
		}
		return s
	}
	q, k := random(r, 16), random(r, 16)
	at := func(x []float32, pos int) []float32 {
		y := append([]float32(nil), x...)
		rope.Turn(y, pos)
		return y
	}
	near, far := dot(at(q, 12), at(k, 5)), dot(at(q, 57), at(k, 50))
	if math.Abs(near-far) > 1e-4 {
		t.Errorf("scores at the same distance are %g and %g", near, far)
	}
	if other := dot(at(q, 12), at(k, 6)); math.Abs(near-other) < 1e-3 {
		t.Error("the score does not depend on the distance")
	}
	back := at(q, 33)
	rope.Back(back, 33)
	for i := range q {
		if math.Abs(float64(back[i]-q[i])) > 1e-5 {
			t.Fatalf("element %d is %g after turning there and back, was %g", i, back[i], q[i])
		}
	}
}

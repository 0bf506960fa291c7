package optim

import (
	"errors"
	"math"
	"slices"
	"testing"

	"hone/engine/kernel"
	"hone/engine/rng"
)

// matrix64 is a row-major matrix for the plain computation.
type matrix64 struct {
	rows, cols int
	v          []float64
}

func (a matrix64) times(b matrix64) matrix64 {
	c := matrix64{a.rows, b.cols, make([]float64, a.rows*b.cols)}
	for i := range a.rows {
		for k := range a.cols {
			for j := range b.cols {
				c.v[i*b.cols+j] += a.v[i*a.cols+k] * b.v[k*b.cols+j]
			}
		}
	}
	return c
}

func (a matrix64) transposed() matrix64 {
	t := matrix64{a.cols, a.rows, make([]float64, len(a.v))}
	for i := range a.rows {
		for j := range a.cols {
			t.v[j*a.rows+i] = a.v[i*a.cols+j]
		}
	}
	return t
}

func (a matrix64) plus(x float64, b matrix64, y float64) matrix64 {
	c := matrix64{a.rows, a.cols, make([]float64, len(a.v))}
	for i := range c.v {
		c.v[i] = x*a.v[i] + y*b.v[i]
	}
	return c
}

// orthogonal64 is the iteration of torch.optim.Muon.
func orthogonal64(g matrix64) matrix64 {
	if g.rows > g.cols {
		return orthogonal64(g.transposed()).transposed()
	}
	norm := 0.0
	for _, v := range g.v {
		norm += v * v
	}
	x := g.plus(1/(math.Sqrt(norm)+1e-7), g, 0)
	for range 5 {
		gram := x.times(x.transposed())
		x = x.plus(3.4445, gram.plus(-4.7750, gram.times(gram), 2.0315).times(x), 1)
	}
	return x
}

func TestMuon(t *testing.T) {
	for _, shape := range [][2]int{{3, 3}, {16, 40}, {70, 24}, {1, 5}, {5, 1}} {
		var first []float32
		for _, workers := range []int{1, 3} {
			pool := kernel.NewPool(workers)
			rows, cols := shape[0], shape[1]
			random := rng.New(7, "muon")
			tensors := []Tensor{
				{Name: "norm", Data: []float32{1, 1}, Grad: []float32{1, -1}},
				{Name: "w", Data: make([]float32, rows*cols), Grad: make([]float32, rows*cols), Decay: true, Rows: rows},
			}
			for i := range tensors[1].Data {
				tensors[1].Data[i] = float32(random.Float64(uint64(i)) - 0.5)
			}
			want := matrix64{rows, cols, make([]float64, rows*cols)}
			for i, v := range tensors[1].Data {
				want.v[i] = float64(v)
			}
			o := NewMuon(tensors, 0.1, 0.95)
			adam := NewAdamW([]Tensor{tensors[0]}, 0.1, 0.95)
			alone := []Tensor{{Name: "norm", Data: []float32{1, 1}, Grad: tensors[0].Grad}}
			m := matrix64{rows, cols, make([]float64, rows*cols)}
			for step := range 3 {
				g := matrix64{rows, cols, make([]float64, rows*cols)}
				for i := range g.v {
					tensors[1].Grad[i] = float32(random.Float64(uint64(1000*step+5000+i)) - 0.5)
					g.v[i] = 0.5 * float64(tensors[1].Grad[i])
				}
				changes, err := o.Update(pool, tensors, 0.1, 0.5, math.Inf(1))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := adam.Update(pool, alone, 0.1, 0.5, math.Inf(1)); err != nil {
					t.Fatal(err)
				}
				m = m.plus(0.95, g, 0.05)
				before := want
				want = want.plus(1-0.1*0.1, orthogonal64(g.plus(0.05, m, 0.95)), -0.1*0.2*math.Sqrt(float64(max(rows, cols))))
				moved := 0.0
				for i, v := range want.v {
					if math.Abs(float64(tensors[1].Data[i])-v) > 1e-4 {
						t.Fatalf("%v, step %d: value %d is %v, want %v", shape, step, i, tensors[1].Data[i], v)
					}
					moved += (v - before.v[i]) * (v - before.v[i])
				}
				if c := changes[1]; math.Abs(c.Update-math.Sqrt(moved)) > 1e-3 || c.Values != rows*cols {
					t.Errorf("%v: the change is %+v, want a norm of %v", shape, c, math.Sqrt(moved))
				}
			}
			if !slices.Equal(alone[0].Data, tensors[0].Data) {
				t.Errorf("what is no matrix became %v, by AdamW %v", tensors[0].Data, alone[0].Data)
			}
			if first == nil {
				first = tensors[1].Data
			} else if !slices.Equal(first, tensors[1].Data) {
				t.Errorf("%v: the bits depend on the number of workers", shape)
			}
			pool.Close()
		}
	}
}

// An update that is not finite changes neither the matrix, nor its momentum, nor
// what AdamW has.
func TestMuonRefuses(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for name, spoil := range map[string]func(tensors []Tensor, o *Muon){
		"weight":   func(tensors []Tensor, _ *Muon) { tensors[1].Data[2] = float32(math.Inf(1)) },
		"momentum": func(_ []Tensor, o *Muon) { o.momentum[0][1] = float32(math.NaN()) },
		"gradient": func(tensors []Tensor, _ *Muon) { tensors[1].Grad[0] = float32(math.NaN()) },
		"AdamW's":  func(tensors []Tensor, _ *Muon) { tensors[0].Grad[0] = float32(math.Inf(1)) },
	} {
		tensors := []Tensor{
			{Name: "norm", Data: []float32{1, 1}, Grad: []float32{1, -1}},
			{Name: "w", Data: []float32{1, 2, 3, 4}, Grad: []float32{1, 2, 1, 0}, Decay: true, Rows: 2},
		}
		o := NewMuon(tensors, 0.1, 0.95)
		spoil(tensors, o)
		var before [][]float32
		for _, x := range [][]float32{tensors[0].Data, tensors[1].Data, o.momentum[0], o.rest.M[0], o.rest.V[0]} {
			before = append(before, slices.Clone(x))
		}
		_, err := o.Update(pool, tensors, 0.1, 1, math.Inf(1))
		var bad *UpdateError
		if !errors.As(err, &bad) {
			t.Errorf("%s: the update gave %v", name, err)
			continue
		}
		for i, x := range [][]float32{tensors[0].Data, tensors[1].Data, o.momentum[0], o.rest.M[0], o.rest.V[0]} {
			for j := range x {
				if math.Float32bits(x[j]) != math.Float32bits(before[i][j]) {
					t.Errorf("%s: a refused update has changed values", name)
				}
			}
		}
		if o.Steps() != 0 {
			t.Errorf("%s: a refused update counts", name)
		}
	}
}

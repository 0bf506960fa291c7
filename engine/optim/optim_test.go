package optim

import (
	"errors"
	"math"
	"slices"
	"testing"

	"hone/engine/kernel"
)

func TestScheduleCosine(t *testing.T) {
	s := Schedule{LR: 1e-3, Kind: "cosine", Warmup: 0.1, Steps: 25} // W = ceil(2.5) = 3
	for step, want := range map[int]float64{
		0: 1e-3 / 3, 1: 2e-3 / 3, 2: 1e-3, 3: 1e-3,
		14: 1e-3 / 2 * (1 + math.Cos(math.Pi*11/22)), 24: 1e-3 / 2 * (1 + math.Cos(math.Pi*21/22)), 25: 0,
	} {
		if got := s.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %g, want %g", step, got, want)
		}
	}
}

func TestScheduleOthers(t *testing.T) {
	linear := Schedule{LR: 1, Kind: "linear", Steps: 10}
	constant := Schedule{LR: 1, Kind: "constant", Warmup: 0.2, Steps: 10}
	if linear.At(0) != 1 || linear.At(5) != 0.5 || linear.At(10) != 0 {
		t.Error("linear:", linear.At(0), linear.At(5), linear.At(10))
	}
	if constant.At(0) != 0.5 || constant.At(1) != 1 || constant.At(9) != 1 {
		t.Error("constant:", constant.At(0), constant.At(1), constant.At(9))
	}
	if (Schedule{Kind: "polynomial"}).Validate() == nil {
		t.Error("an unknown schedule is accepted")
	}
}

// Warm-up, stable, decay is what transformers' get_wsd_schedule gives with as many
// warm-up, stable and decay steps, but that its warm-up begins at zero and ours a
// step later.
func TestScheduleWSD(t *testing.T) {
	shapes := map[string]func(progress float64) float64{
		"linear": func(p float64) float64 { return 1 - p },
		"cosine": func(p float64) float64 { return 0.5 * (1 + math.Cos(math.Pi*0.5*2*p)) },
		"1-sqrt": func(p float64) float64 { return 1 - math.Sqrt(p) },
	}
	for shape, fall := range shapes {
		s := Schedule{LR: 2e-3, Kind: "wsd", Warmup: 0.1, Decay: 0.25, Shape: shape, Steps: 30} // 3, 19, ceil(7.5) = 8
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		for step := range 31 {
			want := 1.0
			switch {
			case step < 3:
				want = float64(step+1) / 3
			case step >= 22:
				want = fall(float64(step-22) / 8)
			}
			if got := s.At(step); math.Abs(got-2e-3*want) > 1e-15 {
				t.Errorf("%s, step %d: %g, want %g", shape, step, got, 2e-3*want)
			}
		}
	}
	if flat := (Schedule{LR: 1, Kind: "wsd", Shape: "linear", Steps: 4}); flat.At(3) != 1 {
		t.Error("without a decay the last rate is", flat.At(3))
	}
	if all := (Schedule{LR: 1, Kind: "wsd", Warmup: 0.5, Decay: 1, Shape: "linear", Steps: 4}); all.At(1) != 1 || all.At(2) != 1 || all.At(3) != 0.5 || all.At(4) != 0 {
		t.Error("a decay that meets the warm-up:", all.At(2), all.At(3), all.At(4))
	}
	if (Schedule{Kind: "wsd", Shape: "sudden"}).Validate() == nil {
		t.Error("an unknown shape is accepted")
	}
}

// Three steps of AdamW against a float64 evaluation of PyTorch's formulas; whole
// trajectories against PyTorch itself are in package engine.
func TestAdamW(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	tensors := []Tensor{{Name: "w", Data: []float32{1, -2, 0.5}, Decay: true}}
	o := NewAdamW(tensors, 0.1, DefaultBeta2)
	want, m, v := []float64{1, -2, 0.5}, make([]float64, 3), make([]float64, 3)
	for i, g := range [][]float32{{1, 0.5, -2}, {0.5, 0, 1}, {-1, 1e-3, 1e-9}} {
		tensors[0].Grad = g
		if _, err := o.Update(pool, tensors, 0.1, 0.5, math.Inf(1)); err != nil {
			t.Fatal(err)
		}
		for j := range want {
			x := float64(g[j]) * 0.5
			want[j] *= 1 - 0.1*0.1
			m[j] = 0.9*m[j] + 0.1*x
			v[j] = 0.999*v[j] + 0.001*x*x
			step := float64(i + 1)
			want[j] -= 0.1 / (1 - math.Pow(0.9, step)) * m[j] / (math.Sqrt(v[j])/math.Sqrt(1-math.Pow(0.999, step)) + 1e-8)
			if math.Abs(float64(tensors[0].Data[j])-want[j]) > 1e-6 {
				t.Errorf("step %d: %g, want %g", i+1, tensors[0].Data[j], want[j])
			}
		}
	}
}

// A tensor with a rate of its own moves and decays as by an optimizer of that
// learning rate, which is what PEFT's create_loraplus_optimizer makes of B: a
// parameter group of lr*ratio. The others stay as they are, to the bit.
func TestRateOfATensor(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const lr, ratio = 1e-3, 16
	for _, rows := range []int{0, 2} { // AdamW, Muon
		make := func(rate float64) []Tensor {
			return []Tensor{
				{Name: "A", Data: []float32{1, -2, 0.5, 3}, Decay: true, Rows: rows},
				{Name: "B", Data: []float32{0.5, 1, -1, 0.25}, Decay: true, Rows: rows, Rate: rate},
			}
		}
		run := func(tensors []Tensor, lr float64) {
			t.Helper()
			name := map[int]string{0: NameAdamW, 2: NameMuon}[rows]
			o := New(name, tensors, 0.1, DefaultBeta2)
			for step := range 5 {
				for i := range tensors {
					tensors[i].Grad = []float32{1, 0.5, float32(step) - 2, -1}
				}
				if _, err := o.Update(pool, tensors, lr, 0.5, 10); err != nil {
					t.Fatal(err)
				}
			}
		}
		both, slow, fast := make(ratio), make(0), make(1)
		run(both, lr)
		run(slow, lr)
		run(fast, lr*ratio)
		if !slices.Equal(both[0].Data, slow[0].Data) || !slices.Equal(both[1].Data, fast[1].Data) {
			t.Errorf("rows %d: A %v, want %v; B %v, want %v", rows, both[0].Data, slow[0].Data, both[1].Data, fast[1].Data)
		}
		if slices.Equal(both[1].Data, slow[1].Data) {
			t.Errorf("rows %d: the rate changes nothing", rows)
		}
	}
}

// An update of a fast tensor that would overflow is refused: the bound is that of
// the largest rate.
func TestRateIsInTheBound(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	tensors := []Tensor{{Name: "A", Data: []float32{1}}, {Name: "B", Data: []float32{1}, Rate: 1e12}}
	o := NewAdamW(tensors, 0, DefaultBeta2)
	for _, lr := range []float64{1, 5e27} { // with which A alone would be within the bound
		tensors[0].Grad, tensors[1].Grad = []float32{0}, []float32{1}
		_, err := o.Update(pool, tensors, lr, 1, 1)
		var bad *UpdateError
		if refused := errors.As(err, &bad); refused != (lr > 1) || refused && bad.Tensor != "B" {
			t.Errorf("rate %g: %v", lr, err)
		}
	}
	if !finite(tensors[1].Data[0]) {
		t.Error("B became", tensors[1].Data[0])
	}
}

// A tensor without decay keeps its values where there is no gradient, one of many
// parts is updated to its end, and the number of workers changes no bit.
func TestAdamWParts(t *testing.T) {
	var first []float32
	for _, workers := range []int{1, 3} {
		pool := kernel.NewPool(workers)
		still, large := Tensor{Name: "norm", Data: []float32{1, 2}, Grad: make([]float32, 2)}, Tensor{Name: "w", Data: make([]float32, 150_001), Decay: true}
		large.Grad = make([]float32, len(large.Data))
		for i := range large.Data {
			large.Data[i], large.Grad[i] = 1, float32(i%7)-3
		}
		tensors := []Tensor{still, large}
		changes, err := NewAdamW(tensors, 0.5, DefaultBeta2).Update(pool, tensors, 0.1, 1, math.Inf(1))
		if err != nil {
			t.Fatal(err)
		}
		pool.Close()
		if c := changes[0]; c.Values != 0 || c.Update != 0 || math.Abs(c.Weight-math.Sqrt(5)) > 1e-6 {
			t.Errorf("the still tensor's change is %+v", c)
		}
		if c := changes[1]; c.Values != 150_001 || math.Abs(c.Weight-math.Sqrt(150_001)) > 1e-3 || c.Update < 10 || c.Update > 100 {
			t.Errorf("the large tensor's change is %+v", c)
		}
		if still.Data[0] != 1 || still.Data[1] != 2 {
			t.Errorf("a tensor without decay or gradient became %v", still.Data)
		}
		for i, v := range large.Data {
			if want := [7]float32{1.05, 1.05, 1.05, 0.95, 0.85, 0.85, 0.85}[i%7]; math.Abs(float64(v-want)) > 1e-6 {
				t.Fatalf("value %d is %g, want %g", i, v, want)
			}
		}
		if first == nil {
			first = large.Data
		} else if !slices.Equal(first, large.Data) {
			t.Error("the bits depend on the number of workers")
		}
	}
}

func TestNormsAndClip(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	each, global := Norms(pool, []Tensor{{Grad: []float32{3, 4}}, {Grad: []float32{12}}})
	if each[0] != 5 || each[1] != 12 || global != 13 {
		t.Error(each, global)
	}
	if f := ClipFactor(13, 1); math.Abs(f-1/13.000001) > 1e-12 {
		t.Error(f)
	}
	if ClipFactor(0.5, 1) != 1 || ClipFactor(1e9, 0) != 1 {
		t.Error("a small norm, or no limit, is clipped")
	}
	if _, global := Norms(pool, []Tensor{{Grad: []float32{float32(math.NaN())}}, {Grad: []float32{1}}}); !math.IsNaN(global) {
		t.Error("a NaN gradient has norm", global)
	}
}

// An update that would overflow, or meets a moment that is not finite, is refused
// before anything changes, whether or not the gradients' norm is known.
func TestUpdateIsRefusedWhole(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for name, c := range map[string]struct {
		lr, norm float64
		plant    func(*AdamW, []Tensor)
		what     string
	}{
		"gradient overflows": {1e-3, 1e25, func(_ *AdamW, x []Tensor) { x[1].Grad[70_000] = 1e25 }, SecondMoment},
		"norm not known":     {1e-3, math.Inf(1), func(_ *AdamW, x []Tensor) { x[1].Grad[70_000] = 1e25 }, SecondMoment},
		"moment is NaN":      {1e-3, 1, func(o *AdamW, _ []Tensor) { o.M[1][70_000] = float32(math.NaN()); o.Resume(o.Step) }, FirstMoment},
		"moment is Inf":      {1e-3, 1, func(o *AdamW, _ []Tensor) { o.V[1][70_000] = float32(math.Inf(1)); o.Resume(o.Step) }, SecondMoment},
		"weight overflows":   {1e39, 1, func(_ *AdamW, x []Tensor) { x[1].Grad[70_000] = 1 }, Weight},
	} {
		tensors := []Tensor{{Name: "a", Data: []float32{1, 2}, Grad: make([]float32, 2)}, {Name: "b", Data: make([]float32, 100_000), Grad: make([]float32, 100_000)}}
		o := NewAdamW(tensors, 0, DefaultBeta2)
		tensors[0].Grad[0] = 0.5
		if _, err := o.Update(pool, tensors, 1e-3, 1, 0.5); err != nil { // from here on the limits are known
			t.Fatal(err)
		}
		if c.what == Weight {
			clear(tensors[0].Grad)
		}
		c.plant(o, tensors)
		before, m, v := slices.Clone(tensors[0].Data), slices.Clone(o.M[0]), slices.Clone(o.V[0])
		_, err := o.Update(pool, tensors, c.lr, 1, c.norm)
		var bad *UpdateError
		if !errors.As(err, &bad) || bad.What != c.what || c.what != Weight && (bad.Tensor != "b" || bad.Index != 70_000) {
			t.Errorf("%s: %v", name, err)
		}
		if o.Step != 1 || !slices.Equal(before, tensors[0].Data) || !slices.Equal(m, o.M[0]) || !slices.Equal(v, o.V[0]) {
			t.Errorf("%s: something was changed", name)
		}
	}
}

// The limits hold what the values come to, over steps of any size.
func TestLimitsAreBounds(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	tensors := []Tensor{{Name: "w", Data: []float32{1, -3, 0}, Grad: make([]float32, 3), Decay: true}}
	o := NewAdamW(tensors, 0.1, DefaultBeta2)
	for step := range 50 {
		g := tensors[0].Grad
		for j := range g {
			g[j] = float32(math.Sin(float64(step*3+j)) * math.Pow(10, float64(step%13-6)))
		}
		_, norm := Norms(pool, tensors)
		if _, err := o.Update(pool, tensors, 0.5, ClipFactor(norm, 10), norm); err != nil {
			t.Fatal(err)
		}
		for j := range g {
			l := o.limits
			if !l.known || math.Abs(float64(tensors[0].Data[j])) > l.weight || math.Abs(float64(o.M[0][j])) > l.first || float64(o.V[0][j]) > l.second {
				t.Fatalf("step %d: %v, moments %v and %v are beyond %+v", step, tensors[0].Data[j], o.M[0][j], o.V[0][j], l)
			}
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	const n = 1 << 20
	tensors := []Tensor{{Name: "w", Data: make([]float32, n), Grad: make([]float32, n), Decay: true}}
	for i := range n {
		tensors[0].Data[i], tensors[0].Grad[i] = float32(i%13)*0.1, float32(i%7)*1e-3
	}
	o := NewAdamW(tensors, 0.01, DefaultBeta2)
	b.SetBytes(4 * n)
	for b.Loop() {
		if _, err := o.Update(pool, tensors, 1e-5, 1, 10); err != nil {
			b.Fatal(err)
		}
	}
}

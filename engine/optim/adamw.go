package optim

import (
	"math"

	"hone/engine/kernel"
)

// Tensor is a parameter as the optimizer sees it.
type Tensor struct {
	Name  string
	Data  []float32
	Grad  []float32 // gradient of the step, before clipping
	Decay bool      // whether weight decay applies to it
	Rows  int       // of a matrix inside the model, which Muon updates; 0 = AdamW has it
	Rate  float64   // its learning rate as a multiple of the step's; 0 = 1
}

// rate is the tensor's learning rate at a step of rate lr.
func (t Tensor) rate(lr float64) float64 {
	if t.Rate == 0 {
		return lr
	}
	return lr * t.Rate
}

// AdamW is Adam with decoupled weight decay (Loshchilov, Hutter 2019) in
// PyTorch's formulation: decay before the update, bias correction, eps after
// the root.
type AdamW struct {
	Beta1, Beta2, Eps float64
	WeightDecay       float64
	Step              int         // updates done
	M, V              [][]float32 // moments of each tensor

	limits limits
}

// DefaultBeta2 is PyTorch's.
const DefaultBeta2 = 0.999

// NewAdamW returns the optimizer of tensors, with PyTorch's defaults for what is
// not given (beta1 0.9, eps 1e-8).
func NewAdamW(tensors []Tensor, weightDecay, beta2 float64) *AdamW {
	o := &AdamW{Beta1: 0.9, Beta2: beta2, Eps: 1e-8, WeightDecay: weightDecay}
	for _, t := range tensors {
		o.M = append(o.M, make([]float32, len(t.Data)))
		o.V = append(o.V, make([]float32, len(t.Data)))
	}
	return o
}

// coefficients are the scalars of one update in the precision in which it is
// computed.
type coefficients struct {
	b2, rest1, rest2, stepSize, rootCorrection, eps, factor, decay float32
}

func (o *AdamW) coefficients(lr, factor float64) coefficients {
	step := float64(o.Step + 1)
	return coefficients{
		// 1-beta is rounded after the subtraction, as in PyTorch: 1-float32(0.999) is
		// off by 1e-5.
		b2: float32(o.Beta2), rest1: float32(1 - o.Beta1), rest2: float32(1 - o.Beta2),
		stepSize:       float32(lr / (1 - math.Pow(o.Beta1, step))),
		rootCorrection: float32(math.Sqrt(1 - math.Pow(o.Beta2, step))),
		eps:            float32(o.Eps), factor: float32(factor), decay: float32(1 - lr*o.WeightDecay),
	}
}

// next returns the moments and the value that follow from a gradient.
func (c coefficients) next(g, m, v, w, decay float32) (float32, float32, float32) {
	g *= c.factor
	m += c.rest1 * (g - m)
	v = c.b2*v + c.rest2*g*g
	root := float32(math.Sqrt(float64(v)))/c.rootCorrection + c.eps
	return m, v, w*decay - c.stepSize*m/root
}

// Change is what an update did to one tensor.
type Change struct {
	Update float64 // L2 norm of the difference
	Weight float64 // L2 norm of the tensor before
	Values int     // values that are others than before
}

// Ratio is the update relative to the weights it changed; false where these were
// all zero, as LoRA's B is at the first step.
func (c Change) Ratio() (float64, bool) { return c.Update / c.Weight, c.Weight != 0 }

// changeBlock is how many values are updated between two looks at what changed:
// few enough to be in the cache still.
const changeBlock = 1024

// Steps implements [Optimizer].
func (o *AdamW) Steps() int { return o.Step }

// Resume implements [Optimizer]. The next update looks at every value.
func (o *AdamW) Resume(steps int) { o.Step, o.limits = steps, limits{} }

// Moments implements [Optimizer].
func (o *AdamW) Moments() []Moment {
	var out []Moment
	for i := range o.M {
		out = append(out, Moment{FirstMoment, i, o.M[i]}, Moment{SecondMoment, i, o.V[i]})
	}
	return out
}

// Update implements [Optimizer].
func (o *AdamW) Update(pool *kernel.Pool, tensors []Tensor, lr, factor, norm float64) ([]Change, error) {
	each := make([]coefficients, len(tensors))
	for i, t := range tensors {
		each[i] = o.coefficients(t.rate(lr), factor)
	}
	parts := split(tensors)
	if err := o.admit(pool, tensors, parts, each, norm*factor); err != nil {
		return nil, err
	}
	o.Step++
	done := make([]Change, len(parts)) // sums of squares
	pool.Run(len(parts), func(task int) {
		p, sum := parts[task], Change{}
		c := each[p.tensor]
		decay := c.decayOf(tensors[p.tensor])
		var delta [changeBlock]float32
		for lo := p.lo; lo < p.hi; lo += changeBlock {
			hi := min(lo+changeBlock, p.hi)
			w, m, v := tensors[p.tensor].Data[lo:hi], o.M[p.tensor][lo:hi], o.V[p.tensor][lo:hi]
			sum.Weight += kernel.SumSquares(w)
			sum.Values += c.update(tensors[p.tensor].Grad[lo:hi], w, m, v, delta[:hi-lo], decay)
			sum.Update += kernel.SumSquares(delta[:hi-lo])
		}
		done[task] = sum
	})
	changes := make([]Change, len(tensors))
	for i, p := range parts {
		t := &changes[p.tensor]
		t.Update, t.Weight, t.Values = t.Update+done[i].Update, t.Weight+done[i].Weight, t.Values+done[i].Values
	}
	for i := range changes {
		changes[i].Update, changes[i].Weight = math.Sqrt(changes[i].Update), math.Sqrt(changes[i].Weight)
	}
	return changes, nil
}

// update applies next to slices of one length, sets delta to what it added to w,
// and counts the values that became others.
func (c coefficients) update(g, w, m, v, delta []float32, decay float32) (changed int) {
	n := len(g)
	w, m, v, delta = w[:n], m[:n], v[:n], delta[:n]
	b2, rest1, rest2, factor := c.b2, c.rest1, c.rest2, c.factor // in registers
	stepSize, correction, eps := c.stepSize, c.rootCorrection, c.eps
	for j := range n {
		old, x := w[j], g[j]*factor
		first := m[j] + rest1*(x-m[j])
		second := b2*v[j] + rest2*x*x
		now := old*decay - stepSize*first/(float32(math.Sqrt(float64(second)))/correction+eps)
		m[j], v[j], w[j], delta[j] = first, second, now, now-old
		if now != old {
			changed++
		}
	}
	return changed
}

func (c coefficients) decayOf(t Tensor) float32 {
	if t.Decay {
		return c.decay
	}
	return 1
}

// part is a range of a tensor's values.
type part struct{ tensor, lo, hi int }

// split cuts tensors into parts of a size that workers can share evenly: an
// embedding is as large as several layers.
func split(tensors []Tensor) []part {
	const most = 1 << 16
	var parts []part
	for i, t := range tensors {
		for lo := 0; lo < len(t.Data); lo += most {
			parts = append(parts, part{i, lo, min(lo+most, len(t.Data))})
		}
	}
	return parts
}

// Norms are the L2 norms of each tensor's gradient, and of all together.
func Norms(pool *kernel.Pool, tensors []Tensor) (each []float64, global float64) {
	each = make([]float64, len(tensors))
	pool.Run(len(tensors), func(i int) { each[i] = math.Sqrt(kernel.SumSquares(tensors[i].Grad)) })
	sum := 0.0
	for _, n := range each {
		sum += n * n
	}
	return each, math.Sqrt(sum)
}

// ClipFactor is what gradients of this global norm are multiplied by:
// min(1, clip/(norm+1e-6)); 1 if clip is 0, which means no clipping.
func ClipFactor(norm, clip float64) float64 {
	if clip <= 0 {
		return 1
	}
	return min(1, clip/(norm+1e-6))
}

package weights

import "math"

// ggufRopeFactors is the tensor by which llama.cpp divides the frequencies of the
// rotary embedding, [HeadDim/2]: rope scaling llama3 is written as it.
const ggufRopeFactors = "rope_freqs.weight"

// ropeFactors is what the frequencies are divided by, [HeadDim/2].
func (c Config) ropeFactors() []float32 {
	factors := make([]float32, c.HeadDim/2)
	for i := range factors {
		f := c.frequency(i)
		factors[i] = float32(f / c.RopeScaling.scale(f))
	}
	return factors
}

// llama3Of finds the rope scaling llama3 that gives these factors. Its low_freq_factor is
// 1, as in all models: the others count in relation to it. Factors of another law are
// refused.
func (c Config) llama3Of(factors []float32) (RopeScaling, error) {
	largest := 1.0
	for i, f := range factors {
		if !(f >= 1) || math.IsInf(float64(f), 0) {
			return RopeScaling{}, corrupt("%s[%d] is %v", ggufRopeFactors, i, f)
		}
		largest = max(largest, float64(f))
	}
	if largest == 1 {
		return RopeScaling{}, nil
	}
	// Between the two bounds the share that is kept of a frequency grows with it, in a
	// line: kept = (original f/2pi - 1) / (high - 1).
	type point struct{ turns, kept float64 } // turns over one position
	var between []point
	for i, f := range factors {
		kept := (1/float64(f) - 1/largest) / (1 - 1/largest)
		if kept > 1e-4 && kept < 1-1e-4 {
			between = append(between, point{c.frequency(i) / (2 * math.Pi), kept})
		}
	}
	candidates := []RopeScaling{{Original: 8192, HighFreq: 4}} // all Llama 3
	if n := len(between); n > 0 {
		first, last := between[0], between[n-1]
		candidates = append(candidates, RopeScaling{Original: int(math.Round((1 + 3*first.kept) / first.turns)), HighFreq: 4})
		if slope := (first.kept - last.kept) / (first.turns - last.turns); n > 1 && slope > 0 {
			high := 1 - 1/(first.kept-slope*first.turns)
			high = math.Round(high*1000) / 1000
			candidates = append(candidates, RopeScaling{Original: int(math.Round(slope * (high - 1))), HighFreq: high})
		}
	}
	for _, s := range candidates {
		s.Kind, s.Factor, s.LowFreq = ScaleLlama3, largest, 1
		if s.validate() == nil && c.givesFactors(s, factors) {
			return s, nil
		}
	}
	return RopeScaling{}, unsupported("tensor %s with factors that are not those of rope scaling llama3 (what works: the same model's safetensors)", ggufRopeFactors)
}

// givesFactors reports whether a scaling has these factors, up to float32's rounding of
// whoever computed them.
func (c Config) givesFactors(s RopeScaling, factors []float32) bool {
	c.RopeScaling = s
	for i, f := range c.ropeFactors() {
		if math.Abs(float64(f)-float64(factors[i])) > 1e-4*float64(f) {
			return false
		}
	}
	return true
}

// ropeScaling sets c.RopeScaling from the metadata, or from the factors.
func (g *gguf) ropeScaling(c *Config) error {
	kind, err := g.text(g.key("rope.scaling.type"), ScaleLinear) // where only a factor is said
	if err != nil {
		return err
	}
	factor, err := g.number(g.key("rope.scale_linear"), 1) // of old files
	if err != nil {
		return err
	}
	if factor, err = g.number(g.key("rope.scaling.factor"), factor); err != nil {
		return err
	}
	switch {
	case kind == "none" || kind == ScaleLinear && (factor == 0 || factor == 1):
	case kind == ScaleLinear:
		c.RopeScaling = RopeScaling{Kind: ScaleLinear, Factor: factor}
	default:
		return unsupported("%s is %s (%s)", g.key("rope.scaling.type"), clip(kind), works)
	}
	factors, err := g.factors(*c)
	if err != nil || factors == nil {
		return err
	}
	if c.RopeScaling.Kind != "" {
		return unsupported("%s beside rope scaling %s (%s)", ggufRopeFactors, c.RopeScaling.Kind, works)
	}
	c.RopeScaling, err = c.llama3Of(factors)
	return err
}

// factors reads the tensor, nil where there is none.
func (g *gguf) factors(c Config) ([]float32, error) {
	for _, r := range g.regions {
		if r.name != ggufRopeFactors {
			continue
		}
		switch {
		case !ggufArchs[g.arch].factors:
			return nil, unsupported("tensor %s in a GGUF file of architecture %s (%s)", r.name, g.arch, works)
		case len(r.shape) != 1 || r.shape[0] != c.HeadDim/2:
			return nil, corrupt("tensor %s is %v for heads of %d", r.name, clipShape(r.shape), c.HeadDim)
		case r.off > g.file.size || r.size > g.file.size-r.off:
			return nil, corrupt("the file ends before tensor %s", r.name)
		}
		factors := make([]float32, r.shape[0]) // bounded by maxHeadDim
		err := guard(g.file.path, func() error { return stored{region: r, source: g.file}.read(0, factors, 0) })
		return factors, err
	}
	return nil, nil
}

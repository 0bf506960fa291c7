package weights

import "math"

// RopeScaling changes the frequencies of the rotary embedding so that a model
// reaches beyond the texts it was first trained on. The zero value changes nothing.
type RopeScaling struct {
	Kind   string // "", ScaleLinear or ScaleLlama3
	Factor float64

	// Of ScaleLlama3. Wavelengths above Original/LowFreq are stretched by the
	// factor, those below Original/HighFreq stay, what lies between is blended.
	LowFreq, HighFreq float64
	Original          int // positions of the first training
}

// Kinds of RopeScaling, as rope_type has them.
const (
	ScaleLinear = "linear"
	ScaleLlama3 = "llama3"
)

func (s RopeScaling) validate() error {
	switch s.Kind {
	case "":
		if s != (RopeScaling{}) {
			return corrupt("rope scaling without a type")
		}
		return nil
	case ScaleLinear, ScaleLlama3:
	default:
		return unsupported("rope scaling of type %q (%s)", clip(s.Kind), works)
	}
	if !(s.Factor >= 1 && s.Factor <= maxPositions) {
		return corrupt("rope scaling by a factor of %v, not between 1 and %d", s.Factor, maxPositions)
	}
	if s.Kind == ScaleLlama3 {
		if !(s.LowFreq > 0 && s.HighFreq > s.LowFreq && s.HighFreq <= maxPositions) {
			return corrupt("rope scaling with low_freq_factor %v and high_freq_factor %v, not positive and in this order", s.LowFreq, s.HighFreq)
		}
		if s.Original < 1 || s.Original > maxPositions {
			return corrupt("rope scaling with original_max_position_embeddings %d", s.Original)
		}
	}
	return nil
}

// RopeFrequencies are the angles by which the pairs of a head turn from one
// position to the next, [HeadDim/2], in float32 as PyTorch holds them.
func (c Config) RopeFrequencies() []float32 {
	frequencies := make([]float32, c.HeadDim/2)
	for i := range frequencies {
		frequencies[i] = float32(c.RopeScaling.scale(c.frequency(i)))
	}
	return frequencies
}

// frequency is that of the i-th pair before it is scaled.
func (c Config) frequency(i int) float64 {
	return 1 / math.Pow(c.RopeTheta, float64(2*i)/float64(c.HeadDim))
}

// scale is the frequency instead of f.
func (s RopeScaling) scale(f float64) float64 {
	switch s.Kind {
	case ScaleLinear:
		return f / s.Factor
	case ScaleLlama3:
		turns := float64(s.Original) * f / (2 * math.Pi) // over the first training's texts
		kept := (turns - s.LowFreq) / (s.HighFreq - s.LowFreq)
		kept = min(1, max(0, kept))
		return (1-kept)*f/s.Factor + kept*f
	}
	return f
}

package chart

import (
	"math"
	"strconv"
	"strings"
)

// scale maps values of one axis to [0, 1]. Its ends are finite and apart.
type scale struct {
	lo, hi float64 // of the values, not of their logarithms
	log    bool
	a, b   float64 // the ends as they are computed with
	shrink float64 // keeps differences of huge values finite
}

// newScale makes a scale over [lo, hi], which must be finite; a range too narrow to tell its ends apart is widened around its middle.
// A logarithmic scale needs lo > 0.
func newScale(lo, hi float64, log bool) scale {
	s := scale{lo: lo, hi: hi, log: log, shrink: 1}
	if log {
		if math.Log10(hi)-math.Log10(lo) < 1e-6 {
			s.lo, s.hi = max(lo/2, math.SmallestNonzeroFloat64), min(hi*2, math.MaxFloat64)
		}
		s.a, s.b = math.Log10(s.lo), math.Log10(s.hi)
		return s
	}
	if size := max(math.Abs(lo), math.Abs(hi)); hi-lo <= size*1e-9 || size < 1e-290 {
		pad := size * 0.1
		if size < 1e-290 {
			lo, hi, pad = 0, 0, 1
		}
		s.lo, s.hi = max(lo-pad, -math.MaxFloat64), min(hi+pad, math.MaxFloat64)
		if lo >= 0 && s.lo < 0 {
			s.lo = 0
		}
	}
	if max(math.Abs(s.lo), math.Abs(s.hi)) > 1e300 {
		s.shrink = 0x1p-4
	}
	s.a, s.b = s.lo*s.shrink, s.hi*s.shrink
	return s
}

// unit is where a finite value lies: 0 at lo, 1 at hi, beyond them outside; always finite. On a logarithmic scale v must be above zero.
func (s *scale) unit(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	} else {
		v *= s.shrink
	}
	u := (v - s.a) / (s.b - s.a)
	if u > 1e6 {
		return 1e6
	}
	if u >= -1e6 {
		return u
	}
	return -1e6
}

// value is what lies at u, the reverse of unit; it is finite.
func (s *scale) value(u float64) float64 {
	v := s.a + u*(s.b-s.a)
	if s.log {
		return min(max(math.Pow(10, v), math.SmallestNonzeroFloat64), math.MaxFloat64)
	}
	return min(max(v/s.shrink, -math.MaxFloat64), math.MaxFloat64)
}

// tick is a labelled place on an axis.
type tick struct {
	value float64
	at    float64 // in [0, 1]
	label string
}

// ticks gives at most n round values of the scale in ascending order, labels all different; integral forbids fractions.
func (s *scale) ticks(n int, integral bool) []tick {
	if n <= 0 {
		return nil
	}
	var out []tick
	if s.log {
		out = s.logTicks(n)
	} else {
		out = s.linearTicks(n, integral)
	}
	if len(out) < 2 && n >= 2 && !integral {
		// No two round values in so narrow a range: its ends say more than one of them.
		out = s.endTicks()
	}
	for i := 1; i < len(out); i++ {
		if out[i].label == out[i-1].label {
			out = append(out[:i], out[i+1:]...)
			i--
		}
	}
	return out
}

func (s *scale) endTicks() []tick {
	for digits := 3; digits <= 9; digits++ {
		lo, hi := Significant(s.lo, digits), Significant(s.hi, digits)
		if lo != hi {
			return []tick{{s.lo, 0, lo}, {s.hi, 1, hi}}
		}
	}
	return []tick{{s.hi, 1, Significant(s.hi, 3)}}
}

func (s *scale) linearTicks(n int, integral bool) []tick {
	// The span is taken in shrunk numbers, where it cannot overflow.
	step := niceStep((s.b-s.a)/float64(n)) / s.shrink
	if integral {
		step = max(step, 1)
	}
	if math.IsInf(step, 0) || step <= 0 {
		return nil
	}
	for {
		first := math.Ceil(s.lo/step - 1e-9)
		last := math.Floor(s.hi/step + 1e-9)
		if last-first < float64(n) {
			var out []tick
			for i := 0; float64(i) <= last-first; i++ {
				v := (first + float64(i)) * step
				if math.IsInf(v, 0) {
					continue
				}
				out = append(out, tick{v, clamp01(s.unit(v)), stepLabel(v, step)})
			}
			return out
		}
		next := niceStep(step * 1.01)
		if !(next > step) || math.IsInf(next, 0) {
			return nil
		}
		step = next
	}
}

func (s *scale) logTicks(n int) []tick {
	first, last := int(math.Ceil(s.a-1e-9)), int(math.Floor(s.b+1e-9))
	var out []tick
	add := func(v float64) {
		if u := s.unit(v); v > 0 && !math.IsInf(v, 0) && u >= -1e-9 && u <= 1+1e-9 {
			out = append(out, tick{v, clamp01(u), Significant(v, 2)})
		}
	}
	decades := last - first + 1
	if decades >= 2 {
		stride := (decades + n - 1) / n
		for e := first; e <= last; e += stride {
			add(math.Pow(10, float64(e)))
		}
		if len(out)*2 > n || stride > 1 {
			return out
		}
	}
	// Few decades: the halves of a decade as well, while they fit.
	for _, parts := range [][]float64{{1, 2, 5}, {1, 3}} {
		out = out[:0]
		for e := first - 1; e <= last; e++ {
			for _, m := range parts {
				add(m * math.Pow(10, float64(e)))
			}
		}
		if len(out) <= n {
			break
		}
	}
	if len(out) > n {
		out = out[:0]
		for e := first; e <= last; e++ {
			add(math.Pow(10, float64(e)))
		}
	}
	return out
}

// niceStep is the smallest of 1, 2, 5 times a power of ten that is at least v.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if p*m >= v*(1-1e-9) {
			return p * m
		}
	}
	return p * 10
}

func clamp01(u float64) float64 { return min(max(u, 0), 1) }

// stepLabel writes v with as many digits as ticks that are step apart need.
func stepLabel(v, step float64) string {
	size := max(math.Abs(v), step)
	if size >= 1e5 || step < 1e-4 {
		if v == 0 {
			return "0"
		}
		digits := 1 + int(math.Floor(math.Log10(math.Abs(v)))) - int(math.Floor(math.Log10(step)))
		return Significant(v, min(max(digits, 1), 9))
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	out := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(out, "-0.") == "" {
		return "0"
	}
	return out
}

// Significant writes v with at most so many significant digits, as a plain number where that is short: 0.05, 1.61, 483, 2e-5, 1e9.
// What is not finite is written by name.
func Significant(v float64, digits int) string {
	text := Exponent(v, digits)
	_, power, found := strings.Cut(text, "e")
	if e, err := strconv.Atoi(power); found && err == nil && e >= -4 && e < 5 {
		return trimZeros(strconv.FormatFloat(v, 'f', max(0, digits-1-e), 64))
	}
	return text
}

// Exponent writes v as at most so many significant digits and a power of ten: 4.1e-4. What is not finite is written by name, zero as 0.
func Exponent(v float64, digits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case v == 0:
		return "0"
	}
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
	e, _ := strconv.Atoi(power)
	return trimZeros(mantissa) + "e" + strconv.Itoa(e)
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

package experiments

import (
	"math"
	"math/big"
)

var negativeInfinity = math.Inf(-1)

// jsonLiterals are the words that Python's decoder takes for values.
var jsonLiterals = []struct {
	text  string
	value any
}{
	{"null", nil},
	{"true", true},
	{"false", false},
	{"NaN", math.NaN()},
	{"Infinity", math.Inf(1)},
}

// equalValues compares two decoded values as Python's == does: integers and floats by
// their exact values, true as 1 and false as 0, lists in order, objects by their
// keys. NaN equals nothing, except within a list or an object, where Python
// compares by identity first and its decoder has one NaN only.
func equalValues(a, b any) bool { return equalWithin(a, b, false) }

func equalWithin(a, b any, inside bool) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalWithin(x[i], y[i], true) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key, v := range x {
			w, ok := y[key]
			if !ok || !equalWithin(v, w, true) {
				return false
			}
		}
		return true
	}
	return equalNumbers(a, b, inside)
}

func equalNumbers(a, b any, inside bool) bool {
	x, xok := a.(float64)
	y, yok := b.(float64)
	if xok && yok {
		return x == y || inside && math.IsNaN(x) && math.IsNaN(y)
	}
	if xok && (math.IsNaN(x) || math.IsInf(x, 0)) || yok && (math.IsNaN(y) || math.IsInf(y, 0)) {
		return false
	}
	if m, ok := a.(int64); ok {
		if n, ok := b.(int64); ok {
			return m == n
		}
	}
	p, q := exactValue(a), exactValue(b)
	return p != nil && q != nil && p.Cmp(q) == 0
}

// exactValue is the exact value of a finite number or a bool, nil of anything else.
func exactValue(v any) *big.Rat {
	switch x := v.(type) {
	case bool:
		if x {
			return big.NewRat(1, 1)
		}
		return new(big.Rat)
	case int64:
		return new(big.Rat).SetInt64(x)
	case *big.Int:
		return new(big.Rat).SetInt(x)
	case float64:
		return new(big.Rat).SetFloat64(x)
	}
	return nil
}

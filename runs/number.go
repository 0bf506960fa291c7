package runs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Number is a float64 whose JSON may be non-finite: NaN and the infinities are
// the strings "NaN", "+Inf" and "-Inf", as strict JSON has no numbers for them.
type Number float64

// MarshalJSON writes the shortest text that reads back as the same number.
func (n Number) MarshalJSON() ([]byte, error) {
	x := float64(n)
	switch {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"+Inf"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Inf"`), nil
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(nil, x, format, -1, 64), nil
}

// UnmarshalJSON reads a JSON number or one of the three strings. A number
// beyond float64 is refused.
func (n *Number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = Number(math.NaN())
		return nil
	case `"+Inf"`:
		*n = Number(math.Inf(1))
		return nil
	case `"-Inf"`:
		*n = Number(math.Inf(-1))
		return nil
	case "null":
		return nil // by convention of encoding/json
	}
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return fmt.Errorf("%.40q is not a number", text)
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("%.40q is not a number: %w", text, err)
	}
	*n = Number(x)
	return nil
}

// Finite reports whether n is neither NaN nor an infinity.
func (n Number) Finite() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// finite returns v with every float64 in it as a Number, so that maps filled
// elsewhere can be marshalled whatever they hold.
func finite(v any) any {
	switch x := v.(type) {
	case float64:
		return Number(x)
	case float32:
		return Number(x)
	case []float64:
		out := make([]Number, len(x))
		for i, f := range x {
			out[i] = Number(f)
		}
		return out
	case map[string]float64:
		out := make(map[string]Number, len(x))
		for k, f := range x {
			out[k] = Number(f)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = finite(e)
		}
		return out
	case map[string]any:
		if x == nil {
			return nil
		}
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = finite(e)
		}
		return out
	}
	return v
}

// marshalLine writes a record as one line of JSON, without HTML escapes.
func marshalLine(record any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(finite(record)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

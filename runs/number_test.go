package runs

import (
	"encoding/json"
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		x    float64
		text string
	}{
		{0, "0"},
		{1.5, "1.5"},
		{-2, "-2"},
		{5e-4, "0.0005"},
		{1e-7, "1e-07"},
		{1e21, "1e+21"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.SmallestNonzeroFloat64, "5e-324"},
		{0.30000000000000004, "0.30000000000000004"},
		{math.NaN(), `"NaN"`},
		{math.Inf(1), `"+Inf"`},
		{math.Inf(-1), `"-Inf"`},
	} {
		text, err := json.Marshal(Number(test.x))
		if err != nil || string(text) != test.text {
			t.Errorf("%g: %s %v, want %s", test.x, text, err, test.text)
		}
		var back Number
		if err := json.Unmarshal(text, &back); err != nil || math.Float64bits(float64(back)) != math.Float64bits(float64(Number(test.x))) {
			t.Errorf("%s reads as %g, %v", text, float64(back), err)
		}
	}
	for _, text := range []string{"NaN", "Infinity", `"nan"`, `"Inf"`, `"1"`, "true", "[]", "1e999", "{}"} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s is %g", text, float64(n))
		}
	}
}

func TestFiniteMaps(t *testing.T) {
	line, err := marshalLine(map[string]any{"a": math.NaN(), "b": []any{math.Inf(1), "<&>"}, "c": map[string]float64{"x": math.Inf(-1)}, "d": []float64{1}, "e": float32(2)})
	const want = `{"a":"NaN","b":["+Inf","<&>"],"c":{"x":"-Inf"},"d":[1],"e":2}` + "\n"
	if err != nil || string(line) != want {
		t.Errorf("%s %v", line, err)
	}
}

func TestDecimate(t *testing.T) {
	values := []Number{3, 1, 2, Number(math.NaN()), 9, Number(math.Inf(1)), 5, 5}
	got := Decimate(len(values), func(i int) Number { return values[i] }, 3)
	want := []Column{{1, 3, 2, 0}, {2, 2, 1, 1}, {0, 0, 0, 0}}
	want[1] = Column{Min: 2, Max: 9, Finite: 2, NonFinite: 1}
	want[2] = Column{Min: 5, Max: 5, Finite: 2, NonFinite: 1}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%+v", got)
	}
	// Nothing is lost, whatever the sizes.
	for n := range 40 {
		for columns := range 10 {
			total := 0
			low, high := Number(math.Inf(1)), Number(math.Inf(-1))
			for _, c := range Decimate(n, func(i int) Number { return Number(i * i % 17) }, columns) {
				total += c.Finite
				low, high = min(low, c.Min), max(high, c.Max)
			}
			if columns == 0 || n == 0 {
				continue
			}
			wantLow, wantHigh := Number(math.Inf(1)), Number(math.Inf(-1))
			for i := range n {
				wantLow, wantHigh = min(wantLow, Number(i*i%17)), max(wantHigh, Number(i*i%17))
			}
			if total != n || low != wantLow || high != wantHigh {
				t.Fatalf("%d in %d: %d values from %g to %g", n, columns, total, low, high)
			}
		}
	}
}

package experiments

import (
	"math"
	"reflect"
	"testing"

	"hone/runs"
)

// differenceOf is the comparison of outputs of one field: right[i] says of row i
// whether base and tuned have it right.
func differenceOf(t *testing.T, right [][2]bool) *Comparison {
	t.Helper()
	b, tuned := &evalFile{Split: "test", Schema: []string{"a"}}, &evalFile{Split: "test", Schema: []string{"a"}}
	for i, r := range right {
		row := func(ok bool) evalRow {
			text := `{"a": 1}`
			if !ok {
				text = `{"a": 2}`
			}
			return evalRow{Event: string(rune('a' + i%26)), Target: `{"a": 1}`, Generated: Generated{Row: i, Text: text}}
		}
		b.Outputs, tuned.Outputs = append(b.Outputs, row(r[0])), append(tuned.Outputs, row(r[1]))
	}
	c, err := pair(BaseOf("r"), TunedOf("r"), b, tuned)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The interval of a difference of shares is that of the normal approximation where
// that holds, and narrower than for unpaired rows where outputs agree.
func TestBootstrapInterval(t *testing.T) {
	var rows [][2]bool
	for i := range 400 {
		rows = append(rows, [2]bool{i%4 == 0, i%4 == 0 || i%2 == 1}) // 0.25 -> 0.75, none lost
	}
	d := differenceOf(t, rows).Difference
	s, ok := d.Score("exact_match")
	if !ok || s.N != 400 || s.Base != 0.25 || s.Tuned != 0.75 || s.Change != 0.5 || d.Resamples != 2000 || !s.Sure() {
		t.Fatalf("%+v", s)
	}
	half := 1.96 * math.Sqrt(0.25/400) // of the differences: half are 1, half are 0
	if math.Abs(float64(s.Low)-(0.5-half)) > 0.006 || math.Abs(float64(s.High)-(0.5+half)) > 0.006 {
		t.Errorf("%.4f to %.4f, normal %.4f to %.4f", s.Low, s.High, 0.5-half, 0.5+half)
	}
	if again := differenceOf(t, rows).Difference; !reflect.DeepEqual(again, d) {
		t.Error("the same rows have another interval")
	}
	if f, _ := d.Score("fields.a"); f.Change != s.Change || f.Low != s.Low {
		t.Errorf("the only field: %+v", f)
	}
	if v, _ := d.Score("json_validity"); v.Change != 0 || v.Low != 0 || v.High != 0 || v.Sure() {
		t.Errorf("all valid: %+v", v)
	}
	if _, ok := d.Score("target_loss"); ok {
		t.Error("a loss that nobody measured")
	}
	one := differenceOf(t, rows[1:2]).Difference
	if s, _ := one.Score("exact_match"); s.N != 1 || s.Low != 1 || s.High != 1 {
		t.Errorf("one row: %+v", s)
	}
}

// Losses that are no numbers are not averaged.
func TestBootstrapOfLosses(t *testing.T) {
	c := differenceOf(t, make([][2]bool, 4))
	for i, nats := range [][2]float64{{3, 1}, {2, 1.5}, {math.NaN(), 1}, {2, math.Inf(1)}} {
		c.Examples[i].Base.Loss, c.Examples[i].Tuned.Loss = &TargetLoss{Nats: runs.Number(nats[0])}, &TargetLoss{Nats: runs.Number(nats[1])}
	}
	s, ok := c.difference().Score("target_loss")
	if !ok || s.N != 2 || s.Base != 2.5 || s.Tuned != 1.25 || s.Change != -1.25 || s.Low < -2 || s.High > -0.5 {
		t.Errorf("%+v", s)
	}
}

func TestResamplesAreBounded(t *testing.T) {
	for n, want := range map[int]int{0: 2000, 1: 2000, 10_000: 2000, 50_000: 400, 100_000: 200, 10_000_000: 200} {
		if got := resamplesOf(n); got != want {
			t.Errorf("%d rows: %d, want %d", n, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	sorted := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 1: 4, 0.5: 2.5, 0.025: 1.075} {
		if got := quantile(sorted, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("%g: %g, want %g", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("a quantile of nothing")
	}
}

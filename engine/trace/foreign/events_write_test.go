package foreign

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"hone/engine/trace"
)

func TestWriteEvents(t *testing.T) {
	in := []Scalar{
		{"train/loss", 1, 1.7e9, 2.5},
		{"train/grad_norm", 1, 1.7e9, math.NaN()},
		{"train/loss", 300, 1.7e9 + 1.5, 0.125},
		{"eval/exact_match", 300, 1.7e9 + 2, 1},
	}
	var b bytes.Buffer
	if err := WriteEvents(&b, in); err != nil {
		t.Fatal(err)
	}
	l, err := ReadEvents(&b, "x")
	if err != nil || len(l.Notes) != 0 {
		t.Fatalf("%v, notes %q", err, l.Notes)
	}
	loss := l.Series[trace.Loss]
	if len(loss) != 2 || loss[1].Step != 300 || loss[1].Value != 0.125 || loss[1].Wall != 1.7e9+1.5 {
		t.Errorf("losses %v", loss)
	}
	if n := l.Series[trace.GradNorm]; len(n) != 1 || !math.IsNaN(n[0].Value) {
		t.Errorf("norms %v", n)
	}
	if e := l.Series["eval_exact_match"]; len(e) != 1 || e[0].Value != 1 {
		t.Errorf("scores %v", e)
	}
	if err := WriteEvents(fullDisk{}, in); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

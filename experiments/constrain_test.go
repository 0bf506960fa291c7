package experiments

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/engine/decode"
)

// An untrained model's outputs are objects of the schema when they can be
// nothing else, and are marked as such.
func TestConstrainedEvaluation(t *testing.T) {
	g, err := OpenGenerator(context.Background(), toyConfig(t, "eval.max_new=150"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, on := range []bool{true, false, true} {
		g.Constrain(on)
		e, err := g.Evaluate(context.Background(), "test", 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		whole := 0.0
		if on {
			whole = 1
		}
		if e.Constrained != on || e.JSONValidity != whole || e.Schema != whole {
			t.Errorf("constrained %v: %+v", on, e)
		}
		for _, x := range e.Examples {
			if on && (x.StoppedBy != decode.StopClosed || !strings.HasPrefix(x.Text, ` {"action": `)) {
				t.Errorf("%q, stopped by %s", x.Text, x.StoppedBy)
			}
		}
	}
}

func TestConstrainedEvaluationRefuses(t *testing.T) {
	texts := filepath.Join(t.TempDir(), "texts.jsonl")
	if err := os.WriteFile(texts, []byte(strings.Repeat(`{"prompt": "Say yes:", "completion": "yes"}`+"\n", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"eval.max_new=8", "data.path=" + texts} {
		g, err := OpenGenerator(context.Background(), toyConfig(t, set), "")
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		g.Constrain(true)
		if _, err := g.Evaluate(context.Background(), "test", 1, nil); !errors.Is(err, decode.ErrConstraint) {
			t.Errorf("%s: %v", set, err)
		}
	}
}

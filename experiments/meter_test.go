package experiments

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
)

// Rows of a workspace are measured as a comparison of the run measures them, token
// by token, under the base model and under what was trained.
func TestMeterAgreesWithTheComparison(t *testing.T) {
	ctx := context.Background()
	c := toyConfig(t, "train.lr=2e-2")
	dir := train(t, c, StartOptions{RunDir: filepath.Join(t.TempDir(), "run")}).RunDir
	compared, err := Compare(ctx, dir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWorkspace(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	var rows []Place
	for i := range w.Dataset.Test {
		rows = append(rows, Place{2, i})
	}
	slices.Reverse(rows)
	sources := map[string]bool{}
	for side, s := range []Side{{}, TunedOf(dir)} { // the zero side is the experiment's model
		source, err := w.LossSource(s)
		if err != nil || source == "" {
			t.Fatal(err)
		}
		sources[source] = true
		m, err := w.OpenMeter(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		var got []MeasuredRow
		err = m.Measure(ctx, append(rows, Place{2, 1 << 20}), func(part []MeasuredRow) { got = append(got, part...) })
		m.Close()
		if err != nil || len(got) != len(rows) {
			t.Fatalf("%d rows: %v", len(got), err)
		}
		for i, r := range got {
			x := compared.Examples[r.Row]
			want := x.Base.Loss
			if side == 1 {
				want = x.Tuned.Loss
			}
			if r.Split != 2 || r.Row != rows[i].Row || len(r.Tokens) != want.Tokens || math.Abs(r.Nats-float64(want.Nats)) > 1e-9 {
				t.Errorf("side %d, row %d: %g nats of %d tokens, the comparison has %g of %d", side, r.Row, r.Nats, len(r.Tokens), want.Nats, want.Tokens)
			}
			if worst := float64(slices.Max(r.Tokens)); math.Abs(worst-float64(want.WorstNats)) > 1e-5 {
				t.Errorf("side %d, row %d: the worst token has %g, the comparison says %g", side, r.Row, worst, want.WorstNats)
			}
		}
	}
	base, err := w.LossSource(BaseOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) != 2 || !sources[base] {
		t.Errorf("models are told apart as %v, the run's base is %q", sources, base)
	}

	// A side that there is not, and one whose tokens are others.
	if err := os.RemoveAll(filepath.Join(dir, "adapter")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.LossSource(TunedOf(dir)); !errors.Is(err, ErrNoAdapter) {
		t.Errorf("a run without an adapter: %v", err)
	}
	if _, err := w.OpenMeter(ctx, TunedOf(dir)); !errors.Is(err, ErrNoAdapter) {
		t.Errorf("a run without an adapter: %v", err)
	}
	other := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(other, os.DirFS(toyDir+"tied")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(other, "tokenizer.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(text), `"merges": [`)
	if at < 0 {
		t.Fatal("the tokenizer has no merges")
	}
	changed := string(text[:at]) + `"merges": []}}`
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	foreign, err := OpenWorkspace(ctx, toyConfig(t, "model.path="+other))
	if err != nil || foreign.ModelProblem != nil {
		t.Fatal(err, foreign.ModelProblem)
	}
	if _, err := foreign.LossSource(TunedOf(dir)); !errors.Is(err, ErrOtherTokenizer) {
		t.Errorf("another tokenizer: %v", err)
	}
}

// Measuring ends when nobody wants it any more; what was handed on stands.
func TestMeterIsCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	w, err := OpenWorkspace(ctx, toyConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.OpenMeter(ctx, Side{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var rows []Place
	for range 4 * meterChunk {
		rows = append(rows, Place{0, 1})
	}
	got := 0
	err = m.Measure(ctx, rows, func(part []MeasuredRow) { got += len(part); stop() })
	if !errors.Is(err, context.Canceled) || got != meterChunk {
		t.Errorf("%d rows, %v", got, err)
	}
	if err := m.Measure(context.Background(), []Place{{3, 0}}, nil); err == nil {
		t.Error("a split that there is not was measured")
	}
}

// The model of a workspace writes without a run; a whole prompt is not put into the
// template again.
func TestBasePrompt(t *testing.T) {
	ctx := context.Background()
	w, err := OpenWorkspace(ctx, toyConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.OpenBasePrompt(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	row := w.Dataset.Test[0]
	asEvent, err := p.Try(ctx, row.Event, false, [2]bool{false, true}, nil)
	if err != nil || asEvent[0] != nil || asEvent[1].Tokens == 0 {
		t.Fatalf("%+v, %v", asEvent, err)
	}
	raw, err := p.Try(ctx, row.Prompt, true, [2]bool{false, true}, nil)
	if err != nil || raw[1].Text != asEvent[1].Text {
		t.Errorf("the whole prompt gives %+v, its event %+v: %v", raw[1], asEvent[1], err)
	}
	if _, err := p.Try(ctx, row.Event, false, [2]bool{true, true}, nil); !errors.Is(err, ErrNoBase) {
		t.Errorf("both: %v", err)
	}
}

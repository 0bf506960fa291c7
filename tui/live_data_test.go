package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/experiments"
)

// toyWorkspace opens the toy model with its events.
func toyWorkspace(t *testing.T) *workspace {
	t.Helper()
	toy := filepath.Join("..", "engine", "testdata", "toy")
	c := experiments.Default()
	c.Model.Path, c.Data.Path, c.Eval.MaxNew, c.Threads = filepath.Join(toy, "tied"), filepath.Join(toy, "events"), 4, 2
	w, err := newLive("test").Open(context.Background(), c)
	if err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	return w
}

// Losses are measured once a model: a second asking knows them, and only what is
// missing is measured.
func TestLiveMeasuresAndRemembers(t *testing.T) {
	w := toyWorkspace(t)
	last := losses{}
	measure := func(ctx context.Context, rows ...int) (calls int, err error) {
		err = w.Measure(ctx, experiments.Side{}, rows, func(known losses, done, total int) {
			if total != len(rows) || done > total || len(known.Rows) < len(last.Rows) {
				t.Errorf("%d of %d, %d rows known", done, total, len(known.Rows))
			}
			last = known
			calls++
		})
		return calls, err
	}
	test := w.Index.Number(2, 0)
	if _, err := measure(context.Background(), test+1, 0, test); err != nil {
		t.Fatal(err)
	}
	if len(last.Rows) != 3 || last.Rows[0].Row != test+1 || last.Source == "" || last.Model != "the base model" {
		t.Fatalf("%+v", last)
	}
	for _, r := range last.Rows {
		split, row := w.Index.Place(r.Row)
		tokens := w.Tokens(split, row)
		sum := 0.0
		for i, token := range tokens {
			nats, ok := r.nats(tokens, i)
			if ok != token.Target {
				t.Errorf("row %d, token %d: a loss %v, a target %v", r.Row, i, ok, token.Target)
			}
			sum += nats
		}
		if mean := sum / float64(len(r.Tokens)); math.Abs(mean-r.Nats) > 1e-4 || r.Nats <= 0 {
			t.Errorf("row %d has %g nats, its tokens %g", r.Row, r.Nats, mean)
		}
	}
	if calls, err := measure(context.Background(), 0, test); err != nil || calls != 1 || len(last.Rows) != 3 {
		t.Errorf("again: %d calls, %d rows, %v", calls, len(last.Rows), err)
	}
	if _, err := measure(context.Background(), 0, 1, test); err != nil || len(last.Rows) != 4 || last.Rows[3].Row != 1 {
		t.Errorf("one more: %d rows, %v", len(last.Rows), err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := measure(ctx, 2, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// What is hard is found by the index.
	q, err := w.Index.Parse("sort:hardest split:all is:measured")
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.Index.Search(context.Background(), data.Train, q, last.of())
	if err != nil || len(found.Rows) != 4 {
		t.Errorf("%v, %v", found.Rows, err)
	}
}

// The model of an experiment answers without a run; a row reads the same in each of
// its views.
func TestLiveShowsAndTriesARow(t *testing.T) {
	w := toyWorkspace(t)
	for split, sp := range w.Splits {
		for row := range sp.Rows {
			r := &sp.Rows[row]
			trained, tokens := "", ""
			for _, p := range w.Trained(split, row) {
				trained += p.Text
			}
			for _, token := range w.Tokens(split, row) {
				tokens += token.Text
			}
			if trained != tokens || !r.Event {
				t.Fatalf("%s: trained %q, tokens %q", r.source(), trained, tokens)
			}
			if raw, err := w.Raw(split, row); err != nil || raw == "" {
				t.Fatalf("%s: %q, %v", r.source(), raw, err)
			}
		}
	}
	p, err := w.OpenBase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Try(context.Background(), w.Splits[0].Rows[0].Text, false, [2]bool{false, true}, nil)
	if err != nil || out[1] == nil || out[1].Tokens == 0 {
		t.Error(fmt.Sprint(out), err)
	}
}

// A conversation is drawn with what the template wrote, what was said, and what is
// trained; a text with its beginning to go on from.
func TestLiveConversationParts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c := experiments.Default()
	c.Model.Path, c.Data.ChatTemplate, c.Data.Split = filepath.Join("..", "engine", "testdata", "toy", "tied"), "chatml", [3]float64{1, 0, 0}
	c.Data.Path = write("chat.jsonl", `{"messages": [{"role": "user", "content": "start?"}, {"role": "assistant", "content": "one"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "two"}]}`+"\n")
	w, err := newLive("test").Open(context.Background(), c)
	if err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	var got []string
	for _, p := range w.Trained(0, 0) {
		got = append(got, fmt.Sprintf("%d %s", p.Kind, p.Text))
	}
	want := []string{
		"1 <|im_start|>user\n", "2 start?", "1 <|im_end|>\n<|im_start|>assistant\n", "3 one<|im_end|>",
		"1 \n<|im_start|>user\n", "2 b", "1 <|im_end|>\n<|im_start|>assistant\n", "3 two<|im_end|>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	row := w.Splits[0].Rows[0]
	if legend := plainTheme(false).partLegend(&row); row.Turns != 4 || !strings.Contains(legend, "said") {
		t.Errorf("%d turns, legend %q", row.Turns, legend)
	}
	c.Data.ChatTemplate = ""
	c.Data.Path = write("text.jsonl", `{"text": "one two three four"}`+"\n")
	if w, err = newLive("test").Open(context.Background(), c); err != nil || w.ModelProblem != nil {
		t.Fatal(err, w.ModelProblem)
	}
	if row := w.Splits[0].Rows[0]; !row.Whole || tryText(&row) != "one two" {
		t.Errorf("%+v goes on from %q", row, tryText(&row))
	}
	if parts := w.Trained(0, 0); len(parts) != 2 || parts[0].Kind != partStructure || parts[1].Kind != partEnd {
		t.Errorf("%+v", parts)
	}
}

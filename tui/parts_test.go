package tui

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"hone/experiments"
)

func FuzzFit(f *testing.F) {
	for _, s := range append(sampleEvents, "", "\x1b[31mred", "\xff\xfe", "\U0001F469\u200d\U0001F4BB", "e\u0301\u0301", "\u200b") {
		f.Add(s, 7)
		f.Add(s, 0)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = min(max(width, -3), 300)
		for _, th := range []*theme{plainTheme(false), plainTheme(true)} {
			c := th.clean(s)
			if strings.ContainsAny(c, "\n\r\t\x1b") {
				t.Errorf("clean(%q) = %q", s, c)
			}
			if !utf8.ValidString(c) {
				t.Errorf("clean(%q) is not UTF-8", s)
			}
			if got := textWidth(th.fit(c, width)); got != max(width, 0) {
				t.Errorf("fit(%q, %d) has %d cells", c, width, got)
			}
			for _, l := range wrap(c, width) {
				if w := textWidth(l); w > width && utf8.RuneCountInString(ansi.Strip(l)) > 1 && width > 1 {
					t.Errorf("wrap(%q, %d) has a line of %d cells: %q", c, width, w, l)
				}
			}
			if a := onlyASCII(c); textWidth(a) != textWidth(c) {
				t.Errorf("onlyASCII(%q) = %q: %d cells, not %d", c, a, textWidth(a), textWidth(c))
			}
		}
	})
}

func TestWrapLosesNothing(t *testing.T) {
	for _, s := range sampleEvents {
		s = plainTheme(false).clean(s)
		for w := 2; w < 60; w++ {
			got := strings.Join(wrap(s, w), "")
			if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(s, " ", "") {
				t.Fatalf("wrap(%q, %d) = %q", s, w, got)
			}
		}
	}
}

func TestLineEdit(t *testing.T) {
	l := newLineEdit("alpha beta")
	for _, step := range []struct{ key, want string }{
		{"ctrl+w", "alpha |"},
		{"x", "alpha x|"},
		{"left", "alpha |x"},
		{"home", "|alpha x"},
		{"delete", "|lpha x"},
		{"backspace", "|lpha x"},
		{"ctrl+right", "lpha| x"},
		{"ctrl+k", "lpha|"},
		{"ctrl+left", "|lpha"},
		{"end", "lpha|"},
		{"backspace", "lph|"},
		{"ctrl+u", "|"},
		{"right", "|"},
	} {
		l.Key(keyPress(step.key))
		if got := string([]rune(l.Text())[:l.input.Position()]) + "|" + string([]rune(l.Text())[l.input.Position():]); got != step.want {
			t.Fatalf("after %s: %q, want %q", step.key, got, step.want)
		}
	}
	l.Key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("two\nlines\x1b" + strings.Repeat("x", 2*lineLimit)), Paste: true})
	if n := len([]rune(l.Text())); n != lineLimit {
		t.Errorf("%d runes after a long paste", n)
	}
	if !strings.HasPrefix(l.Text(), "two linesx") { // a line break is a space, controls are left out
		t.Errorf("pasted %.20q", l.Text())
	}
	for w := range 30 {
		if got := textWidth(l.View(plainTheme(false), w, true)); got != w {
			t.Errorf("%d cells, not %d", got, w)
		}
	}
}

func TestSparkKeepsSpikesAndNaN(t *testing.T) {
	th := plainTheme(false)
	values := make([]float64, 1000)
	values[500], values[700] = 9, math.NaN()
	s := th.spark(values, 20)
	if textWidth(s) != 20 || !strings.Contains(s, "█") || !strings.Contains(s, "✗") {
		t.Errorf("spark %q", s)
	}
	for _, odd := range [][]float64{nil, {math.NaN()}, {math.Inf(1), 1}, {1e308, -1e308}, {3, 3, 3}} {
		if w := textWidth(th.spark(odd, 10)); w != len(odd) {
			t.Errorf("spark(%v) has %d cells", odd, w)
		}
	}
}

func TestBarsStayInTheirCells(t *testing.T) {
	for _, th := range []*theme{plainTheme(false), plainTheme(true)} {
		for _, share := range []float64{-1, 0, 0.001, 0.5, 0.999, 1, 7, math.NaN(), math.Inf(1)} {
			for w := range 12 {
				if got := textWidth(th.barOf(share, w)); got > w {
					t.Errorf("barOf(%v, %d) has %d cells", share, w, got)
				}
			}
		}
	}
}

func TestFuzzyRanking(t *testing.T) {
	for _, c := range []struct {
		query, better, worse string
	}{
		{"sta", "start experiment", "statistics data"},
		{"wf", "write file experiment", "show fixed"},
		{"pre", "presets experiment", "open data experiment"},
	} {
		a, ok := fuzzy(c.query, c.better)
		b, ok2 := fuzzy(c.query, c.worse)
		if !ok || ok2 && b > a {
			t.Errorf("%q: %q scores %d, %q %d", c.query, c.better, a, c.worse, b)
		}
	}
	if _, ok := fuzzy("zq", "quiz"); ok {
		t.Error("letters in another order match")
	}
	if _, ok := fuzzy("é", "café"); !ok {
		t.Error("letters beyond ASCII do not match")
	}
}

func TestTokenLinesHaveAMarkUnderEveryCell(t *testing.T) {
	th := plainTheme(false)
	w := sampleWorkspace()
	for i := range 16 {
		tokens := w.Tokens(0, i)
		for width := 4; width < 90; width++ {
			for _, loss := range []*rowLoss{nil, {Tokens: make([]float32, len(tokens))}} {
				lines, group := tokenLines(th, tokens, width, loss), 2
				if loss != nil {
					group = 3 // how hard every token is stands below its mark
				}
				if len(lines)%group != 0 {
					t.Fatalf("%d lines", len(lines))
				}
				for j := range lines {
					if a, b := textWidth(lines[j]), textWidth(lines[j/group*group]); a != b || a > width {
						t.Fatalf("row %d at %d: %d cells of text, %d below it:\n%s", i, width, b, a, strings.Join(lines, "\n"))
					}
				}
			}
		}
	}
}

func TestFeedGivesTheNewestAndEnds(t *testing.T) {
	f := newFeed()
	for i := range 1000 {
		f.put(func() tea.Msg { return i })
	}
	if got := f.next(); got != 999 {
		t.Errorf("next() = %v", got)
	}
	go func() { f.put(func() tea.Msg { return "last" }); f.close() }()
	if got := f.next(); got != "last" {
		t.Errorf("next() = %v", got)
	}
	for range 3 {
		if got := f.next(); got != nil {
			t.Errorf("after the end: %v", got)
		}
	}
}

func TestTrainCommandSaysOnlyWhatDiffers(t *testing.T) {
	c := experiments.Basis(experiments.Default()) // the built-in model's own recipe
	if got := strings.Join(experiments.TrainCommand(c, "", c), " "); got != "hone train" {
		t.Errorf("%q", got)
	}
	c = experiments.Default()
	c.Model.Path, c.Data.Path, c.LoRA.R = "my model", "it's.jsonl", 8
	c.LoRA.Targets = []string{"q_proj", "v_proj"}
	want := `hone train --model 'my model' --data 'it'\''s.jsonl' --set lora.r=8 --set 'lora.targets=["q_proj", "v_proj"]'`
	if got := strings.Join(experiments.TrainCommand(c, "", c), " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	saved := c
	saved.LoRA.R = 4
	if got := strings.Join(experiments.TrainCommand(c, "a.toml", saved), " "); got != "hone train --config a.toml --set lora.r=8" {
		t.Errorf("%q", got)
	}
}

// TestEditedTextReadsBack edits every key to what it is: nothing may change.
func TestEditedTextReadsBack(t *testing.T) {
	c := experiments.Default()
	c.Data.Fields = []string{`a "b"`, `c\d`}
	c.Data.EOS = `"quoted"`
	for _, k := range experiments.Keys() {
		next := c.Clone()
		if err := setText(&next, k.Name, valueText(c, k.Name)); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		if d := experiments.Diff(c, next); len(d) != 0 {
			t.Errorf("%s: %v", k.Name, d)
		}
	}
}

func TestHomeInPaths(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home) // as it is called on Windows
	c := experiments.Default()
	if err := setText(&c, "model.path", "~/models/small"); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(home, "models", "small"); c.Model.Path != want {
		t.Errorf("%s, want %s", c.Model.Path, want)
	}
}

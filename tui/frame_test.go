package tui

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"hone/experiments"
	"hone/runs"
)

// situations are backends and presses that bring every screen in every state.
var situations = []struct {
	name  string
	fake  func() *fakeBackend
	dir   string
	press []string
}{
	{"empty", func() *fakeBackend {
		return &fakeBackend{work: &workspace{}}
	}, "", nil},
	{"failed", func() *fakeBackend {
		err := errors.New("it cannot be read:\n" + strings.Repeat("a long reason \u4f1a\u8bae ", 20))
		return &fakeBackend{workErr: err, planErr: err, rowsErr: err, cmpErr: err, snap: &snapshot{Dir: "runs/x", State: runs.Absent, History: &runs.History{}, Err: err}}
	}, "runs/x", nil},
	{"full", full, "runs/2026-11-23-1530-calendar", nil},
	{"not compared", func() *fakeBackend {
		f := full()
		f.cmp, f.cmpErr = nil, errNotCompared
		noModel(f)
		return f
	}, "runs/2026-11-23-1530-calendar", nil},
	{"dialog", full, "", []string{"2", "p"}},
	{"help", full, "", []string{"2", "?"}},
	{"palette", full, "", []string{"ctrl+p", "text:s"}},
	{"question", full, "", []string{"2", "w"}},
	{"checklist", full, "", []string{"2", "/", "text:targets", "enter", "enter"}},
	{"editing", full, "", []string{"2", "/", "text:prompt", "enter", "enter"}},
	{"filter", full, "", []string{"/", "text:caf\u00e9"}},
	{"findings", full, "", []string{"f"}},
	{"statistics", full, "", []string{"v"}},
	{"example tokens", full, "", []string{"tab", "L"}},
	{"example raw", full, "", []string{"shift+tab", "enter"}},
	{"facets", full, "", []string{"s"}},
	{"copy", full, "", []string{"y"}},
	{"edit", full, "", []string{"e"}},
	{"edited", full, "runs/2026-11-23-1530-calendar", []string{"1", "e", "enter", "o"}},
	{"nothing found", full, "", []string{"/", "text:zzz"}},
	{"odd data", oddData, "", []string{"down", "up"}},
	{"odd tokens", oddData, "", []string{"tab", "L", "down", "up"}},
	{"odd raw", oddData, "", []string{"shift+tab", "enter", "down", "up"}},
	{"odd findings", oddData, "", []string{"f", "down", "down"}},
	{"raw", full, "runs/2026-11-23-1530-calendar", []string{"5", "r"}},
	{"scores", full, "runs/2026-11-23-1530-calendar", []string{"5", "v"}},
	{"mistakes", full, "runs/2026-11-23-1530-calendar", []string{"5", "v", "v"}},
	{"chooser", full, "runs/2026-11-23-1530-calendar", []string{"5", "a"}},
	{"exporting", full, "runs/2026-11-23-1530-calendar", []string{"5", "x"}},
	{"odds", full, "runs/2026-11-23-1530-calendar", []string{"5", "t", "text:\u4f1a\u8bae", "enter", "o"}},
	{"odd comparison", oddComparison, "runs/2026-11-23-1530-calendar", []string{"5"}},
	{"odd scores", oddComparison, "runs/2026-11-23-1530-calendar", []string{"5", "v"}},
	{"overlay", full, "", []string{"6", " ", "down", "o", "left"}},
	{"against", full, "", []string{"2", "d"}},
	{"differences", full, "", []string{"2", "d", "text:careful", "enter", "D"}},
	{"hostile runs", hostileRuns, "", []string{"6", " ", "down"}},
	{"hostile pair", hostileRuns, "", []string{"6", " ", "down", "="}},
	{"query", full, "", []string{"6", "/", "text:lr>=fast"}},
	{"note", hostileRuns, "", []string{"6", "n"}},
	{"tried", full, "runs/2026-11-23-1530-calendar", []string{"5", "t", "text:\u4f1a\u8bae", "enter"}},
}

// oddComparison has nothing that fits: values without end, fields without rows,
// losses that are no numbers, missing parts.
func oddComparison() *fakeBackend {
	f := full()
	c := f.cmp
	long := strings.Repeat("\u4f1a\u8bae e\u0301 ", 400)
	c.Labels = [2]string{long, "\x1b[2J"}
	c.Schema = append(c.Schema[:8:8], long)
	c.Mistakes = [2][]mistakesView{}
	c.Changes = slices.Clone(c.Changes)
	c.Changes[0].Low, c.Changes[0].High, c.Changes[1].Change = runs.Number(math.NaN()), runs.Number(math.Inf(1)), runs.Number(math.Inf(-1))
	p := &c.Pairs[0]
	p.Event, p.Note, p.Row = long, long, 123456789
	p.Fields = []string{long}
	p.Base = outputView{}
	p.Tuned = outputView{Valid: true, Fields: []string{long + "x"}, Words: [][]experiments.Word{experiments.DiffWords(long, long+" x")}, HasLoss: true, Loss: math.Inf(1), WorstLoss: math.NaN(), Worst: long}
	f.prompt = fakePrompt{}
	return f
}

// hostileRuns is a store whose names, tags, notes and settings hold what outside
// text may hold.
func hostileRuns() *fakeBackend {
	f := full()
	odd := experiments.Default()
	odd.Name, odd.Data.Prompt = "\x1b[2J\u4f1a\u8bae", strings.Repeat("{event_text}\n\x1b]0;t\x07", 200)
	for i := range f.rows {
		r := &f.rows[i]
		r.Name, r.Note = strings.Repeat("\u4f1a\u8bae\x1b[31m", 20), "a\x1b[2J\nb\t"+strings.Repeat("\u202e\u4f1a ", 300)
		for range 32 {
			r.Tags = append(r.Tags, "\x1b[1m\u4f1a\u8bae")
		}
		r.Loss, r.Seconds, r.Steps = math.Inf(1-2*(i%2)), math.Inf(1), math.MaxInt
		r.State = "a\x07state"
	}
	f.rows[1].Config = &odd
	return f
}

// TestFramesAreExact draws every screen in every situation at sizes from 1x1 to
// 200x60: always exactly as many lines and cells as the terminal has, in colour
// and without, and only ASCII where that is asked for.
func TestFramesAreExact(t *testing.T) {
	widths := []int{1, 2, 3, 5, 8, 13, 20, 30, 39, 40, 41, 52, 64, 66, 79, 80, 81, 95, 96, 99, 100, 112, 120, 150, 151, 200}
	heights := []int{1, 2, 3, 5, 9, 10, 11, 13, 15, 16, 17, 20, 23, 24, 25, 30, 40, 60}
	if testing.Short() {
		widths, heights = []int{1, 40, 80, 121}, []int{1, 10, 16, 24, 41}
	}
	for n, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			b := start(t, s.fake(), 80, 24, func(o *Options) { o.RunDir = s.dir })
			b.press(s.press...)
			b.app.t.g = &unicodeGlyphs
			if n%2 == 1 { // colour in half of the situations
				*b.app.t = *newTheme(nil, termenv.TrueColor, true, false)
			}
			for id := range screenCount {
				if s.press == nil {
					b.show(id)
				}
				for _, w := range widths {
					for _, h := range heights {
						b.shell.Update(tea.WindowSizeMsg{Width: w, Height: h})
						checkFrame(t, fmt.Sprintf("%s, screen %d", s.name, b.active), b.View(), w, h)
						if b.crash != nil {
							t.Fatalf("panic at %dx%d: %v\n%s", w, h, b.crash.value, b.crash.stack)
						}
					}
				}
				if t.Failed() || s.press != nil {
					break
				}
			}
		})
	}
}

// TestEveryWidth draws the full screens at every width at one height, where
// lines are most likely to be off by one.
func TestEveryWidth(t *testing.T) {
	b := start(t, full(), 80, 24, func(o *Options) { o.RunDir = "runs/2026-11-23-1530-calendar" })
	for id := range screenCount {
		b.show(id)
		for w := 1; w <= 200; w++ {
			b.shell.Update(tea.WindowSizeMsg{Width: w, Height: 24})
			checkFrame(t, fmt.Sprintf("screen %d", id), b.View(), w, 24)
		}
	}
}

func TestASCIIFramesAreASCII(t *testing.T) {
	for _, s := range situations {
		b := start(t, s.fake(), 100, 30, func(o *Options) { o.RunDir, o.ASCII = s.dir, true })
		b.press(s.press...)
		for id := range screenCount {
			if s.press == nil {
				b.show(id)
			}
			frame := b.View()
			checkFrame(t, s.name, frame, 100, 30)
			for _, r := range frame {
				if r > '~' {
					t.Fatalf("%s, screen %d: %q in\n%s", s.name, id, r, frame)
				}
			}
		}
	}
}

func TestColourChangesNothingButColour(t *testing.T) {
	for _, s := range situations {
		b := start(t, s.fake(), 110, 34, func(o *Options) { o.RunDir = s.dir })
		b.press(s.press...)
		plain := b.View()
		*b.app.t = *newTheme(nil, termenv.TrueColor, true, false)
		b.shell.Update(tea.WindowSizeMsg{Width: 110, Height: 33})
		b.shell.Update(tea.WindowSizeMsg{Width: 110, Height: 34})
		if got := ansi.Strip(b.View()); got != plain {
			t.Errorf("%s: with colour:\n%s\nwithout:\n%s", s.name, got, plain)
		}
	}
}

func TestTooSmallSaysSo(t *testing.T) {
	b := start(t, full(), 39, 12)
	b.sees("needs 40x10", "this is 39x12")
	b.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	b.lacks("needs")
}

// TestNoEscapesFromOutside looks for control characters of datasets, outputs and
// errors in a frame without colour.
func TestNoEscapesFromOutside(t *testing.T) {
	f := full()
	f.rows[0].Problem = "bad \x1b]0;title\x07 news\r\n"
	f.rows[0].ID = "id\x1b[2J"
	b := start(t, f, 120, 40, func(o *Options) { o.RunDir = "runs/a\x1bc" })
	for id := range screenCount {
		b.show(id)
		b.press("r")
		for _, r := range b.View() {
			if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' {
				t.Fatalf("screen %d draws %q:\n%s", id, r, b.View())
			}
		}
	}
}

package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"hone/data"
	"hone/experiments"
)

// dataStates are the states of the screen beside those of TestGoldenFrames.
var dataStates = []struct {
	name string
	dir  string
	keys []string
}{
	{"data-tokens", "", []string{"down", "tab"}},
	{"data-losses", "runs/2026-11-23-1530-calendar", []string{"/", "text:-is:dropped sort:hardest", "enter", "tab"}},
	{"data-hardest", "", []string{"s", "text:hardest", "enter"}},
	{"data-raw", "", []string{"down", "down", "shift+tab"}},
	{"data-raw-changed", "", []string{"down", "down", "down", "down", "shift+tab"}},
	{"data-whole", "", []string{"enter", "tab", "L"}},
	{"data-dropped", "", []string{"/", "text:is:dropped", "enter", "tab"}},
	{"data-facets", "", []string{"/", "text:has:action", "enter", "s"}},
	{"data-options", "", []string{"/", "text:weekly is:"}},
	{"data-problem", "", []string{"/", "text:weekly", "text: is:odd"}},
	{"data-nothing", "", []string{"/", "text:nobody", "enter"}},
	{"data-letters", "", []string{"/", "text:~wkly sync", "enter"}},
	{"data-all-splits", "", []string{"/", "text:split:all is:bad", "enter"}},
	{"data-listed", "", []string{"/", "text:tokens>45 no:location", "enter", "v"}},
	{"data-finding", "", []string{"f", "enter"}},
	{"data-copy", "", []string{"y"}},
	{"data-edit", "", []string{"e", "text:!"}},
	{"data-try", "runs/2026-11-23-1530-calendar", []string{"down", "e", "text: or so", "enter"}},
	{"data-try-base", "", []string{"e", "enter"}},
	{"data-help", "", []string{"?", "pgdown"}},
}

func TestGoldenDataFrames(t *testing.T) {
	for _, s := range dataStates {
		for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
			name := fmt.Sprintf("%s-%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := start(t, full(), size[0], size[1], func(o *Options) { o.RunDir = s.dir })
				b.app.clip = func(string) error { return nil }
				b.press("1")
				b.press(s.keys...)
				checkFrame(t, name, b.View(), size[0], size[1])
				b.golden(name)
			})
		}
	}
}

// dataOf is a shell on the Data screen of a backend.
func dataOf(t *testing.T, f *fakeBackend, change ...func(*Options)) (*bench, *dataScreen) {
	t.Helper()
	b := start(t, f, 100, 30, change...)
	b.press("1")
	return b, b.screens[dataScreenID].(*dataScreen)
}

func TestFindingsJumpToTheirRows(t *testing.T) {
	b, d := dataOf(t, full())
	b.press("f", "enter")
	if !slices.Equal(d.rows.visible, []int{3, 7}) {
		t.Errorf("rows of DUP: %v", d.rows.visible)
	}
	b.sees("/ is:dup", "2 rows")
	b.press("f", "down", "enter")
	if d.split != 2 || !slices.Equal(d.rows.visible, []int{554 + 118 + 1}) {
		t.Errorf("LEAK is shown in split %d, rows %v", d.split, d.rows.visible)
	}
	b.press("esc")
	if len(d.rows.visible) != 120 {
		t.Errorf("%d rows after esc", len(d.rows.visible))
	}
	d.work.Findings[0].Rows = nil
	b.press("f", "up", "enter")
	b.sees("names no rows", "▸train")
	if len(d.rows.visible) != 554 {
		t.Errorf("a finding without rows lists %d", len(d.rows.visible))
	}
}

// A query may name another split; another split may be chosen in spite of it.
func TestSplitsOfAQuery(t *testing.T) {
	b, d := dataOf(t, full())
	b.press("/", "text:split:eval", "enter")
	b.sees("▸eval 118", "118 rows")
	b.press("right")
	b.sees("▸test 120")
	b.lacks("split:eval")
	if len(d.rows.visible) != 120 {
		t.Errorf("%d rows of test", len(d.rows.visible))
	}
	b.press("/", "text:split:all", "enter")
	b.sees("▸train", "▸eval", "▸test", "792 rows")
	b.press("home")
	b.sees("train   0")
}

// While a filter cannot be read the list stays; tab completes; esc goes back.
func TestFilterThatCannotBeRead(t *testing.T) {
	b, d := dataOf(t, full())
	b.press("/", "text:weekly", "text: is:odd")
	b.sees("is:odd: rows are unseen, bad, dropped, measured, or named by dup, leak")
	if len(d.rows.visible) != 140 {
		t.Errorf("%d rows, want those of weekly", len(d.rows.visible))
	}
	b.press("ctrl+w", "text:has:loc", "tab")
	b.sees("has:location")
	b.press("esc")
	if len(d.rows.visible) != 554 || d.search.problem != nil {
		t.Errorf("%d rows after esc, %v", len(d.rows.visible), d.search.problem)
	}
}

func TestFacetsAreChosen(t *testing.T) {
	b, d := dataOf(t, full())
	b.press("s", "text:is:dropped", "enter")
	b.sees("/ is:dropped", "1 row")
	b.press("s", "text:is:dropped", "enter") // again: taken out
	if len(d.rows.visible) != 554 || d.filter.text() != "" {
		t.Errorf("%d rows, filter %q", len(d.rows.visible), d.filter.text())
	}
}

// Choosing the hardest rows measures them and then sorts: one whose loss is no
// number first, dropped ones last.
func TestHardestRowsAreMeasuredAndSorted(t *testing.T) {
	b, d := dataOf(t, full(), func(o *Options) { o.RunDir = "runs/2026-11-23-1530-calendar" })
	b.press("s", "text:hardest", "enter")
	rows := d.rows.visible
	if len(rows) != 554 || rows[0] != 12 || rows[1] != 553 || rows[553] != 5 {
		t.Errorf("rows %v … %v", rows[:3], rows[551:])
	}
	b.sees("measured 554 rows under tuned of 2026-11-23-1530-calendar", "NaN", "1.38")
	b.press("home", "tab")
	b.sees("NaN nats a token", "worst", "under tuned of 2026-11-23-1530-calendar")
}

// A measuring under way is shown and can be stopped; what it brought stays.
func TestMeasuringIsStopped(t *testing.T) {
	f := full()
	begun := make(chan struct{})
	f.work.Measure = func(ctx context.Context, s experiments.Side, rows []int, seen func(losses, int, int)) error {
		if s != (experiments.Side{}) || rows[0] != 2 || len(rows) != 554 {
			t.Errorf("side %v, first row %d of %d", s, rows[0], len(rows))
		}
		seen(losses{Source: "x", Model: "a model", Rows: []rowLoss{{Row: 2, Nats: 0.25, Tokens: []float32{0.25}}}}, 1, len(rows))
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}
	b, d := dataOf(t, f)
	b.press("down", "down")
	_, cmd := b.Update(keyPress("L"))
	batch := cmd().(tea.BatchMsg)
	result := make(chan tea.Msg, 1)
	go func() { result <- batch[0]() }()
	<-begun
	b.Update(batch[1]()) // the feed's first state
	b.sees("measuring under a model", "1 of 554", "0.25")
	b.press("L")
	b.send(<-result)
	b.sees("stopped: 1 of 554 rows measured", "0.25")
	if d.loss.stop != nil || d.loss.row(2) == nil {
		t.Error("what was measured is gone")
	}
}

func TestMeasuringNeedsAModelAndAFreeProcess(t *testing.T) {
	f := full()
	noModel(f)
	b, _ := dataOf(t, f)
	b.press("L")
	b.sees("name a model with --model DIR")
	b = started(t)
	b.press("1", "L")
	b.sees("this process is training")
	b.press("e", "enter")
	b.sees("this process is training")
}

// An example is edited and tried without being changed; a text of several lines
// goes to the models as it is.
func TestEditAndTry(t *testing.T) {
	f := full()
	seen := &seenPrompt{}
	f.prompt = seen
	b, d := dataOf(t, f, func(o *Options) { o.RunDir = "runs/x" })
	before := d.work.Splits[0].Rows[1].Text
	b.press("down", "e", "text: or so", "enter")
	b.sees("target", "another", `{"action": "Dinner"}`, "Calendar: ")
	if seen.text != before+" or so" || seen.raw || d.work.Splits[0].Rows[1].Text != before {
		t.Errorf("tried %q (whole prompt: %v)", seen.text, seen.raw)
	}
	b.press("esc")
	b.sees("as trained")
	d.work.Splits[0].Rows[2] = rowView{Text: " a\\b\n\tc ", Prompt: " a\\b\n\tc "}
	b.press("down", "e")
	b.sees(`a\\b\n\tc`)
	b.press("enter")
	if seen.text != " a\\b\n\tc " || !seen.raw {
		t.Errorf("tried %q (whole prompt: %v)", seen.text, seen.raw)
	}
	d.work.Splits[0].Rows[3].Text = "\x1b[2J"
	b.press("esc", "down", "e")
	b.sees("control characters")
	d.work.Splits[0].Rows[3].Text = strings.Repeat("x", 5000)
	b.press("e")
	b.sees("up to 4 096 can be edited")
}

// seenPrompt keeps what was tried.
type seenPrompt struct {
	fakePrompt
	text string
	raw  bool
}

func (s *seenPrompt) Try(ctx context.Context, text string, raw bool, sides [2]bool, seen func(int, experiments.TriedToken)) ([2]*generated, error) {
	s.text, s.raw = text, raw
	return s.fakePrompt.Try(ctx, text, raw, sides, seen)
}

func FuzzEscaped(f *testing.F) {
	f.Add("a\\nb\n\t\r\\")
	f.Fuzz(func(t *testing.T, text string) {
		line := escaped(text)
		if strings.ContainsAny(line, "\n\r\t") || unescaped(line) != text {
			t.Errorf("%q is written %q, read %q", text, line, unescaped(line))
		}
	})
}

// Everything of a row can be copied, with a word about what was.
func TestCopy(t *testing.T) {
	var got string
	b, d := dataOf(t, full())
	b.press("y", "p")
	b.sees("no terminal whose clipboard")
	b.app.clip = func(text string) error { got = text; return nil }
	r := &d.work.Splits[0].Rows[0]
	for key, want := range map[string]string{"p": r.Prompt, "c": r.Target, "r": `{"event_text":"` + r.Text} {
		b.press("y", key)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s copies %q", key, got)
		}
		b.sees("copied the ", "of train.jsonl:1", "OSC 52")
	}
	b.press("L", "y", "t")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	tokens := d.work.Tokens(0, 0)
	if len(lines) != len(tokens)+1 || !strings.HasSuffix(lines[1], "\tprompt\tfalse\t\t\"Extract\"") || !strings.Contains(lines[len(lines)-1], "\tend\ttrue\t") {
		t.Errorf("tokens:\n%s", got)
	}
	b.app.clip = func(string) error { return errors.New("the terminal is gone") }
	b.press("y", "c")
	b.sees("not copied: the terminal is gone")
}

func TestClipboardSequences(t *testing.T) {
	text := "a\x1b[2Jb\n会"
	code := base64.StdEncoding.EncodeToString([]byte(text))
	for _, c := range []struct {
		tmux, screen bool
		want         string
	}{
		{false, false, "\x1b]52;c;" + code + "\a"},
		{true, false, "\x1b]52;c;" + code + "\a\x1bPtmux;\x1b\x1b]52;c;" + code + "\a\x1b\\"},
		{false, true, "\x1bP\x1b]52;c;" + code + "\a\x1b\\"},
	} {
		var b strings.Builder
		if err := clipboard(&b, c.tmux, c.screen)(text); err != nil || b.String() != c.want {
			t.Errorf("tmux %v, screen %v: %q, %v", c.tmux, c.screen, b.String(), err)
		}
	}
	var b strings.Builder
	if err := clipboard(&b, false, false)(strings.Repeat("x", maxCopy+1)); err == nil || b.Len() > 0 {
		t.Errorf("too long a text: %v, %d bytes written", err, b.Len())
	}
}

// Pictures are of what is listed.
func TestPicturesFollowTheFilter(t *testing.T) {
	b, d := dataOf(t, full())
	b.lacks("listed")
	b.sees("location")
	whole := d.search.shown.Summary
	b.press("/", "text:tokens>45", "enter")
	b.sees("listed", "of 554 rows")
	if s := d.search.shown.Summary; s.Min <= 45 || s.Rows >= whole.Rows || s.Rows != len(d.rows.visible) {
		t.Errorf("summary %+v", s)
	}
}

// Under every cell of a text in its parts stands a mark; the event is marked where
// it begins and where it ends, on however many lines.
func TestPartLinesMarkTheEvent(t *testing.T) {
	th, w := plainTheme(false), sampleWorkspace()
	for row := range 16 {
		for width := 4; width < 120; width++ {
			lines := partLines(th, w.Trained(0, row), width)
			marks := ""
			for j := 0; j+1 < len(lines); j += 2 {
				if a, b := textWidth(lines[j]), textWidth(lines[j+1]); a != b || a > width {
					t.Fatalf("row %d at %d: %d cells of text, %d of marks", row, width, a, b)
				}
				marks += lines[j+1]
			}
			if strings.Count(marks, "‹") != 1 || strings.Count(marks, "›") != 1 || strings.Index(marks, "‹") > strings.Index(marks, "›") {
				t.Fatalf("row %d at %d: %s", row, width, marks)
			}
		}
	}
}

func TestColumns(t *testing.T) {
	th := plainTheme(false)
	got := th.columns([]int{0, 1, 500, 1000}, 2)
	if want := []string{"   █", " ▁██"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, odd := range [][]int{nil, {0}, {0, 0}} {
		for tall := range 4 {
			if got := th.columns(odd, tall); len(got) != tall {
				t.Errorf("columns(%v, %d) has %d lines", odd, tall, len(got))
			}
		}
	}
}

// huge is a dataset of a million rows that share their text.
func huge() *fakeBackend {
	f := full()
	row, tokens := sampleRow(1)
	const n = 1_000_000
	d := &data.Dataset{Schema: sampleSchema, Train: make([]data.Row, n)}
	sp := splitView{Name: data.Train, Rows: make([]rowView, n)}
	for i := range n {
		d.Train[i] = row
		sp.Rows[i] = rowView{File: row.File, Line: i + 1, Text: row.Event, Event: true, Prompt: row.Prompt, Target: row.Completion}
	}
	w := f.work
	w.Splits, w.Index, w.Findings = []splitView{sp, {Name: data.Eval}, {Name: data.Test}}, data.NewIndex(d, nil, nil), nil
	w.Tokens = func(int, int) []tokenView { return tokens }
	w.Trained = func(int, int) []textPart { return trainedParts(d, &row, "<|im_end|>") }
	return f
}

// A frame of a million rows asks for those that are seen, and a key press makes no
// memory that grows with the rows.
func TestAMillionRowsCostWhatIsSeen(t *testing.T) {
	b, d := dataOf(t, huge())
	b.sees("train 1 000 000")
	b.press("end")
	b.sees("999999")
	b.press("/", "text:wee", "enter")
	b.sees("1 000 000 rows")
	grown := testing.AllocsPerRun(5, func() { b.View() })
	few := start(t, full(), 100, 30)
	if usual := testing.AllocsPerRun(5, func() { few.View() }); grown > 2*usual {
		t.Errorf("a frame of a million rows makes %g allocations, one of 554 rows %g", grown, usual)
	}
	if got := testing.AllocsPerRun(5, func() { d.Update(keyPress("x")); d.rows.move(-1) }); got > 100 {
		t.Errorf("a press makes %g allocations", got)
	}
	b.press("/", "text: is:dropped")
	if len(d.rows.visible) != 0 {
		t.Errorf("%d rows are dropped", len(d.rows.visible))
	}
}

// A search under way is given up when the filter changes, and only the last answer
// counts.
func TestSearchesAreReplaced(t *testing.T) {
	b, d := dataOf(t, full())
	b.press("/")
	_, first := b.Update(keyPress("z"))
	_, second := b.Update(keyPress("backspace"))
	b.sees("searching")
	b.run(second)
	rows := len(d.rows.visible)
	b.run(first) // late, and cancelled
	if rows != 554 || len(d.rows.visible) != rows || d.search.busy {
		t.Errorf("%d rows, then %d", rows, len(d.rows.visible))
	}
}

// oddData has rows that nothing fits: wide, broken and endless text, marks and
// names without end, figures that are no numbers.
func oddData() *fakeBackend {
	f := full()
	w := f.work
	long := strings.Repeat("会议 é́ \x1b[31m\t\n", 4000)
	tight := strings.Repeat("会", 30_000)
	rows := w.Splits[0].Rows
	rows[0] = rowView{File: long, Line: 1 << 60, Text: long, Prompt: long, Target: tight, Marks: &rowMarks{Findings: []string{long, "\x1b[2J"}, Dropped: long}}
	rows[1] = rowView{Text: "", Prompt: "", Target: ""}
	rows[2] = rowView{Text: tight, Event: true, Prompt: tight, Target: "\xff\xfe\u202e"}
	trained, tokens := w.Trained, w.Tokens
	w.Trained = func(split, row int) []textPart {
		if split == 0 && row < 3 {
			r := &rows[row]
			return []textPart{{Text: r.Prompt, Kind: partEvent}, {Text: r.Target, Kind: partValue, Name: long}, {Text: "", Kind: partEnd}}
		}
		return trained(split, row)
	}
	w.Tokens = func(split, row int) []tokenView {
		if split == 0 && row < 3 {
			return []tokenView{{Text: long}, {Text: "\xe4\xbc", Target: true, Field: long}, {}, {Text: tight, Target: true, ID: -1}}
		}
		return tokens(split, row)
	}
	w.Raw = func(split, row int) (string, error) {
		if row%2 == 1 {
			return "", errors.New(long)
		}
		return tight + long, nil
	}
	w.Findings = append(w.Findings, data.Finding{ID: long, Severity: "odd", Message: long, Advice: long, Evidence: []string{long}, Split: "none"})
	w.Bad, w.Source = []string{long}, long
	return f
}

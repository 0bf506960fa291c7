package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// recordedRun writes a run directory whose every step took a second and every
// evaluation half of one.
func recordedRun(t *testing.T, info, metrics, trace string) *Player {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{InfoFile(dir): info, MetricsFile(dir): metrics, TracePath(dir): trace} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := OpenPlayer(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

const playedInfo = `{"schema":1,"name":"calendar","state":"failed","pid":7,"started":"2026-11-23T15:30:00Z","elapsed_seconds":60,"step":3,"steps":9,"error":"no supervised tokens","summary":{"loss":1}}`

func secondStep(step int) string {
	return fmt.Sprintf(`{"type":"step","step":%d,"loss":%d,"seconds":1}`+"\n", step, step)
}

const (
	halfEval   = `{"type":"eval","step":2,"split":"eval","loss":0.5,"exact_match":0.25,"n":4,"seconds":0.5}` + "\n"
	resumeTo2  = `{"type":"resume","from":2}` + "\n"
	failedLog  = `{"type":"log","step":3,"level":"error","message":"it failed"}` + "\n"
	tornMetric = `{"type":"step","st`
)

// goTo seeks to a line, in as many calls as it takes.
func goTo(t *testing.T, p *Player, n int) {
	t.Helper()
	for {
		behind, err := p.Seek(n)
		if err != nil {
			t.Fatal(err)
		}
		if !behind {
			return
		}
	}
}

func TestPlayerTimes(t *testing.T) {
	text := `{"type":"log","step":0,"message":"begins"}` + "\n" + secondStep(1) + secondStep(2) + halfEval + resumeTo2 + secondStep(3) +
		`{"type":"step","step":4,"seconds":"NaN"}` + "\n" + `{"type":"step","step":5,"seconds":1e300}` + "\n" + failedLog
	p := recordedRun(t, playedInfo, text, "")
	var came []time.Duration
	for n := range p.Len() + 1 {
		came = append(came, p.Came(n))
	}
	const s, ms = time.Second, time.Millisecond
	last := 3*s + 501*ms + time.Hour
	want := []time.Duration{0, 0, s, 2 * s, 2*s + 500*ms, 2*s + 500*ms, 3*s + 500*ms, 3*s + 501*ms, last, last}
	if !reflect.DeepEqual(came, want) {
		t.Errorf("lines came at %v, want %v", came, want)
	}
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"length", p.Length(), last},
		{"lines at the beginning", p.Until(0), 1},
		{"lines after a second", p.Until(s), 2},
		{"lines a moment before", p.Until(s - 1), 1},
		{"all lines", p.Until(p.Length()), 9},
		{"step after the beginning", p.NextStep(0), s},
		{"step after an evaluation", p.NextStep(2*s + 500*ms), 3*s + 500*ms},
		{"step after the last", p.NextStep(last), last},
		{"mark after the beginning", p.NextMark(0), 2*s + 500*ms},
		{"mark after the last", p.NextMark(3 * s), last},
		{"mark before the end", p.LastMark(last), 2*s + 500*ms},
		{"mark before the first", p.LastMark(s), time.Duration(0)},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
	if at, ok := p.StepCame(3); !ok || at != 3*s+500*ms {
		t.Errorf("step 3 came at %v, %v", at, ok)
	}
	if _, ok := p.StepCame(6); ok {
		t.Error("a step that was never made came")
	}
}

// After every line the history is that of a directory which holds only the lines
// so far, whichever way the player came there.
func TestPlayerHistoryIsThatOfTheMoment(t *testing.T) {
	lines := []string{secondStep(1), halfEval, secondStep(2), secondStep(3), resumeTo2, "broken\n", secondStep(3), failedLog, tornMetric}
	p := recordedRun(t, playedInfo, strings.Join(lines, ""), "")
	want := make([]*History, len(lines)+1)
	for n := range want {
		dir := t.TempDir()
		if err := os.WriteFile(MetricsFile(dir), []byte(strings.Join(lines[:n], "")), 0o644); err != nil {
			t.Fatal(err)
		}
		h, err := ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		want[n] = h
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 6, 9, 0, 8, 3} {
		goTo(t, p, n)
		if got := p.History(); !reflect.DeepEqual(plain(got), plain(want[n])) {
			t.Errorf("after line %d: %+v, want %+v", n, got, want[n])
		}
		if n == 0 {
			continue
		}
		line, err := p.Line(n)
		if err != nil || string(line) != strings.TrimSuffix(lines[n-1], "\n") {
			t.Errorf("line %d is %q, %v", n, line, err)
		}
	}
}

// plain makes empty and missing lists the same.
func plain(h *History) string {
	return fmt.Sprintf("%+v %+v %+v %q", h.Steps, h.Evals, h.Events, h.Notes)
}

func TestPlayerInfoIsThatOfTheMoment(t *testing.T) {
	p := recordedRun(t, playedInfo, secondStep(1)+halfEval+secondStep(2)+failedLog+secondStep(3), "")
	goTo(t, p, 4)
	i := p.Info()
	if p.State() != Running || i.State != Running || i.Step != 2 || i.Steps != 9 || i.Error != "" || i.PID != 0 || i.Summary != nil || i.ElapsedSeconds != 2.5 {
		t.Errorf("in the middle: %s, %+v", p.State(), i)
	}
	if s := p.Summary(); s.State != Running || s.Step != 2 || *s.Loss != 2 || s.Best.ExactMatch != 0.25 || len(s.Spark) != 2 || s.Name != "calendar" {
		t.Errorf("in the middle the list says %+v", s)
	}
	goTo(t, p, p.Len())
	if i := p.Info(); p.State() != Failed || i.Error != "no supervised tokens" || i.PID != 7 || i.ElapsedSeconds != 60 {
		t.Errorf("at the end: %s, %+v", p.State(), i)
	}
	if s := p.Summary(); s.State != Failed || s.Step != 3 || s.Error == "" || len(s.Spark) != 3 {
		t.Errorf("at the end the list says %+v", s)
	}
}

// The gradients are the last that the recorder had written then, also where steps
// were undone and made again, and where a step that failed has no line.
func TestPlayerGradientsAreThoseOfTheMoment(t *testing.T) {
	metrics := secondStep(1) + secondStep(2) + secondStep(3) + `{"type":"intervention","step":4,"action":"rewind","to":1}` + "\n" + secondStep(2) + failedLog
	trace := `{"v":1,"k":"head"}` + "\n" + gradLine(1, "1") + `{"k":"opt","step":1}` + "\n" + gradLine(2, "2") + gradLine(3, "3") + gradLine(4, `"NaN"`) + gradLine(2, "20") + gradLine(3, "30")
	p := recordedRun(t, playedInfo, metrics, trace)
	for _, test := range []struct {
		lines int
		want  string // steps and the last norm
	}{{6, "1 2 3 30"}, {0, " 0"}, {1, "1 1"}, {3, "1 2 3 3"}, {4, "1 2 3 3"}, {5, "1 2 20"}, {2, "1 2 2"}, {6, "1 2 3 30"}} {
		goTo(t, p, test.lines)
		tail, err := p.Gradients(9)
		if err != nil {
			t.Fatal(err)
		}
		norm := 0.0
		if n := len(tail.Steps); n > 0 {
			norm = tail.Steps[n-1].Norm
		}
		if got := fmt.Sprintf("%s %g", stepsOf(tail), norm); got != test.want {
			t.Errorf("after %d lines: %q, want %q", test.lines, got, test.want)
		}
	}
}

func TestPlayerWithoutRecords(t *testing.T) {
	p := recordedRun(t, playedInfo, "", "")
	if behind, err := p.Seek(5); behind || err != nil || p.Len() != 0 || p.Length() != 0 || p.State() != Failed || len(p.History().Steps) != 0 {
		t.Errorf("a run without records: %v, %v, %d lines", behind, err, p.Len())
	}
	if tail, err := p.Gradients(1); err != nil || len(tail.Steps) != 0 {
		t.Errorf("gradients of nothing: %v, %v", tail, err)
	}
	if _, err := OpenPlayer(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory without a run: %v", err)
	}
}

// Long runs are read in bounded pieces.
func TestPlayerSeekIsBounded(t *testing.T) {
	var text strings.Builder
	for s := range 3 * pollRecords {
		text.WriteString(secondStep(s + 1))
	}
	p := recordedRun(t, playedInfo, text.String(), "")
	behind, err := p.Seek(p.Len())
	if !behind || err != nil || p.At() == 0 || p.At() > pollRecords {
		t.Errorf("the first call read %d lines, behind %v, %v", p.At(), behind, err)
	}
	goTo(t, p, p.Len())
	if len(p.History().Steps) != 3*pollRecords {
		t.Errorf("%d steps", len(p.History().Steps))
	}
}

func TestPlayerOfAFileThatShrank(t *testing.T) {
	p := recordedRun(t, playedInfo, secondStep(1)+secondStep(2), "")
	if err := os.Truncate(MetricsFile(p.Dir()), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Seek(2); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("a file that shrank: %v", err)
	}
}

func FuzzPlayer(f *testing.F) {
	f.Add(secondStep(1)+halfEval+resumeTo2+tornMetric, gradLine(1, "1")+gradLine(1, `"NaN"`))
	f.Add("\n\n{}\n", "")
	f.Fuzz(func(t *testing.T, metrics, trace string) {
		p := recordedRun(t, playedInfo, metrics, trace)
		before := time.Duration(0)
		for n := 1; n <= p.Len(); n++ {
			if p.Came(n) < before {
				t.Fatalf("line %d came before the one before it", n)
			}
			before = p.Came(n)
		}
		for _, n := range []int{p.Len() / 2, p.Len(), p.Len() / 3} {
			goTo(t, p, n)
			if _, err := p.Gradients(3); err != nil {
				t.Fatal(err)
			}
			p.Summary()
		}
		goTo(t, p, p.Len())
		h, err := ReadHistory(p.Dir())
		if metrics != "" && (err != nil || plain(p.History()) != plain(h)) {
			t.Errorf("the whole history is %s, want %s, %v", plain(p.History()), plain(h), err)
		}
	})
}

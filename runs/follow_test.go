package runs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// poll polls until nothing is left, and returns whether anything changed.
func poll(t *testing.T, f *Follower) bool {
	t.Helper()
	changed := false
	for {
		c, err := f.Poll()
		if err != nil {
			t.Fatal(err)
		}
		changed = changed || c
		if !f.Behind() {
			return changed
		}
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFollowerGrows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := Follow(dir)
	if poll(t, f) || f.State() != Absent {
		t.Error("something is there before the directory")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if poll(t, f) {
		t.Error("an empty directory is a change")
	}
	path := MetricsFile(dir)
	text := stepLine(1, 1) + stepLine(2, 2) + `{"type":"resume","from":1}` + "\n" + stepLine(2, 20) + "broken\n" + stepLine(3, 3)
	// Byte by byte the history is at every time what ReadHistory says, but for the
	// note about the tail, which may still grow.
	for i := range len(text) {
		appendText(t, path, text[i:i+1])
		poll(t, f)
		want, err := ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(want.Notes); n > 0 && strings.Contains(want.Notes[n-1], "the last one") {
			want.Notes = want.Notes[:n-1]
		}
		got := f.History()
		if stepsText(got) != stepsText(want) || len(got.Events) != len(want.Events) || strings.Join(got.Notes, "\n") != strings.Join(want.Notes, "\n") {
			t.Fatalf("after %d bytes: %s %v\nwant %s %v", i+1, stepsText(got), got.Notes, stepsText(want), want.Notes)
		}
	}
	if poll(t, f) {
		t.Error("a change without one")
	}
	if got := stepsText(f.History()); got != "1=1 2=20 3=3" {
		t.Error(got)
	}
}

func TestFollowerHistoriesDoNotChange(t *testing.T) {
	dir := t.TempDir()
	f := Follow(dir)
	type taken struct {
		h    *History
		copy History
	}
	var all []taken
	for i, line := range []string{
		stepLine(1, 1), stepLine(2, 2), stepLine(3, 3), `{"type":"eval","step":3,"split":"eval"}` + "\n", `{"type":"log","step":3}` + "\n",
		`{"type":"resume","from":1}` + "\n", stepLine(2, 20), `{"type":"eval","step":2,"split":"eval"}` + "\n", stepLine(2, 21), stepLine(4, 4), stepLine(3, 30),
		`{"type":"eval","step":2,"split":"test"}` + "\n", `{"type":"eval","step":1,"split":"test"}` + "\n", `{"type":"eval","step":2,"split":"eval","n":5}` + "\n", "x\n",
	} {
		appendText(t, MetricsFile(dir), line)
		if !poll(t, f) {
			t.Errorf("line %d is no change", i)
		}
		h := f.History()
		all = append(all, taken{h, History{
			Steps: append([]Step{}, h.Steps...), Evals: append([]Eval{}, h.Evals...),
			Events: append([]Event{}, h.Events...), Notes: append([]string{}, h.Notes...),
		}})
		for j, old := range all {
			if len(old.h.Steps) != len(old.copy.Steps) || stepsText(old.h) != stepsText(&old.copy) || fmt.Sprint(old.h.Evals) != fmt.Sprint(old.copy.Evals) || fmt.Sprint(old.h.Events) != fmt.Sprint(old.copy.Events) {
				t.Fatalf("line %d changed the history after line %d", i, j)
			}
		}
	}
	if got := stepsText(f.History()); got != "1=1 2=21 3=30 4=4" {
		t.Error(got)
	}
	var evals []string
	for _, e := range f.History().Evals {
		evals = append(evals, fmt.Sprintf("%d %s %d", e.Step, e.Split, e.N))
	}
	if want := []string{"1 test 0", "2 eval 5", "2 test 0"}; !reflect.DeepEqual(evals, want) {
		t.Error(evals)
	}
}

func TestFollowerSurvivesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	path := MetricsFile(dir)
	f := Follow(dir)
	check := func(what, want string) {
		t.Helper()
		poll(t, f)
		if got := stepsText(f.History()); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(stepLine(1, 1) + stepLine(2, 2))
	check("first", "1=1 2=2")
	write(stepLine(1, 5))
	check("truncated", "1=5")
	write(stepLine(1, 6))
	check("rewritten, same length", "1=6")
	write(stepLine(1, 7) + stepLine(2, 8) + stepLine(3, 9))
	check("rewritten, longer", "1=7 2=8 3=9")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("removed", "1=7 2=8 3=9") // what was read stays on the screen
	write(stepLine(1, 4))
	check("back", "1=4")
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte(stepLine(1, 4)+stepLine(2, 3)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	check("replaced", "1=4 2=3")
}

func TestFollowerIsBounded(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	const n = 3 * pollRecords
	for i := range n {
		b.WriteString(stepLine(i+1, 0.5))
	}
	if err := os.WriteFile(MetricsFile(dir), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	f := Follow(dir)
	before, polls := 0, 0
	for {
		if _, err := f.Poll(); err != nil {
			t.Fatal(err)
		}
		now := len(f.History().Steps)
		if now-before > pollRecords || now == before && f.Behind() {
			t.Fatalf("from %d to %d steps in a poll", before, now)
		}
		before = now
		polls++
		if !f.Behind() {
			break
		}
	}
	if before != n || polls < 3 {
		t.Errorf("%d steps in %d polls", before, polls)
	}
}

func TestFollowerSkipsEndlessLines(t *testing.T) {
	dir := t.TempDir()
	text := stepLine(1, 1) + strings.Repeat("x", 5*maxLine) + "\n" + stepLine(2, 2)
	if err := os.WriteFile(MetricsFile(dir), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f := Follow(dir)
	poll(t, f)
	h := f.History()
	if stepsText(h) != "1=1 2=2" || len(h.Notes) != 1 || !strings.Contains(h.Notes[0], "line 2 is longer") {
		t.Errorf("%s %v", stepsText(h), h.Notes)
	}
}

func TestFollowerState(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s := Store{Root: t.TempDir(), Now: clock}
	w, err := s.Create("x", now)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f := Follow(w.Dir())
	f.now = clock
	if !poll(t, f) || f.State() != Running || f.Info().Name != "x" {
		t.Errorf("%s %+v", f.State(), f.Info())
	}
	now = now.Add(15 * time.Second) // three beats of five seconds
	if poll(t, f) || f.State() != Running {
		t.Error("stale too early")
	}
	now = now.Add(time.Second)
	if !poll(t, f) || f.State() != Stale {
		t.Error("staleness is not noticed")
	}
	if err := w.Progress(0); err != nil {
		t.Fatal(err)
	}
	if !poll(t, f) || f.State() != Running {
		t.Error("not alive again")
	}
	for _, state := range []string{Paused, Finished, Failed, Stopped} {
		if err := w.Update(func(i *RunInfo) { i.State = state }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		if !poll(t, f) || f.State() != state {
			t.Errorf("%s, want %s", f.State(), state)
		}
	}
	now = now.Add(time.Hour)
	if f.State() != Stopped {
		t.Error("a stopped run is stale")
	}
	if err := os.WriteFile(InfoFile(w.Dir()), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Poll(); err == nil || f.State() != Stopped {
		t.Error("a damaged run.json is not reported, or forgets what was known")
	}
	if err := os.Remove(InfoFile(w.Dir())); err != nil {
		t.Fatal(err)
	}
	if !poll(t, f) || f.State() != Absent {
		t.Error("a removed run is still there")
	}
}

func TestFollowerWhileWriting(t *testing.T) {
	s := Store{Root: t.TempDir()}
	w, err := s.Create("x", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	f := Follow(w.Dir())
	var group sync.WaitGroup
	group.Go(func() {
		for i := range n {
			if err := w.Append(Step{Step: i + 1, Loss: Number(i)}); err != nil {
				t.Error(err)
			}
			if i%100 == 50 {
				if err := w.Update(func(info *RunInfo) { info.Step = i }); err != nil {
					t.Error(err)
				}
			}
		}
		if err := w.Update(func(info *RunInfo) { info.State = Finished }); err != nil {
			t.Error(err)
		}
	})
	for f.State() != Finished && !t.Failed() {
		if _, err := f.Poll(); err != nil {
			t.Fatal(err)
		}
		for i, step := range f.History().Steps {
			if step.Step != i+1 {
				t.Fatalf("step %d at %d", step.Step, i)
			}
		}
	}
	group.Wait()
	poll(t, f)
	if len(f.History().Steps) != n || len(f.History().Notes) != 0 {
		t.Errorf("%d steps, %v", len(f.History().Steps), f.History().Notes)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

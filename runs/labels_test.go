package runs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLabelsOfALiveRun labels a run while its writer has it open: the writer goes
// on, run.json keeps its own name, readers see the label's.
func TestLabelsOfALiveRun(t *testing.T) {
	s := Store{Root: filepath.Join(t.TempDir(), "runs")}
	w, err := s.Create("calendar", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := w.Dir()
	if l, err := ReadLabels(dir); err != nil || l.Name != "" || l.Tags != nil {
		t.Errorf("without a file: %+v %v", l, err)
	}
	if err := ChangeLabels(dir, func(l *Labels) {
		l.Name, l.Tags, l.Note = " the good one ", []string{"sweep", "good", "sweep"}, "two\nlines"
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(Step{Step: 1, Loss: 0.5}); err != nil {
		t.Errorf("the writer was disturbed: %v", err)
	}
	if err := w.Update(func(i *RunInfo) { i.State = Finished }); err != nil {
		t.Errorf("the writer was disturbed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := s.Summarize(dir)
	if sum.Name != "the good one" || strings.Join(sum.Tags, " ") != "good sweep" || sum.Note != "two\nlines" || sum.State != Finished {
		t.Errorf("%+v", sum)
	}
	if info, err := ReadInfo(dir); err != nil || info.Name != "calendar" {
		t.Errorf("run.json has the name %q: %v", info.Name, err)
	}
	if err := ChangeLabels(dir, func(l *Labels) { *l = Labels{} }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(LabelsFile(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of no labels is there: %v", err)
	}
	if sum := s.Summarize(dir); sum.Name != "calendar" || sum.Error != "" {
		t.Errorf("%+v", sum)
	}
}

func TestLabelsThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := ChangeLabels(dir, func(l *Labels) { l.Name = "x" }); !errors.Is(err, ErrNotFound) {
		t.Errorf("a directory that is no run: %v", err)
	}
	if err := os.WriteFile(ConfigFile(dir), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	many := make([]string, maxTags+1)
	for i := range many {
		many[i] = strings.Repeat("a", i+1)
	}
	for name, l := range map[string]Labels{
		"long name": {Name: strings.Repeat("n", maxLabelName+1)}, "two lines": {Name: "a\nb"}, "escape": {Name: "\x1b[31m"},
		"tag with a space": {Tags: []string{"a b"}}, "minus": {Tags: []string{"-a"}}, "empty tag": {Tags: []string{""}}, "many": {Tags: many},
		"long tag": {Tags: []string{strings.Repeat("a", maxTag+1)}}, "long note": {Note: strings.Repeat("n", maxNote+1)}, "bell": {Note: "a\x07"},
		"not UTF-8": {Note: "\xff"},
	} {
		if err := ChangeLabels(dir, func(now *Labels) { *now = l }); !errors.Is(err, ErrLabel) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"torn": `{"name": "a`, "number": `{"name": 3}`, "large": `{"note":"` + strings.Repeat("n", maxLabels) + `"}`, "odd": `{"tags":["a b"]}`} {
		if err := os.WriteFile(LabelsFile(dir), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLabels(dir); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if err := ChangeLabels(dir, func(l *Labels) { l.Name = "x" }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: a damaged file was written over: %v", name, err)
		}
		if sum := (Store{}).Summarize(dir); sum.ID != filepath.Base(dir) || sum.Error == "" {
			t.Errorf("%s: %+v", name, sum)
		}
	}
}

func TestParseTags(t *testing.T) {
	tags, err := ParseTags("  #good, lr-sweep\tv1.2 ")
	if err != nil || strings.Join(tags, "|") != "good|lr-sweep|v1.2" {
		t.Errorf("%q %v", tags, err)
	}
	if tags, err := ParseTags(" "); err != nil || len(tags) != 0 {
		t.Errorf("%q %v", tags, err)
	}
	if _, err := ParseTags("good b*d"); !errors.Is(err, ErrLabel) {
		t.Errorf("%v", err)
	}
}

func FuzzLabels(f *testing.F) {
	f.Add([]byte(`{"name":"a","tags":["good"],"note":"n"}`))
	f.Add([]byte(`{"tags":[""]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLabels(text)
		if err == nil && l.check() != nil {
			t.Errorf("%q is read as %+v, which is refused", text, l)
		}
	})
}

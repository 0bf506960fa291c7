package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// readText reads a history whose metrics file has that text.
func readText(t *testing.T, text string) *History {
	t.Helper()
	return readTextIn(t, t.TempDir(), text)
}

func readTextIn(t *testing.T, dir, text string) *History {
	t.Helper()
	if err := os.WriteFile(MetricsFile(dir), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func stepLine(step int, loss float64) string {
	line, err := marshalLine(Step{Type: "step", Step: step, Loss: Number(loss)})
	if err != nil {
		panic(err)
	}
	return string(line)
}

// stepsText is the steps of a history as "1=0.5 2=0.25".
func stepsText(h *History) string {
	var parts []string
	for _, s := range h.Steps {
		parts = append(parts, fmt.Sprintf("%d=%g", s.Step, float64(s.Loss)))
	}
	return strings.Join(parts, " ")
}

// The lines are those of the design, byte for byte.
func TestRecordLines(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 30, 0, 123456789, time.UTC)
	for _, test := range []struct {
		record any
		want   string
	}{
		{
			Step{Step: 1, Epoch: 0.014, Loss: 1.5, CE: 1.25, JSON: 0.5, Field: 0.75, Confidence: 0.125, GradNorm: Number(math.NaN()), LR: 5e-4, Tokens: 960, TargetTokens: 640, Seconds: 1.75},
			`{"type":"step","step":1,"epoch":0.014,"loss":1.5,"ce":1.25,"json":0.5,"field":0.75,"confidence":0.125,"grad_norm":"NaN","lr":0.0005,"tokens":960,"target_tokens":640,"seconds":1.75}`,
		},
		{
			&Eval{Step: 25, Split: "eval", Loss: 0.5, ExactMatch: 0.25, JSONValidity: 1, FieldAccuracy: 0.875, N: 32},
			`{"type":"eval","step":25,"split":"eval","loss":0.5,"exact_match":0.25,"json_validity":1,"field_accuracy":0.875,"n":32}`,
		},
		{Resume{From: 50}, `{"type":"resume","from":50}`},
		{Checkpoint{Step: 50, Path: "checkpoints/step-000050", Best: true}, `{"type":"checkpoint","step":50,"time":"2026-11-23T15:30:00.123Z","path":"checkpoints/step-000050","best":true}`},
		{Intervention{Step: 131, Action: ActionSetLR, Value: 2e-4, Previous: 4e-4}, `{"type":"intervention","step":131,"time":"2026-11-23T15:30:00.123Z","action":"set-lr","value":0.0002,"previous":0.0004}`},
		{Alert{Step: 41, ID: "MASK-ALL", Severity: "error", Message: "row 412 has no targets", Confidence: 0.98}, `{"type":"alert","step":41,"time":"2026-11-23T15:30:00.123Z","id":"MASK-ALL","severity":"error","message":"row 412 has no targets","confidence":0.98}`},
		{Log{Step: 1, Level: "info", Message: "a < b\n"}, `{"type":"log","step":1,"time":"2026-11-23T15:30:00.123Z","level":"info","message":"a < b\n"}`},
		{Sample{Step: 25, Split: "eval", Row: 17, Text: "{}", Tokens: 2, StoppedBy: "closed", Valid: true}, `{"type":"sample","step":25,"time":"2026-11-23T15:30:00.123Z","split":"eval","row":17,"text":"{}","tokens":2,"stopped_by":"closed","valid":true,"exact":false,"field_accuracy":0}`},
	} {
		record, err := typed(test.record, at)
		if err != nil {
			t.Fatal(err)
		}
		line, err := marshalLine(record)
		if err != nil || string(line) != test.want+"\n" {
			t.Errorf("%s\nwant %s (%v)", line, test.want, err)
		}
		back, err := parseRecord(line)
		if err != nil {
			t.Fatal(err)
		}
		again, err := marshalLine(back)
		if err != nil || string(again) != string(line) {
			t.Errorf("read back as %s", again)
		}
	}
	if _, err := typed(map[string]any{"type": "step"}, at); err == nil {
		t.Error("a map is a record")
	}
}

func TestHistoryUndoes(t *testing.T) {
	eval := func(step int, exact float64) string {
		line, _ := marshalLine(Eval{Type: "eval", Step: step, Split: "eval", ExactMatch: Number(exact)})
		return string(line)
	}
	h := readText(t, stepLine(1, 1)+stepLine(2, 2)+eval(2, 0.5)+stepLine(3, 3)+`{"type":"log","step":3,"message":"x"}`+"\n"+eval(3, 0.75)+
		`{"type":"resume","from":2}`+"\n"+stepLine(3, 30)+stepLine(4, 40)+
		`{"type":"intervention","step":4,"action":"rewind","to":1}`+"\n"+stepLine(2, 20)+eval(2, 0.25))
	if got := stepsText(h); got != "1=1 2=20" {
		t.Errorf("steps %s", got)
	}
	if len(h.Evals) != 1 || h.Evals[0].ExactMatch != 0.25 {
		t.Errorf("evals %+v", h.Evals)
	}
	var events []string
	for _, e := range h.Events {
		events = append(events, fmt.Sprintf("%s %d %v", e.Type, e.Step, e.Undone))
	}
	// The rewind itself stays: it is what undid the rest.
	want := []string{"log 3 true", "resume 2 true", "intervention 4 false"}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("events %v", events)
	}
	if len(h.Notes) != 0 {
		t.Errorf("notes %v", h.Notes)
	}
}

func TestHistoryKeepsTheLastLineOfAStep(t *testing.T) {
	h := readText(t, stepLine(1, 1)+stepLine(2, 2)+stepLine(4, 4)+stepLine(2, 22)+stepLine(3, 3))
	if got := stepsText(h); got != "1=1 2=22 3=3 4=4" {
		t.Error(got)
	}
}

func TestHistoryDamage(t *testing.T) {
	h := readText(t, stepLine(1, 1)+
		`{"type":"step","step":2,"loss":NaN}`+"\n"+
		"\x00\x00\n"+
		`{"type":"st`+"\n"+ // torn by a kill, closed off by the next writer
		"\n"+
		`{"step":5}`+"\n"+
		`{"type":"step","step":-1}`+"\n"+
		`[1]`+"\n"+
		`{"type":"later","step":3,"x":1}`+"\n"+
		strings.Repeat("x", maxLine+10)+"\n"+
		stepLine(2, 2)+
		`{"type":"step","step":3,"lo`)
	if got := stepsText(h); got != "1=1 2=2" {
		t.Error(got)
	}
	if len(h.Notes) != 8 || !strings.HasPrefix(h.Notes[0], "line 2 is torn or damaged") || !strings.Contains(h.Notes[6], "line 10 is longer") || h.Notes[7] != "line 12, the last one, is torn and was ignored" {
		t.Errorf("%d notes\n%s", len(h.Notes), strings.Join(h.Notes, "\n"))
	}
	if len(h.Events) != 1 || h.Events[0].Type != "later" || h.Events[0].Step != 3 {
		t.Errorf("%+v", h.Events)
	}
	if _, ok := h.Events[0].Record.(json.RawMessage); !ok {
		t.Errorf("%T", h.Events[0].Record)
	}
	many := readText(t, strings.Repeat("x\n", 1000))
	if len(many.Notes) != maxNotes || many.Notes[maxNotes-1] != "and 951 more lines" {
		t.Errorf("%d notes, the last %q", len(many.Notes), many.Notes[len(many.Notes)-1])
	}
}

func TestHistoryOfNothing(t *testing.T) {
	dir := t.TempDir()
	if h, err := ReadHistory(dir); err != nil || len(h.Steps) != 0 {
		t.Errorf("%+v %v", h, err)
	}
	if _, err := ReadHistory(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	h := &History{}
	if _, ok := h.LastStep(); ok {
		t.Error("a last step of none")
	}
	if _, ok := h.BestEval("eval", ""); ok {
		t.Error("a best evaluation of none")
	}
}

func TestBestEval(t *testing.T) {
	nan := Number(math.NaN())
	h := &History{Evals: []Eval{
		{Step: 1, Split: "eval", ExactMatch: 0.5, Loss: 1},
		{Step: 2, Split: "eval", ExactMatch: 0.6, Loss: nan},
		{Step: 3, Split: "eval", ExactMatch: 0.6, Loss: 2},
		{Step: 4, Split: "eval", ExactMatch: 0.6, Loss: 2},
		{Step: 5, Split: "eval", ExactMatch: 0.6, Loss: nan},
		{Step: 6, Split: "test", ExactMatch: 1},
	}}
	if e, _ := h.BestEval("eval", ""); e.Step != 3 {
		t.Errorf("best %+v", e)
	}
	if e, _ := h.LastEval("eval"); e.Step != 5 {
		t.Errorf("last %+v", e)
	}
}

// Each score has a best of its own; among equals the lower loss, then the earlier.
func TestBestEvalByScore(t *testing.T) {
	h := &History{Evals: []Eval{
		{Step: 1, Split: "eval", ExactMatch: 0.7, FieldAccuracy: 0.8, JSONValidity: 0.9, Loss: 0.5},
		{Step: 2, Split: "eval", ExactMatch: 0.6, FieldAccuracy: 0.9, JSONValidity: 0.9, Loss: 0.4},
		{Step: 3, Split: "eval", ExactMatch: 0.6, FieldAccuracy: Number(math.NaN()), JSONValidity: 1, Loss: 0.45},
		{Step: 4, Split: "eval", ExactMatch: 0.5, FieldAccuracy: 0.9, JSONValidity: 1, Loss: 0.3},
		{Step: 5, Split: "eval", ExactMatch: 0.5, FieldAccuracy: 0.9, JSONValidity: 1, Loss: 0.3},
		{Step: 6, Split: "eval", ExactMatch: 0.5, FieldAccuracy: 0.2, JSONValidity: 0.2, Loss: Number(math.NaN())},
	}}
	for by, want := range map[string]int{"": 1, ScoreExact: 1, ScoreFields: 4, ScoreValidity: 4, ScoreLoss: 4} {
		if e, _ := h.BestEval("eval", by); e.Step != want {
			t.Errorf("by %q step %d is the best, want %d", by, e.Step, want)
		}
	}
	if len(Scores()) != 4 {
		t.Error("a score is not tested")
	}
}

// A metrics file cut at any byte loses at most its last line.
func TestTruncationLosesAtMostTheLastLine(t *testing.T) {
	text := stepLine(1, 1) + stepLine(2, math.NaN()) + `{"type":"resume","from":1}` + "\n" + stepLine(2, 3)
	dir := t.TempDir()
	for cut := range len(text) + 1 {
		piece := text[:cut]
		h := readTextIn(t, dir, piece)
		whole := readTextIn(t, dir, piece[:strings.LastIndexByte(piece, '\n')+1])
		lost := len(whole.Steps)+len(whole.Events) > len(h.Steps)+len(h.Events) && !strings.HasSuffix(piece, `"from":1}`)
		if lost || len(h.Notes) > 1 {
			t.Fatalf("cut at %d: %s, notes %v", cut, stepsText(h), h.Notes)
		}
		// A writer closes the tear off and goes on.
		if err := os.WriteFile(MetricsFile(dir), []byte(piece), 0o644); err != nil {
			t.Fatal(err)
		}
		log, err := openLog(MetricsFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := log.write([]byte(stepLine(9, 9))); err != nil {
			t.Fatal(err)
		}
		if err := log.f.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := after.LastStep(); s.Step != 9 || len(after.Steps) != len(h.Steps)+1 {
			t.Fatalf("cut at %d, then gone on: %s", cut, stepsText(after))
		}
	}
}

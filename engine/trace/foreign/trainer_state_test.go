package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/internal/lookalike"
)

func readState(t *testing.T, text string) *trace.Log {
	t.Helper()
	l, err := ReadTrainerState(strings.NewReader(text), "trainer_state.json")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTrainerState(t *testing.T) {
	l := readState(t, `{"global_step": 2, "max_steps": 4, "total_flos": 12.0, "num_train_epochs": 1, "x": null, "note": "NaN, Infinity and \"NaN\"",
  "log_history": [
    {"epoch": 0.25, "grad_norm": NaN, "learning_rate": 1e-05, "loss": 2.5, "step": 1},
    {"epoch": 0.5, "grad_norm": -Infinity, "loss": Infinity, "lr": 2e-5, "comment": "NaN", "step": 2.0, "eval_loss": 1, "nested": {"loss": 9, "list": [NaN]}},
    {"loss": "1.25", "grad_norm": null, "step": 3},
    {"train_runtime": 4.5, "train_loss": NaN, "step": 3, "train_samples_per_second": 2}
  ]}`)
	if len(l.Notes) != 0 {
		t.Errorf("notes %q", l.Notes)
	}
	loss := l.Series[trace.Loss]
	if len(loss) != 3 || loss[0].Value != 2.5 || !math.IsInf(loss[1].Value, 1) || loss[2].Value != 1.25 {
		t.Errorf("losses %v", loss)
	}
	if got := l.At(loss[1].Ref); got != "trainer_state.json:4" {
		t.Errorf("the second loss is at %s, not in line 4", got)
	}
	if n := l.Series[trace.GradNorm]; len(n) != 2 || !math.IsNaN(n[0].Value) || !math.IsInf(n[1].Value, -1) {
		t.Errorf("norms %v", n)
	}
	if lr := l.Series[trace.LearningRate]; len(lr) != 2 || lr[1].Value != 2e-5 {
		t.Errorf("rates %v", lr)
	}
	if e := l.Series[trace.EvalLoss]; len(e) != 1 || e[0].Step != 2 || e[0].Value != 1 {
		t.Errorf("evaluations %v", e)
	}
	if l.Totals[trace.TrainRuntime] != 4.5 || !math.IsNaN(l.Totals[trace.TrainLoss]) {
		t.Errorf("totals %v", l.Totals)
	}
	if len(l.Checkpoints) != 1 || l.Checkpoints[0].FLOs != 12 || l.Checkpoints[0].Step != 2 {
		t.Errorf("checkpoints %v", l.Checkpoints)
	}
}

// Text in a string is never a number, wherever its quotes and escapes are.
func TestNaNInStrings(t *testing.T) {
	for _, text := range []string{`NaN`, `\"NaN`, `NaN\\`, `\\\"NaN\\\"`, `: NaN, `, `Infinity`, `-Infinity`, `\u004eaN`, `é NaN 漢`} {
		args, err := ReadArgs(strings.NewReader(`{"output_dir": "` + text + `", "x": NaN}`))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		s, ok := args["output_dir"].(string)
		if !ok || !strings.Contains(s, "NaN") && !strings.Contains(s, "Infinity") {
			t.Errorf("%q became %v", text, args["output_dir"])
		}
		if x, ok := args["x"].(float64); !ok || !math.IsNaN(x) {
			t.Errorf("beside %q NaN became %v", text, args["x"])
		}
	}
}

func TestTrainerStateRefused(t *testing.T) {
	for _, text := range []string{``, `{}`, `[]x`, `null`, `"log_history"`, `{"a": 1}`, `{"log_history": 3}`, `nonsense`, "\x00\x01", `{"log_history`} {
		if _, err := ReadTrainerState(strings.NewReader(text), "x"); text != `[]x` && !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
	deep := `{"log_history": [{"step": 1, "loss": 1}], "x": ` + strings.Repeat("[", 100_000)
	l, err := ReadTrainerState(strings.NewReader(deep), "x")
	if err != nil || len(l.Series[trace.Loss]) != 1 || !strings.Contains(strings.Join(l.Notes, ""), "within each other") {
		t.Errorf("a deep file: %v, %+v", err, l)
	}
}

// Whatever a file is cut to, it gives what was whole before the cut, and never a
// number that the cut made.
func TestTrainerStateCut(t *testing.T) {
	whole := lookalike.MaskedMPS().TrainerState(75)
	full := readState(t, string(whole))
	for n := range whole {
		l, err := ReadTrainerState(bytes.NewReader(whole[:n]), "x")
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		for name, s := range l.Series {
			for i, x := range s {
				want := full.Series[name][i]
				if x.Step != want.Step || x.Value != want.Value && !(math.IsNaN(x.Value) && math.IsNaN(want.Value)) {
					t.Fatalf("cut at %d: %s[%d] is %v, whole %v", n, name, i, x, want)
				}
			}
		}
		for name, x := range l.State {
			if x != full.State[name] {
				t.Fatalf("cut at %d: %s is %v, whole %v", n, name, x, full.State[name])
			}
		}
		if n < len(whole)-2 && len(l.Notes) == 0 {
			t.Fatalf("cut at %d: no note", n)
		}
		if n%50 == 0 {
			trace.Diagnose(l)
		}
	}
}

// endless repeats a piece of a file until so many bytes were read.
type endless struct {
	head, piece string
	left        int
	buf         string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	if e.head != "" {
		e.buf, e.head = e.head, ""
	}
	if e.buf == "" {
		e.buf = e.piece
	}
	n := copy(p, e.buf)
	e.buf = e.buf[n:]
	e.left -= n
	return n, nil
}

// A file of any size is read in bounded memory: 48 MB of it here, made as it is
// read.
func TestTrainerStateStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 48 MB")
	}
	for name, e := range map[string]*endless{
		"a list that is not looked at": {head: `{"global_step": 1, "log_history": [{"step": 1, "loss": 2}], "x": [`, piece: `{"a": [1, 2, "NaN"], "b": NaN}, `, left: 24 << 20},
		"a string without end":         {head: `{"global_step": 1, "log_history": [{"step": 1, "loss": 2}], "x": "`, piece: strings.Repeat("y", 1000), left: 24 << 20},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l, err := ReadTrainerState(e, "x")
		runtime.ReadMemStats(&after)
		if err != nil || len(l.Series[trace.Loss]) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
}

func TestKeeperLimits(t *testing.T) {
	k := newKeeper("x", "x")
	for i := range 2 * maxSeries {
		k.add(fmt.Sprint(i), trace.Sample{Step: i})
	}
	if len(k.log.Series) != maxSeries || len(k.log.Notes) != 1 {
		t.Errorf("%d series, notes %q", len(k.log.Series), k.log.Notes)
	}
	k.samples = maxSamples
	k.add("0", trace.Sample{Step: 7})
	if len(k.log.Series["0"]) != 1 {
		t.Error("a value was kept beyond the limit")
	}
}

func FuzzTrainerState(f *testing.F) {
	for _, r := range lookalike.Failing()[:3] {
		f.Add(r.TrainerState(50))
	}
	f.Add([]byte(`[{"step": 1, "loss": NaN}]`))
	f.Add([]byte("{\"log_history\": [{\"step\": 1, \"loss\": 1e999, \"a\": \"\\ud800\xff\"}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ReadTrainerState(bytes.NewReader(data), "x")
		if err != nil {
			return
		}
		for _, finding := range trace.Analyze(l).Findings {
			if !(finding.Confidence >= 0 && finding.Confidence <= 1) {
				t.Errorf("%+v", finding)
			}
		}
	})
}

package runs

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCreateNames(t *testing.T) {
	s := Store{Root: filepath.Join(t.TempDir(), "deep", "runs")}
	now := time.Date(2026, 11, 23, 15, 30, 59, 0, time.UTC)
	for _, test := range []struct{ name, want string }{
		{"calendar", "2026-11-23-1530-calendar"},
		{"calendar", "2026-11-23-1530-calendar-2"},
		{"calendar", "2026-11-23-1530-calendar-3"},
		{"../../etc/passwd", "2026-11-23-1530-etc-passwd"},
		{"a b/c:d*e", "2026-11-23-1530-a-b-c-d-e"},
		{"Größe_1.5", "2026-11-23-1530-Größe_1.5"},
		{"...", "2026-11-23-1530-run"},
		{"", "2026-11-23-1530-run-2"},
		{"\x00\xff", "2026-11-23-1530-run-3"},
		{strings.Repeat("ü", 200), "2026-11-23-1530-" + strings.Repeat("ü", 30)},
	} {
		w, err := s.Create(test.name, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(w.Dir()); got != test.want || w.Info().ID != test.want {
			t.Errorf("%q: %s, want %s", test.name, got, test.want)
		}
		if test.name != "" && w.Info().Name != test.name {
			t.Errorf("name %q", w.Info().Name)
		}
		if filepath.Dir(w.Dir()) != s.Root {
			t.Errorf("%s is outside the store", w.Dir())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWriterLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenWriter(dir)
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.PID != os.Getpid() || !strings.Contains(err.Error(), "written by process") {
		t.Errorf("a second writer: %v", err)
	}
	if err := w.Append(Step{Step: 1}); err != nil {
		t.Error("the refused writer disturbed the first:", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error("second Close:", err)
	}
	for what, err := range map[string]error{
		"Append": w.Append(Step{}), "Update": w.Update(func(*RunInfo) {}), "Progress": w.Progress(1), "Sync": w.Sync(), "AppendTrace": w.AppendTrace(map[string]any{}),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	again, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if h, err := ReadHistory(dir); err != nil || len(h.Steps) != 1 {
		t.Errorf("%+v %v", h, err)
	}
}

func TestUpdate(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	s := Store{Root: t.TempDir(), Now: func() time.Time { return now }}
	w, err := s.Create("x", now)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now = now.Add(10 * time.Second)
	err = w.Update(func(i *RunInfo) {
		i.Step, i.Steps, i.Version = 3, 10, "v"
		i.Resolved = map[string]any{"threads": 2, "nan": math.NaN()}
		i.Hashes = map[string]string{"data": "abc"}
		i.Summary = map[string]any{"inner": map[string]any{"inf": math.Inf(1)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadInfo(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got.Step != 3 || got.Resolved["nan"] != "NaN" || !reflect.DeepEqual(got.Summary, map[string]any{"inner": map[string]any{"inf": "+Inf"}}) || got.PID != os.Getpid() || got.ElapsedSeconds != 10 || !got.Ended.IsZero() {
		t.Errorf("%+v", got)
	}
	// A paused run is live, a finished one is not.
	now = now.Add(5 * time.Second)
	if err := w.Update(func(i *RunInfo) { i.State = Finished }); err != nil {
		t.Fatal(err)
	}
	ended := now
	now = now.Add(time.Hour)
	if err := w.Update(func(i *RunInfo) { i.Summary = nil }); err != nil {
		t.Fatal(err)
	}
	got, err = ReadInfo(w.Dir())
	if err != nil || got.ElapsedSeconds != 15 || !got.Ended.Equal(ended) || !got.Updated.Equal(now) {
		t.Errorf("%+v %v", got, err)
	}
	if err := w.Update(func(i *RunInfo) { i.State = "sleeping" }); err == nil || w.Info().State != Finished {
		t.Errorf("an unknown state is written: %v", err)
	}
	if err := w.Update(func(i *RunInfo) { i.Machine = map[string]any{"f": func() {}} }); err == nil || w.Info().Machine != nil {
		t.Errorf("what cannot be encoded is kept: %v", err)
	}
	// A reader of an Info cannot change the writer's.
	w.Info().Hashes["data"] = "changed"
	if w.Info().Hashes["data"] != "abc" {
		t.Error("maps are shared")
	}
}

// Steps of a millisecond do not rewrite run.json each; what they counted goes with
// the next write, at the latest after a second, and at once with a state.
func TestProgress(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	s := Store{Root: t.TempDir(), Now: func() time.Time { return now }}
	w, err := s.Create("x", now)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	written := func() RunInfo {
		t.Helper()
		info, err := ReadInfo(w.Dir())
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := now
	step := func(after time.Duration, step int) {
		t.Helper()
		now = now.Add(after)
		if err := w.Progress(step); err != nil {
			t.Fatal(err)
		}
		if w.Info().Step != step {
			t.Errorf("step %d is not counted", step)
		}
	}
	for i := 1; i <= 999; i++ {
		step(time.Millisecond, i)
		if i := written(); i.Step != 0 || !i.Updated.Equal(first) {
			t.Fatalf("written within the first second: step %d", i.Step)
		}
	}
	step(time.Millisecond, 1000)
	if i := written(); i.Step != 1000 || !i.Updated.Equal(now) || i.ElapsedSeconds != 1 {
		t.Errorf("after a second: %+v", i)
	}
	step(time.Millisecond, 1001)
	if err := w.Update(func(i *RunInfo) { i.State = Paused }); err != nil {
		t.Fatal(err)
	}
	if i := written(); i.Step != 1001 || i.State != Paused {
		t.Errorf("after a change of state: %+v", i)
	}
	// A reader that was told of shorter heartbeats gets them.
	if err := w.Update(func(i *RunInfo) { i.HeartbeatSeconds = 0.1 }); err != nil {
		t.Fatal(err)
	}
	step(100*time.Millisecond, 1002)
	if i := written(); i.Step != 1002 {
		t.Errorf("after a short heartbeat: %+v", i)
	}
	// Nor does a clock that was set back silence it.
	step(-time.Hour, 1003)
	if i := written(); i.Step != 1003 || !i.Updated.Equal(now) {
		t.Errorf("after the clock was set back: %+v", i)
	}
}

func TestKeepAlive(t *testing.T) {
	w, err := OpenWriter(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Update(func(i *RunInfo) { i.HeartbeatSeconds = 0.01 }); err != nil {
		t.Fatal(err)
	}
	first := w.Info().Updated
	stop := w.KeepAlive()
	for w.Info().Updated.Equal(first) {
		time.Sleep(time.Millisecond)
	}
	stop()
	stop()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenWriterClearsLeftovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SaveCheckpoint(25, saveState("25"), 3, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cp := CheckpointsDir(dir)
	must(os.MkdirAll(filepath.Join(cp, ".tmp-step-000050-123"), 0o755))
	must(os.Rename(filepath.Join(cp, "step-000025"), filepath.Join(cp, ".old-step-000025"))) // killed between the two renames
	must(os.WriteFile(filepath.Join(dir, ".tmp-run.json-9"), []byte("{"), 0o644))
	must(os.MkdirAll(filepath.Join(dir, ".old-adapter"), 0o755))
	must(os.MkdirAll(filepath.Join(dir, "adapter"), 0o755))
	if w, err = OpenWriter(dir); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var names []string
	for _, d := range []string{dir, cp} {
		entries, err := os.ReadDir(d)
		must(err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	if want := []string{"adapter", "checkpoints", "metrics.jsonl", "run.json", "writer.lock", "step-000025"}; !reflect.DeepEqual(names, want) {
		t.Errorf("%v", names)
	}
	if c, ok, err := LatestCheckpoint(dir); err != nil || !ok || c.Step != 25 {
		t.Errorf("%+v %v %v", c, ok, err)
	}
}

func TestOpenWriterRefusesDamage(t *testing.T) {
	for _, text := range []string{"", "{", `{"state": "x"}`, `{"state": "running", "schema": 99}`, `[]`} {
		dir := t.TempDir()
		if err := os.WriteFile(InfoFile(dir), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWriter(dir); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", text, err)
		}
		if got, _ := os.ReadFile(InfoFile(dir)); string(got) != text {
			t.Errorf("%s was replaced", text)
		}
		// And the lock is free again.
		if lock, err := lockDir(dir); err != nil {
			t.Error(err)
		} else if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

func TestWriterFiles(t *testing.T) {
	w, err := OpenWriter(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.WriteConfig([]byte("seed = 1\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteEval("base", "te/st", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		err := w.WriteAdapter(func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte{byte('0' + i)}, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteAdapter(func(string) error { return errors.New("no") }); err == nil {
		t.Error("a failed write is no error")
	}
	for path, want := range map[string]string{
		ConfigFile(w.Dir()): "seed = 1\n", EvalFile(w.Dir(), "base", "te/st"): "{}", filepath.Join(AdapterDir(w.Dir()), "adapter_config.json"): "1",
	} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if filepath.Base(EvalFile("d", "base", "te/st")) != "base-te-st.json" {
		t.Error(EvalFile("d", "base", "te/st"))
	}
	if err := w.AppendTrace(map[string]any{"k": "grad", "step": 1, "norm": math.NaN(), "norms": map[string]float64{"x": math.Inf(1)}}); err != nil {
		t.Fatal(err)
	}
	tail, err := ReadGradients(w.Dir(), 1)
	if err != nil || len(tail.Steps) != 1 || !math.IsNaN(tail.Steps[0].Norm) || !math.IsInf(tail.Steps[0].Norms["x"], 1) {
		t.Errorf("%+v %v", tail, err)
	}
	if err := w.Append(Log{Message: strings.Repeat("x", maxLine)}); err == nil {
		t.Error("a line that readers skip was written")
	}
}

func saveState(text string) func(dir string) error {
	return func(dir string) error {
		state, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "state.json"), state, 0o644)
	}
}

// names lists the checkpoints of a run as "25 50", the unusable with a "!".
func names(t *testing.T, dir string) string {
	t.Helper()
	all, err := Checkpoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, c := range all {
		s := strings.TrimLeft(strings.TrimPrefix(filepath.Base(c.Path), "step-"), "0")
		if c.Problem != "" {
			s += "!"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestSaveCheckpoint(t *testing.T) {
	w, err := OpenWriter(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, err := w.Checkpoints(); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	save := func(step, keep int, best, want string) {
		t.Helper()
		path, err := w.SaveCheckpoint(step, saveState("x"), keep, best)
		if err != nil || filepath.Base(path) != CheckpointName(step) {
			t.Fatal(path, err)
		}
		if got := names(t, w.Dir()); got != want {
			t.Errorf("after step %d: %s, want %s", step, got, want)
		}
	}
	save(25, 2, "", "25")
	save(50, 2, "", "25 50")
	save(75, 2, "step-000025", "25 50 75")
	save(100, 2, filepath.Join(CheckpointsDir(w.Dir()), "step-000025"), "25 75 100")
	save(125, 1, "step-000075", "75 125")
	save(125, 1, "step-000075", "75 125") // again: replaced
	save(150, 0, "", "150")               // at least the one just written
	save(1000000, 3, "", "150 1000000")
	save(30, 1, "", "30") // after going back: what was just written stays, though it is not the highest
	save(40, 5, "", "30 40")
	if err := w.DropCheckpoints(30); err != nil || names(t, w.Dir()) != "30" {
		t.Error(names(t, w.Dir()), err)
	}
	failed := errors.New("disk full")
	if _, err := w.SaveCheckpoint(60, func(dir string) error {
		if err := saveState("half")(dir); err != nil {
			return err
		}
		return failed
	}, 1, ""); !errors.Is(err, failed) || names(t, w.Dir()) != "30" {
		t.Error(err, names(t, w.Dir()))
	}
	if _, err := w.SaveCheckpoint(-1, saveState("x"), 1, ""); err == nil {
		t.Error("a negative step")
	}
	if entries, err := os.ReadDir(CheckpointsDir(w.Dir())); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v %v", entries, err)
	}
}

func TestCheckpointsValidity(t *testing.T) {
	dir := t.TempDir()
	tensors := func(header string, data int) string {
		return string([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}) + header + strings.Repeat("\x00", data)
	}
	const header = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"format":"pt"}}`
	for step, files := range map[int]map[string]string{
		1: {"state.json": "{}", "optimizer.safetensors": tensors(header, 8)},
		2: {"state.json": "{}", "optimizer.safetensors": tensors(header, 7)},
		3: {"state.json": "{}", "optimizer.safetensors": tensors(header, 9)},
		4: {"state.json": `{"a":`},
		5: {"optimizer.safetensors": tensors(header, 8)},
		6: {"state.json": "{}", "optimizer.safetensors": ""},
		7: {"state.json": "{}", "optimizer.safetensors": "\xff\xff\xff\xff\xff\xff\xff\xff"},
		8: {"state.json": "{}", "optimizer.safetensors": tensors(`{"a":{"data_offsets":[0,9223372036854775807]}}`, 8)},
		9: {"state.json": "{}", "optimizer.safetensors": tensors(`[]`, 0)},
	} {
		path := filepath.Join(CheckpointsDir(dir), CheckpointName(step))
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, other := range []string{"step-50", "step-0000001", "step--00001", "best", ".tmp-step-000099-1"} {
		if err := os.MkdirAll(filepath.Join(CheckpointsDir(dir), other), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); got != "1 2! 3! 4! 5! 6! 7! 8! 9!" {
		t.Error(got)
	}
	c, ok, err := LatestCheckpoint(dir)
	if err != nil || !ok || c.Step != 1 {
		t.Errorf("%+v %v %v", c, ok, err)
	}
	if _, ok, err := LatestCheckpoint(t.TempDir()); ok || err != nil {
		t.Error(ok, err)
	}
}

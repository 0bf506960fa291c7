package foreign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/internal/lookalike"
)

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// The checkpoints and the event file of one run are one log; another run beside it
// is another.
func TestOpenDir(t *testing.T) {
	dir := t.TempDir()
	r := lookalike.Constant()
	write(t, dir, "checkpoint-100/trainer_state.json", r.TrainerState(100))
	write(t, dir, "checkpoint-200/trainer_state.json", r.TrainerState(200))
	write(t, dir, "trainer_state.json", r.TrainerState(0))
	write(t, dir, "runs/Aug28/events.out.tfevents.1.host", r.Events())
	write(t, dir, "checkpoint-200/optimizer.pt", nil)
	write(t, dir, "checkpoint-200/training_args.bin", nil)
	write(t, dir, "other/trainer_state.json", lookalike.Healthy(3).TrainerState(0))
	write(t, dir, "other/pointer.tfevents", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"))
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Runs) != 2 || len(d.Pickles) != 2 {
		t.Fatalf("%d runs, pickles %q", len(d.Runs), d.Pickles)
	}
	l := d.Runs[0]
	if len(l.Files) != 4 || l.Files[0] != "trainer_state.json" {
		t.Errorf("files %q", l.Files)
	}
	if len(l.Checkpoints) != 3 {
		t.Errorf("checkpoints %v", l.Checkpoints)
	}
	if l.Args == nil || l.Series[trace.Loss][0].Wall == 0 {
		t.Error("the event file's arguments or times are not there")
	}
	if n := len(l.Series[trace.Loss]); n != r.Steps()/r.LoggingSteps {
		t.Errorf("%d losses", n)
	}
	c, ok := l.CountTokens()
	if !ok || c.Whole != 86 || c.Checkpoints != 3 || !c.Exact {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(strings.Join(d.Notes, "\n"), "Git LFS") {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestOpenDirNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenDir(dir); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	write(t, dir, "trainer_state.json", []byte("{"))
	if _, err := OpenDir(dir); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "trainer_state.json") {
		t.Error(err)
	}
}

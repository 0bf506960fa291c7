package cli

import (
	"bufio"
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hone/runs"
)

// process is a hone that runs beside the test.
type process struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr bytes.Buffer
}

// prepare makes a hone in a directory of its own with the toy model.
func prepare(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("hone", args...), t: t}
	p.Dir = dir
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

func (p *process) start() *process {
	p.t.Helper()
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// code waits for the end and returns the exit code, -1 after a kill.
func (p *process) code() int {
	p.t.Helper()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

func workDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := install(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// trainArgs is a run with dropout, evaluations and frequent checkpoints.
func trainArgs(runDir string, more ...string) []string {
	return append([]string{
		"train", "--model", "model", "--data", "events", "--run-dir", runDir, "--json",
		"--set", "train.epochs=12", "--set", "train.eval_every=7", "--set", "train.checkpoint_every=3", "--set", "train.micro_batch=300",
		"--set", "train.eval_examples=2", "--set", "eval.max_new=8", "--set", "lora.dropout=0.1",
	}, more...)
}

// TestKilledRunResumesBitForBit kills training at random places, again and
// again, and goes on with the same command. What remains equals what a run that
// nobody disturbed leaves behind.
func TestKilledRunResumesBitForBit(t *testing.T) {
	dir := workDir(t)
	if code := prepare(t, dir, trainArgs("whole")...).start().code(); code != ExitDone {
		t.Fatalf("exit code %d", code)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	metrics := runs.MetricsFile(filepath.Join(dir, "killed"))
	const kills = 5
	for range kills {
		lines := countLines(metrics) + 1 + r.IntN(9)
		p := prepare(t, dir, trainArgs("killed")...).start()
		if !eventually(func() bool { return countLines(metrics) >= lines }) {
			t.Fatalf("no progress: %s", p.stderr.String())
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if code := p.code(); code != -1 {
			t.Fatalf("the run ended by itself with %d before it could be killed: %s", code, p.stderr.String())
		}
	}
	p := prepare(t, dir, trainArgs("killed")...).start()
	if code := p.code(); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if out := p.stdout.String(); !strings.Contains(out, `"type":"resume"`) || !strings.Contains(out, `"state":"finished"`) {
		t.Errorf("the last session did not resume: %s", out)
	}
	for _, file := range []string{
		"adapter/adapter_model.safetensors", "checkpoints/step-000036/adapter_model.safetensors",
		"checkpoints/step-000036/optimizer.safetensors",
	} {
		sameFile(t, filepath.Join(dir, "whole", file), filepath.Join(dir, "killed", file))
	}
	sameHistory(t, filepath.Join(dir, "whole"), filepath.Join(dir, "killed"))
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s differs from %s", b, a)
	}
}

// sameHistory compares what readers see of two runs, but for the clock.
func sameHistory(t *testing.T, a, b string) {
	t.Helper()
	x, err := runs.ReadHistory(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := runs.ReadHistory(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Steps) != len(y.Steps) || len(x.Evals) != len(y.Evals) {
		t.Fatalf("%d steps and %d evaluations, then %d and %d", len(x.Steps), len(x.Evals), len(y.Steps), len(y.Evals))
	}
	for i := range x.Steps {
		p, q := x.Steps[i], y.Steps[i]
		p.Seconds, q.Seconds = 0, 0
		if p != q {
			t.Errorf("step %d: %+v, then %+v", p.Step, p, q)
		}
	}
	for i := range x.Evals {
		if p, q := x.Evals[i], y.Evals[i]; p.Step != q.Step || p.Loss != q.Loss || p.ExactMatch != q.ExactMatch {
			t.Errorf("evaluation %d: %+v, then %+v", i, p, q)
		}
	}
}

// long are settings of a run that no test waits for.
func long(runDir string, more ...string) []string {
	return append([]string{"train", "--model", "model", "--data", "events", "--run-dir", runDir, "--set", "train.epochs=5000", "--set", "train.eval_every=0", "--set", "train.checkpoint_every=0"}, more...)
}

func TestSignalsStopTrainingWithACheckpoint(t *testing.T) {
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		times  int
		code   int
	}{
		{"SIGINT", syscall.SIGINT, 1, 130},
		{"SIGHUP", syscall.SIGHUP, 1, 129},
		{"SIGTERM", syscall.SIGTERM, 1, 143},
		{"SIGINT twice", syscall.SIGINT, 2, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			if signal.Ignored(c.signal) {
				t.Skipf("%s is ignored here, as nohup does, and so by the program", c.name)
			}
			dir := workDir(t)
			run := filepath.Join(dir, "run")
			p := prepare(t, dir, long("run", "--json")...).start()
			if !eventually(func() bool { return countLines(runs.MetricsFile(run)) >= 4 }) {
				t.Fatalf("no progress: %s", p.stderr.String())
			}
			for range c.times {
				if err := p.Process.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
			}
			if got := p.code(); got != c.code {
				t.Fatalf("exit code %d, want %d: %s", got, c.code, p.stderr.String())
			}
			lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, `{"type":"done","state":"stopped"`) {
				t.Errorf("last line %s", last)
			}
			h, err := runs.ReadHistory(run)
			if err != nil {
				t.Fatal(err)
			}
			last, _ := h.LastStep()
			saved, ok, err := runs.LatestCheckpoint(run)
			if err != nil || !ok || saved.Step != last.Step {
				t.Errorf("checkpoint %+v %v %v after step %d", saved, ok, err, last.Step)
			}
			if info, err := runs.ReadInfo(run); err != nil || info.State != runs.Stopped {
				t.Errorf("run.json says %q, %v", info.State, err)
			}
		})
	}
}

func TestSignalEndsWhatHasNothingToSave(t *testing.T) {
	dir := workDir(t)
	p := prepare(t, dir, "tokenize", "--model", "model", "-")
	// Standard input that never ends: the command cannot finish by itself.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p.Stdin, p.Stdout = r, nil
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	r.Close()
	if _, err := w.WriteString("\"a\"\n"); err != nil {
		t.Fatal(err)
	}
	// Its first answer says that it is at work and listens to signals.
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := p.code(); got != 143 {
		t.Errorf("exit code %d, want 143", got)
	}
}

// TestReaderGoesAway closes the reading end of standard output in mid-run, as
// `| head -1` does: the run keeps a checkpoint, and nobody is told.
func TestReaderGoesAway(t *testing.T) {
	dir := workDir(t)
	p := prepare(t, dir, long("run", "--json")...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout = w
	p.start()
	w.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if got := p.code(); got != 141 {
		t.Errorf("exit code %d, want 141", got)
	}
	if s := p.stderr.String(); s != "" {
		t.Errorf("standard error says %q", s)
	}
	if _, ok, err := runs.LatestCheckpoint(filepath.Join(dir, "run")); !ok || err != nil {
		t.Errorf("no checkpoint: %v", err)
	}
}
